"""Messages of threads on `/v1`: shown, and added as they come."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message, Thread
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.errors import BadRequest, InvalidFields
from aiconvokit.ids import public_id
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.annotations import FileCitation, file_citations
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.messages import queries
from aiconvokit.openai_api.messages.queries import Origin
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.threads import queries as threads_queries
from aiconvokit.openai_api.threads import vector_store
from aiconvokit.openai_api.threads.queries import Held
from aiconvokit.openai_api.tools import CODE_INTERPRETER, not_offered
from aiconvokit.rest.fields import LONG_TEXT, JsonBody
from aiconvokit.services import Services

MAX_ATTACHMENTS = 20
"""Of one message; a thread may be begun with many, and all their files become documents at once."""

Reason = Literal["content_filter", "max_tokens", "run_cancelled", "run_failed"]


class Text(Struct):
    """A text and where it quotes what."""

    value: str
    annotations: list[FileCitation]


class TextContent(Struct):
    """The one part that a message is shown with."""

    text: Text
    type: Literal["text"] = "text"


class IncompleteDetails(Struct):
    """Why a message is not whole."""

    reason: Reason


class SearchTool(Struct):
    """The one tool that reads files."""

    type: Literal["file_search"] = "file_search"


class AttachmentOut(Struct):
    """A file that came with a message."""

    file_id: str
    tools: list[SearchTool]


class MessageOut(Struct):
    """A message of a thread; an answer in work has no content yet."""

    id: str
    created_at: int
    thread_id: str
    role: Literal["user", "assistant"]
    status: Literal["in_progress", "incomplete", "completed"]
    incomplete_details: IncompleteDetails | None
    completed_at: int | None
    incomplete_at: int | None
    content: list[TextContent]
    attachments: list[AttachmentOut]
    metadata: dict[str, str]
    assistant_id: str | None
    run_id: str | None
    object: Literal["thread.message"] = "thread.message"


class Part(Struct):
    """A part of what is said; only text is read."""

    type: Literal["text", "image_file", "image_url"]
    text: str = ""


class AttachmentTool(Struct):
    """What a file is to be read by."""

    type: Literal["file_search", "code_interpreter"]


class Attachment(Struct):
    """A file that is to be read in the thread."""

    file_id: str
    tools: list[AttachmentTool] | None = None


class NewMessage(JsonBody):
    """What is said by whom; several text parts become one text."""

    role: Literal["user", "assistant"]
    content: str | list[Part]
    attachments: Annotated[list[Attachment], Meta(max_length=MAX_ATTACHMENTS)] | None = None
    metadata: Metadata | None = None


async def show_messages(
    session: AsyncSession, thread: Thread, rows: Sequence[Message]
) -> list[MessageOut]:
    """Some messages of one thread on the wire."""
    origins = await queries.origins_of(session, [one.id for one in rows if _is_answer(one)])
    answers = [one for one in rows if _is_answer(one) and one.id not in origins]
    assistant_id = await queries.assistant_of(session, thread.id) if answers else None
    cited = {quote["document_id"] for one in rows for quote in one.citations or []}
    file_ids = await file_ids_of(session, cited)
    return [_show(thread, one, origins.get(one.id), assistant_id, file_ids) for one in rows]


def _is_answer(message: Message) -> bool:
    """Whether a turn wrote it: what clients put into an assistant's mouth took no time."""
    said_so = message.status == "complete" and message.milliseconds is None
    return message.role == "assistant" and not said_so


def _show(
    thread: Thread,
    message: Message,
    origin: Origin | None,
    assistant_id: str | None,
    file_ids: Mapping[int, str],
) -> MessageOut:
    status, reason = _status(message, origin)
    ended = seconds(ended_at(message))
    text = Text(message.content, file_citations(message.content, message.citations or [], file_ids))
    own = assistant_id if _is_answer(message) else None
    return MessageOut(
        id=message.public_id,
        created_at=seconds(message.created_at),
        thread_id=thread.public_id,
        role="assistant" if message.role == "assistant" else "user",
        status=status,
        incomplete_details=IncompleteDetails(reason) if reason else None,
        completed_at=ended if status == "completed" else None,
        incomplete_at=ended if status == "incomplete" else None,
        content=[TextContent(text)] if message.content else [],
        attachments=[
            AttachmentOut(one["file_id"], [SearchTool()]) for one in message.attachments or []
        ],
        metadata=message.metadata_,
        assistant_id=origin.assistant_id if origin else own,
        run_id=origin.run_id if origin else None,
    )


def _status(
    message: Message, origin: Origin | None
) -> tuple[Literal["in_progress", "incomplete", "completed"], Reason | None]:
    """How a message stands, and why if it is not whole."""
    if message.status == "in_progress":
        return "in_progress", None
    if message.status in {"complete", "redacted"}:
        cut = _CUT.get(message.finish_reason or "")
        return ("incomplete", cut) if cut else ("completed", None)
    # Of a turn that was no run: one without times was left by a process that died, and one with an
    # error failed; the others somebody stopped.
    stopped = message.error_code is None and message.milliseconds is not None
    is_cancelled = stopped if origin is None else origin.cancelled_at is not None
    return "incomplete", "run_cancelled" if is_cancelled else "run_failed"


