"""A question in a chat is put down, and all that its turn needs is read, with one statement.

Most of the CPU that a turn takes of the application goes into sending statements and waiting for
them (docs/decisions/0013).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiconvokit.chat.turn_queries import Begun, Earlier, Persona, Room
from aiconvokit.db import Transaction
from aiconvokit.files.expiry_queries import IS_ALIVE, TOUCH
from aiconvokit.ids import public_id
from aiconvokit.retrieval.types import SearchedCollection
from aiconvokit.statements import Prepared

# Who may ask, and that nobody else is at it; nothing comes back where either fails. A statement
# sees what was there when it began: where the thread has changed since, its last answer would be
# missed, so it counts as taken and is asked for again.
# An answer that is still unfinished when the lease is new lost its process. Without words are calls
# of functions, and other items of conversations of `/v1`.
_BEGIN = Prepared(
    f"""
WITH room AS (
    UPDATE thread t
    SET lease_token = :lease, lease_expires_at = now() + make_interval(secs => :seconds)
    FROM chat c JOIN assistant a ON a.id = c.assistant_id JOIN thread seen ON seen.id = c.thread_id
    WHERE c.id = :chat AND c.assistant_id = :assistant AND t.id = c.thread_id
      AND t.xmin = seen.xmin
      AND t.owner_id = :user AND t.origin = :origin AND (a.owner_id = :user OR :shared)
      AND (t.lease_token IS NULL OR t.lease_expires_at < now())
    RETURNING t.id, t.public_id, a.id AS assistant_id, a.instructions, a.company_name, a.glossary,
              a.searches, t.collection_id
), lost AS (
    UPDATE message SET status = 'interrupted'
    WHERE thread_id = (SELECT id FROM room) AND status = 'in_progress'
), said AS (
    INSERT INTO message (public_id, thread_id, role, status, content)
    SELECT one.public_id, room.id, one.role, one.status, one.content
    FROM room, (VALUES (1, :question_id, 'user', 'complete', :question),
                       (2, :answer_id, 'assistant', 'in_progress', ''))
               AS one(nr, public_id, role, status, content)
    ORDER BY one.nr RETURNING id
), newest AS (
    SELECT id, role, content, citations FROM message
    WHERE thread_id = (SELECT id FROM room) AND status = 'complete' AND content <> ''
    ORDER BY id DESC LIMIT :limit
), reads AS (
    SELECT l.collection_id, l.position FROM room, assistant_collection l
    WHERE l.assistant_id = room.assistant_id
    UNION ALL
    SELECT room.collection_id, NULL FROM room WHERE NOT EXISTS (
        SELECT FROM assistant_collection l
        WHERE l.assistant_id = room.assistant_id AND l.collection_id = room.collection_id)
)
SELECT id, public_id, assistant_id, instructions, company_name, glossary,
       (SELECT max(id) FROM said),
       (SELECT json_agg(json_build_array(role, content, citations) ORDER BY id) FROM newest),
       (SELECT json_agg(json_build_array(c.id, c.space_id, c.language, c.chunk_count,
                                         c.indexed_space_id, c.expires_after_days)
                        ORDER BY position)
        FROM reads JOIN collection c ON c.id = reads.collection_id
        WHERE room.searches AND {IS_ALIVE})
FROM room
"""  # noqa: S608  # ours, above
)


async def begin(
    connection: Transaction, keys: Mapping[str, Any], lease: UUID, question: str
) -> tuple[Room, Begun] | None:
    """Take a chat's thread, store the question and an unfinished answer, read what was said before.

    Args:
        connection: in no transaction.
        keys: `chat`, `assistant`, `user`, the thread's `origin`, whether assistants are `shared`,
            how many `seconds` the lease holds unless it is renewed, and how many messages are read
            at most (`limit`).
        lease: the turn's own token.
        question: what is asked.

    Returns:
        None when there is no such chat for this user, or another turn holds it, or held it when
        this one began.
    """
    answer_id = public_id("msg")
    said = {"question_id": public_id("msg"), "question": question, "answer_id": answer_id}
    row = await _BEGIN.row(connection, {**keys, **said, "lease": lease})
    if row is None:
        return None
    read: list[list[Any]] = row[8] or []
    if expiring := [one[0] for one in read if one[5] is not None]:  # they do so later for it
        await connection.execute(TOUCH, {"collections": expiring})
    return Room(row[0], row[1], Persona(*row[2:6])), Begun(
        history=[Earlier(*one) for one in row[7] or []],
        collections=[SearchedCollection(*one[:5]) for one in read],
        row=row[6],
        message_id=answer_id,
    )
