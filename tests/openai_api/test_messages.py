"""`/v1/threads/{id}/messages` with the unmodified official client."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import psycopg
import pytest
from openai.types.beta.threads import Message
from sqlalchemy import event, select

from aiconvokit.chat.tables import Message as Row
from aiconvokit.chat.tables import Thread
from aiconvokit.db import create_engine, create_sessions
from aiconvokit.openai_api.messages import queries
from fake_model.server import FakeModel
from support.server import API, Client, Server
from support.waiting import eventually

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning"
)

SALMON = b"The salmon harvest of Acme was 52 thousand tonnes in 2025."
QUOTED = "The salmon harvest was 52 thousand tonnes [1]."


def text(message: Message) -> str:
    return "".join(part.text.value for part in message.content if part.type == "text")


def asked(ann: Client) -> tuple[int, int, str]:
    """A chat with an answer: its id, its assistant's, its thread's."""
    assistant = ann.assistant("Reports", report_txt=SALMON)
    chat = ann.chat(assistant["id"])
    thread_id = ann.ask(chat, assistant["id"], "How large was the salmon harvest?")["thread_id"]
    return chat, assistant["id"], thread_id


def test_one_as_it_came(anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()
    made = anns.beta.threads.messages.create(
        thread.id, role="user", content="Hello", metadata={"k": "v"}
    )
    assert made.id.startswith("msg_")
    assert (made.object, made.thread_id, made.role) == ("thread.message", thread.id, "user")
    assert (made.status, made.metadata, made.attachments) == ("completed", {"k": "v"}, [])
    assert (made.assistant_id, made.run_id, made.incomplete_details) == (None, None, None)
    assert made.content[0].type == "text"
    assert (made.content[0].text.value, made.content[0].text.annotations) == ("Hello", [])
    assert anns.beta.threads.messages.retrieve(made.id, thread_id=thread.id) == made


def test_what_looks_like_an_endless_mark(anns: openai.OpenAI) -> None:
    """Python reads no number of more than 4,300 digits."""
    said = f"[{'1' * 5_000}]"
    thread = anns.beta.threads.create(messages=[{"role": "assistant", "content": said}])
    [found] = anns.beta.threads.messages.list(thread.id).data
    assert said in str(found.content[0])


def test_several_in_a_row_and_in_parts(anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()
    parts: Any = [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]
    anns.beta.threads.messages.create(thread.id, role="user", content=parts)
    anns.beta.threads.messages.create(thread.id, role="user", content="Three")
    anns.beta.threads.messages.create(thread.id, role="assistant", content="Four")
    said = anns.beta.threads.messages.list(thread.id, order="asc").data
    assert [(one.role, text(one)) for one in said] == [
        ("user", "One\n\nTwo"),
        ("user", "Three"),
        ("assistant", "Four"),
    ]
    assert said[2].assistant_id is None


def test_an_answer_of_a_chat_with_its_citations(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    fake.script(QUOTED)
    chat, assistant_id, thread_id = asked(ann)
    row = ann.get(f"{API}/assistants/{assistant_id}/").json()
    answer, question = anns.beta.threads.messages.list(thread_id).data
    assert (question.role, text(question)) == ("user", "How large was the salmon harvest?")
    assert (answer.role, answer.status, answer.run_id) == ("assistant", "completed", None)
    assert answer.assistant_id == row["openai_id"]
    assert answer.completed_at
    assert answer.completed_at >= answer.created_at
    assert answer.content[0].type == "text"
    quote = answer.content[0].text.annotations[0]
    assert quote.type == "file_citation"
    assert text(answer)[quote.start_index : quote.end_index] == quote.text == "[1]"
    assert quote.file_citation.model_extra
    assert quote.file_citation.model_extra["page"] == 1
    assert quote.file_citation.model_extra["quote"] in SALMON.decode()
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT f.filename FROM file f WHERE f.public_id = %s", [quote.file_citation.file_id]
        ).fetchone()
    assert found == ("report.txt",)
    shown = ann.get(f"{API}/chat/{chat}/").json()["messages"]
    assert [one["id"] for one in shown] == [question.id, answer.id]


def test_a_redacted_answer_cites_nothing(anns: openai.OpenAI, ann: Client, fake: FakeModel) -> None:
    fake.script(QUOTED)
    _, assistant_id, thread_id = asked(ann)
    document = ann.get(f"{API}/assistants/{assistant_id}/").json()["documents"][0]["id"]
    ann.delete(f"{API}/assistants/{assistant_id}/documents/{document}/")
    answer = anns.beta.threads.messages.list(thread_id).data[0]
    assert answer.status == "completed"
    assert text(answer).startswith("[redacted")
    assert answer.content[0].type == "text"
    assert answer.content[0].text.annotations == []


@pytest.mark.parametrize(
    ("columns", "status", "reason"),
    [
        ("status = 'interrupted'", "incomplete", "run_cancelled"),
        ("status = 'interrupted', error_code = 'model_failed'", "incomplete", "run_failed"),
        ("status = 'interrupted', milliseconds = NULL", "incomplete", "run_failed"),
        ("status = 'failed', error_code = 'model_failed'", "incomplete", "run_failed"),
        ("finish_reason = 'length'", "incomplete", "max_tokens"),
        ("finish_reason = 'content_filter'", "incomplete", "content_filter"),
        ("status = 'in_progress'", "in_progress", None),
    ],
)
def test_how_an_answer_stands(
    anns: openai.OpenAI, ann: Client, database: str, columns: str, status: str, reason: str | None
) -> None:
    _, _, thread_id = asked(ann)
    answer = anns.beta.threads.messages.list(thread_id).data[0]
    with psycopg.connect(database) as connection:
        statement = f"UPDATE message SET {columns} WHERE public_id = %s"  # noqa: S608  # ours
        connection.execute(statement.encode(), [answer.id])
    found = anns.beta.threads.messages.list(thread_id).data[0]
    assert found.id == answer.id
    assert found.status == status
    assert (found.incomplete_details.reason if found.incomplete_details else None) == reason
    assert (found.incomplete_at is not None) is (status == "incomplete")
    assert found.completed_at is None


def test_an_answer_without_a_word_is_not_listed(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    _, _, thread_id = asked(ann)
    answer = anns.beta.threads.messages.list(thread_id).data[0]
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE message SET status = 'failed', content = '' WHERE public_id = %s", [answer.id]
        )
    assert [one.role for one in anns.beta.threads.messages.list(thread_id)] == ["user"]


def test_an_update_changes_the_metadata_alone(anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()
    made = anns.beta.threads.messages.create(
        thread.id, role="user", content="Hello", metadata={"a": "b"}
    )
    same = anns.beta.threads.messages.update(made.id, thread_id=thread.id)
    assert same == made
    changed = anns.beta.threads.messages.update(
        made.id, thread_id=thread.id, metadata={"c": "d"}, extra_body={"content": "Bye"}
    )
    assert (changed.metadata, text(changed)) == ({"c": "d"}, "Hello")
    emptied = anns.beta.threads.messages.update(made.id, thread_id=thread.id, metadata=None)
    assert emptied.metadata == {}


def test_the_list_goes_on_by_itself_while_it_is_deleted(anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()
    made = [
        anns.beta.threads.messages.create(thread.id, role="user", content=str(n)).id
        for n in range(7)
    ]
    assert [one.id for one in anns.beta.threads.messages.list(thread.id, limit=3)] == made[::-1]
    up = anns.beta.threads.messages.list(thread.id, limit=3, order="asc")
    assert [one.id for one in up] == made
    page = anns.beta.threads.messages.list(thread.id, limit=2, after=made[4])
    assert [one.id for one in page.data] == [made[3], made[2]]
    before = anns.beta.threads.messages.list(thread.id, limit=2, before=made[2])
    assert [one.id for one in before.data] == [made[4], made[3]]
    for one in anns.beta.threads.messages.list(thread.id, limit=2):
        gone = anns.beta.threads.messages.delete(one.id, thread_id=thread.id)
        assert (gone.id, gone.deleted, gone.object) == (one.id, True, "thread.message.deleted")
    assert anns.beta.threads.messages.list(thread.id).data == []


def test_a_deleted_question_is_in_no_receipt(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    fake.script(QUOTED)
    chat, assistant_id, thread_id = asked(ann)
    second = ann.ask(chat, assistant_id, "And how much is that in tonnes?")
    later = ann.receipt(chat, second["message_id"])
    assert "How large was the salmon harvest?" in str(later["messages"])
    answer, question = anns.beta.threads.messages.list(thread_id).data[2:]
    anns.beta.threads.messages.delete(question.id, thread_id=thread_id)
    redacted = ann.receipt(chat, second["message_id"])
    assert (redacted["redacted"], redacted["messages"]) == (True, [])
    anns.beta.threads.messages.delete(answer.id, thread_id=thread_id)
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT count(*) FROM receipt r JOIN message m ON m.id = r.message_id"
            " JOIN thread t ON t.id = m.thread_id WHERE t.public_id = %s",
            [thread_id],
        ).fetchone()
    assert found == (1,)
    left = ann.get(f"{API}/chat/{chat}/").json()["messages"]
    assert [one["role"] for one in left] == ["user", "assistant"]


def test_nothing_is_added_while_an_answer_is_in_work(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    _, _, thread_id = asked(ann)
    answer = anns.beta.threads.messages.list(thread_id).data[0]
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE message SET status = 'in_progress' WHERE public_id = %s", [answer.id]
        )
        connection.execute(
            "UPDATE thread SET lease_token = gen_random_uuid(),"
            " lease_expires_at = now() + interval '1 minute' WHERE public_id = %s",
            [thread_id],
        )
    told = f"Can't add messages to {thread_id} while a run is active."
    with pytest.raises(openai.BadRequestError, match=told):
        anns.beta.threads.messages.create(thread_id, role="user", content="And?")
    with pytest.raises(openai.BadRequestError, match="Can't delete"):
        anns.beta.threads.messages.delete(answer.id, thread_id=thread_id)
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE thread SET lease_expires_at = now() - interval '1 second' WHERE public_id = %s",
            [thread_id],
        )
    anns.beta.threads.messages.create(thread_id, role="user", content="And?")


def test_many_at_once_are_all_there(server: Server, anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()

    def say(number: int) -> None:
        anns.beta.threads.messages.create(thread.id, role="user", content=str(number))

    threads = [threading.Thread(target=say, args=(number,)) for number in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    said = anns.beta.threads.messages.list(thread.id, limit=100).data
    assert sorted(int(text(one)) for one in said) == list(range(12))


def test_one_that_goes_while_it_is_changed(anns: openai.OpenAI, database: str) -> None:
    thread = anns.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
    message = anns.beta.threads.messages.list(thread.id).data[0]
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database) as connection:
        connection.execute("DELETE FROM message WHERE public_id = %s", [message.id])
        changed = pool.submit(
            anns.beta.threads.messages.update,
            message.id,
            thread_id=thread.id,
            metadata={"k": "v"},
        )
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        eventually(lambda: connection.execute(waiting).fetchone() == (1,))
        connection.commit()
        with pytest.raises(openai.NotFoundError, match=message.id):
            changed.result()


async def test_many_are_one_statement_and_in_order(anns: openai.OpenAI, database: str) -> None:
    thread_id = anns.beta.threads.create().id
    engine = create_engine(database, pool_size=1)
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    async with create_sessions(engine).begin() as session:
        row = await session.scalar(select(Thread.id).where(Thread.public_id == thread_id))
        assert row
        event.listen(engine.sync_engine, "before_cursor_execute", note)
        messages = [
            Row(
                public_id=f"msg_{number}",
                thread_id=row,
                role="user",
                status="complete",
                content=str(number),
                metadata_={},
                attachments=[{"file_id": "file_1"}] if number % 3 else None,
            )
            for number in range(200)
        ]
        await queries.insert_messages(session, messages)
        assert {one.citations for one in messages} == {None}  # all of it was read back
        assert len({one.created_at for one in messages}) == 1
    await engine.dispose()
    assert len(statements) == 1
    assert [one.id for one in messages] == sorted({one.id for one in messages})
    said = anns.beta.threads.messages.list(thread_id, limit=100, order="asc")
    assert [text(one) for one in said] == [str(number) for number in range(200)]


def test_what_is_somebody_elses_is_unknown(
    anns: openai.OpenAI, bobs: openai.OpenAI, ann: Client, database: str
) -> None:
    thread = anns.beta.threads.create(messages=[{"role": "user", "content": "Secret"}])
    message = anns.beta.threads.messages.list(thread.id).data[0]
    own = bobs.beta.threads.create()
    other = anns.beta.threads.create()
    ann.assistant("Source", report_txt=SALMON)
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT public_id FROM file LIMIT 1").fetchone()
    assert row
    attached: Any = [{"file_id": row[0], "tools": [{"type": "file_search"}]}]
    his = bobs.beta.threads.messages
    attempts: list[Any] = [
        lambda: his.list(thread.id),
        lambda: his.create(thread.id, role="user", content="x"),
        lambda: his.retrieve(message.id, thread_id=thread.id),
        lambda: his.update(message.id, thread_id=thread.id, metadata={}),
        lambda: his.delete(message.id, thread_id=thread.id),
        # Her message under a thread of his, and one of hers under another one of hers.
        lambda: his.retrieve(message.id, thread_id=own.id),
        lambda: his.update(message.id, thread_id=own.id, metadata={}),
        lambda: his.delete(message.id, thread_id=own.id),
        lambda: anns.beta.threads.messages.retrieve(message.id, thread_id=other.id),
        lambda: anns.beta.threads.messages.delete(message.id, thread_id=other.id),
        lambda: his.create(own.id, role="user", content="x", attachments=attached),
    ]
    for attempt in attempts:
        with pytest.raises(openai.NotFoundError):
            attempt()
    with pytest.raises(openai.BadRequestError, match="after"):
        his.list(own.id, after=message.id)
    with pytest.raises(openai.BadRequestError, match="after"):
        anns.beta.threads.messages.list(other.id, after=message.id)
    assert his.list(own.id).data == []
    assert anns.beta.threads.messages.list(thread.id).data == [message]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"role": "system"}, "role"),
        ({"content": ""}, "content"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text", "text": " "}]}, "content"),
        ({"content": "x" * 100_001}, "content"),
        ({"content": [{"type": "image_file", "image_file": {}}]}, "content[0].type"),
        ({"content": 5}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"attachments": [{"tools": []}]}, "attachments[0].file_id"),
        (
            {"attachments": [{"file_id": "file_1", "tools": [{"type": "code_interpreter"}]}]},
            "attachments[0].tools",
        ),
        ({"attachments": [{"file_id": "file_1"}] * 21}, "attachments"),
        ({"metadata": {"k": 1}}, "metadata"),
    ],
)
def test_what_is_wrong_is_named(anns: openai.OpenAI, wrong: dict[str, Any], param: str) -> None:
    thread = anns.beta.threads.create()
    with pytest.raises(openai.BadRequestError) as refused:
        anns.post(
            f"/threads/{thread.id}/messages",
            body={"role": "user", "content": "x", **wrong},
            cast_to=object,
        )
    assert refused.value.param
    assert refused.value.param.startswith(param)
    assert anns.beta.threads.messages.list(thread.id).data == []


def test_the_longest_one(anns: openai.OpenAI) -> None:
    thread = anns.beta.threads.create()
    made = anns.beta.threads.messages.create(thread.id, role="user", content="x" * 100_000)
    assert len(text(made)) == 100_000