_CUT: dict[str, Reason] = {"length": "max_tokens", "content_filter": "content_filter"}


def ended_at(message: Message) -> datetime:
    """When a message was there as far as it ever came."""
    taken = (message.milliseconds or {}).get("total", 0.0)
    return message.created_at + timedelta(milliseconds=taken)


async def add_messages(
    services: Services,
    session: AsyncSession,
    user_id: int,
    thread: Thread,
    new: Sequence[NewMessage],
    *,
    within: str | None = None,
) -> list[Message]:
    """Append messages to a thread as they came, in the caller's transaction.

    Args:
        services: for the files that come with them.
        session: the caller's.
        user_id: who owns the thread and the files.
        thread: where they go.
        new: what is said.
        within: the place of the list in the body; None: the one message is the body.

    Raises:
        NotFound: the thread was deleted meanwhile, or a file is none of the user's.
        InvalidFields: a message is empty, too long, or has something that is not read here.
        BadRequest: a turn is in work in the thread.
    """
    said = sayings(new, within)
    named = [one["file_id"] for saying in said for one in saying.attachments or ()]
    files = await lookup.files(session, user_id, named)
    await hold_idle(session, thread)
    await vector_store.put_files(services, session, thread, files)
    messages = [
        Message(
            public_id=public_id("msg"),
            thread_id=thread.id,
            role=one.role,
            status="complete",
            content=one.content,
            metadata_=dict(one.metadata),
            attachments=list(one.attachments) if one.attachments else None,
        )
        for one in said
    ]
    await queries.insert_messages(session, messages)
    return messages


async def hold_idle(session: AsyncSession, thread: Thread) -> None:
    """Keep a thread as it is until the transaction ends.

    Raises:
        NotFound: it was deleted meanwhile.
        BadRequest: a turn is in work in it.
    """
    held = await _hold(session, thread)
    if held.is_busy:
        raise BadRequest(f"Can't add messages to {thread.public_id} while {_run(held)} is active.")


async def hold_finished(session: AsyncSession, thread: Thread, message: Message) -> None:
    """Keep a thread as it is until the transaction ends, to delete a message of it.

    Raises:
        NotFound: one of them was deleted meanwhile.
        BadRequest: the message is an answer in work.
    """
    held = await _hold(session, thread)
    status = await queries.status_of(session, message.id)
    if status is None:
        raise lookup.unknown("message", message.public_id)
    if held.is_busy:
        raise BadRequest(f"Can't delete {message.public_id} while {_run(held)} is active.")


async def _hold(session: AsyncSession, thread: Thread) -> Held:
    held = await threads_queries.hold(session, thread.id)
    if held is None:
        raise lookup.unknown("thread", thread.public_id)
    return held


def _run(held: Held) -> str:
    return f"a run {held.run_id}" if held.run_id else "a run"


def _place(within: str | None, index: int) -> str:
    return "" if within is None else f"{within}[{index}]."


def _text(message: NewMessage, place: str) -> str:
    """What a message says, its parts under each other."""
    parts = [message.content] if isinstance(message.content, str) else []
    for index, part in enumerate(message.content if not parts else []):
        if not isinstance(part, Part):
            continue
        if part.type != "text":
            why = f"images are not read here ({part.type}): send text."
            raise InvalidFields({f"{place}content[{index}].type": [why]})
        parts.append(part.text)
    text = "\n\n".join(parts)
    if not text.strip():
        raise InvalidFields({f"{place}content": ["it must not be empty."]})
    if len(text) > LONG_TEXT:
        why = f"it has {len(text)} characters, and at most {LONG_TEXT} are read."
        raise InvalidFields({f"{place}content": [why]})
    return text


def _attached(message: NewMessage, place: str) -> list[str]:
    """Public ids of the files that come with a message."""
    for index, one in enumerate(message.attachments or []):
        if any(tool.type == CODE_INTERPRETER for tool in one.tools or []):
            why = not_offered(CODE_INTERPRETER)
            raise InvalidFields({f"{place}attachments[{index}].tools": [why]})
    return [one.file_id for one in message.attachments or []]


def sayings(new: Sequence[NewMessage], within: str | None) -> list[Saying]:
    """Messages as a turn stores them when it begins, without the files that come with them.

    Args:
        new: what is said.
        within: the place of the list in the body; None: the one message is the body.

    Raises:
        InvalidFields: a message is empty, too long, or has something that is not read here.
    """
    return [
        Saying(
            role=one.role,
            content=_text(one, _place(within, index)),
            metadata=one.metadata or {},
            attachments=[
                {"file_id": file_id, "tools": [{"type": "file_search"}]}
                for file_id in _attached(one, _place(within, index))
            ],
        )
        for index, one in enumerate(new)
    ]
