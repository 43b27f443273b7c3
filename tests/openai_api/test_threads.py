"""`/v1/threads` with the unmodified official client."""

from typing import Any

import openai
import psycopg
import pytest
from openai.types.beta import Thread
from sqlalchemy import select

from aiconvokit.chat.tables import Thread as Row
from aiconvokit.db import create_engine, create_sessions
from aiconvokit.openai_api.threads.work import show_thread
from support.server import API, Client

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning"
)

SALMON = b"The salmon harvest of Acme was 52 thousand tonnes in 2025."


def stores(thread: Thread) -> list[str]:
    assert thread.tool_resources
    assert thread.tool_resources.file_search
    return thread.tool_resources.file_search.vector_store_ids or []


def ids(database: str, statement: str, *values: object) -> list[str]:
    with psycopg.connect(database) as connection:
        return [str(row[0]) for row in connection.execute(statement, values).fetchall()]


def store_and_file(database: str, ann: Client) -> tuple[str, str]:
    """A vector store and the file in it."""
    made = ann.assistant("Source", report_txt=SALMON)
    found = ids(
        database,
        "SELECT unnest(ARRAY[c.public_id, f.public_id]) FROM document d"
        " JOIN collection c ON c.id = d.collection_id JOIN file f ON f.id = d.file_id"
        " WHERE d.id = %s",
        made["documents"][0]["id"],
    )
    return found[0], found[1]


def test_an_empty_one(anns: openai.OpenAI) -> None:
    made = anns.beta.threads.create()
    assert made.id.startswith("thread_")
    assert (made.object, made.metadata, stores(made)) == ("thread", {}, [])
    assert anns.beta.threads.retrieve(made.id) == made
    assert anns.beta.threads.messages.list(made.id).data == []


def test_one_with_messages(anns: openai.OpenAI) -> None:
    made = anns.beta.threads.create(
        messages=[
            {"role": "user", "content": "One", "metadata": {"n": "1"}},
            {"role": "assistant", "content": [{"type": "text", "text": "Two"}]},
            {"role": "user", "content": "Three"},
        ],
        metadata={"topic": "numbers"},
    )
    assert made.metadata == {"topic": "numbers"}
    said = anns.beta.threads.messages.list(made.id, order="asc").data
    texts = [part.text.value for one in said for part in one.content if part.type == "text"]
    assert texts == ["One", "Two", "Three"]
    assert [one.role for one in said] == ["user", "assistant", "user"]
    assert said[0].metadata == {"n": "1"}


def test_an_update_changes_what_it_names(anns: openai.OpenAI, ann: Client, database: str) -> None:
    store, _ = store_and_file(database, ann)
    made = anns.beta.threads.create(
        metadata={"a": "b"}, tool_resources={"file_search": {"vector_store_ids": [store]}}
    )
    assert stores(made) == [store]
    changed = anns.beta.threads.update(made.id, metadata={"c": "d"})
    assert (changed.metadata, stores(changed)) == ({"c": "d"}, [store])
    detached = anns.beta.threads.update(
        made.id, tool_resources={"file_search": {"vector_store_ids": []}}
    )
    assert (detached.metadata, stores(detached)) == ({"c": "d"}, [])
    emptied = anns.beta.threads.update(made.id, metadata=None)
    assert emptied.metadata == {}


def test_a_store_is_made_of_files(anns: openai.OpenAI, ann: Client, database: str) -> None:
    _, file_id = store_and_file(database, ann)
    made = anns.beta.threads.create(
        tool_resources={"file_search": {"vector_stores": [{"file_ids": [file_id]}]}}
    )
    days = ids(
        database, "SELECT expires_after_days FROM collection WHERE public_id = %s", stores(made)[0]
    )
    assert days == ["7"]


def test_files_of_messages_are_put_into_its_store(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    _, file_id = store_and_file(database, ann)
    attached: Any = {"file_id": file_id, "tools": [{"type": "file_search"}]}
    made = anns.beta.threads.create(
        messages=[{"role": "user", "content": "Read it.", "attachments": [attached]}]
    )
    assert len(stores(made)) == 1
    anns.beta.threads.messages.create(
        made.id, role="user", content="Again.", attachments=[attached]
    )
    assert stores(anns.beta.threads.retrieve(made.id)) == stores(made)
    held = ids(
        database,
        "SELECT f.public_id FROM document d JOIN file f ON f.id = d.file_id"
        " JOIN collection c ON c.id = d.collection_id WHERE c.public_id = %s",
        stores(made)[0],
    )
    assert held == [file_id]
    said = anns.beta.threads.messages.list(made.id, order="asc").data
    assert said[0].attachments
    assert said[0].attachments[0].file_id == file_id
    tools = said[0].attachments[0].tools
    assert tools
    assert [tool.type for tool in tools] == ["file_search"]


def test_its_deletion_takes_chat_and_messages(anns: openai.OpenAI, ann: Client) -> None:
    assistant = ann.assistant("Reports", report_txt=SALMON)
    chat = ann.chat(assistant["id"])
    thread_id = ann.ask(chat, assistant["id"], "How large was the harvest?")["thread_id"]
    gone = anns.beta.threads.delete(thread_id)
    assert (gone.id, gone.deleted, gone.object) == (thread_id, True, "thread.deleted")
    assert ann.get(f"{API}/chat/{chat}/").status_code == 404
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.retrieve(thread_id)
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.messages.list(thread_id)
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.delete(thread_id)


async def test_one_that_goes_while_it_is_shown(anns: openai.OpenAI, database: str) -> None:
    made = anns.beta.threads.create(metadata={"k": "v"})
    engine = create_engine(database, pool_size=1)
    async with create_sessions(engine)() as session:
        found = (await session.scalars(select(Row).where(Row.public_id == made.id))).one()
        anns.beta.threads.delete(made.id)
        shown = await show_thread(session, found)
    await engine.dispose()
    assert (shown.id, shown.metadata) == (made.id, {"k": "v"})


def test_a_deletion_is_kept(anns: openai.OpenAI, database: str) -> None:
    made = anns.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
    anns.beta.threads.delete(made.id)
    found = ids(
        database,
        "SELECT removed ->> 'messages' FROM deletion WHERE kind = 'thread' AND public_id = %s",
        made.id,
    )
    assert found == ["1"]


def test_threads_without_a_chat_disturb_nobody(anns: openai.OpenAI, ann: Client) -> None:
    made = anns.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
    listed = ann.get(f"{API}/chat/?limit=500")
    assert listed.status_code == 200
    assert made.id not in [one["thread_id"] for one in listed.json()]
    assert ann.get(f"{API}/chat/?search=Hello").status_code == 200
    assert ann.get(f"{API}/usage/").status_code == 200


def test_what_is_somebody_elses_is_unknown(
    anns: openai.OpenAI, bobs: openai.OpenAI, ann: Client, database: str
) -> None:
    store, file_id = store_and_file(database, ann)
    made = anns.beta.threads.create(messages=[{"role": "user", "content": "Secret"}])
    own = bobs.beta.threads.create()
    attached: Any = {"file_id": file_id, "tools": [{"type": "file_search"}]}
    by_id: Any = {"file_search": {"vector_store_ids": [store]}}
    by_file: Any = {"file_search": {"vector_stores": [{"file_ids": [file_id]}]}}
    said: Any = [{"role": "user", "content": "?", "attachments": [attached]}]
    attempts: list[Any] = [
        lambda: bobs.beta.threads.retrieve(made.id),
        lambda: bobs.beta.threads.update(made.id, metadata={}),
        lambda: bobs.beta.threads.delete(made.id),
        lambda: bobs.beta.threads.create(tool_resources=by_id),
        lambda: bobs.beta.threads.create(tool_resources=by_file),
        lambda: bobs.beta.threads.update(own.id, tool_resources=by_id),
        lambda: bobs.beta.threads.create(messages=said),
    ]
    for attempt in attempts:
        with pytest.raises(openai.NotFoundError):
            attempt()
    assert anns.beta.threads.retrieve(made.id) == made
    assert stores(bobs.beta.threads.retrieve(own.id)) == []


def test_visitors_threads_are_none(ann: Client, anns: openai.OpenAI, database: str) -> None:
    made = anns.beta.threads.create()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE thread SET origin = 'widget' WHERE public_id = %s", [made.id])
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.retrieve(made.id)
    assistant = ann.assistant()
    answer = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"], "thread_id": made.id})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (
            {
                "messages": [
                    {"role": "user", "content": "x"},
                    {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
                ]
            },
            "messages[1].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": "x",
                        "attachments": [
                            {"file_id": "file_1", "tools": [{"type": "code_interpreter"}]}
                        ],
                    }
                ]
            },
            "messages[0].attachments[0].tools",
        ),
        ({"metadata": {"k" * 65: ""}}, "metadata"),
        (
            {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1", "vs_2"]}}},
            "tool_resources.file_search.vector_store_ids",
        ),
        (
            {"tool_resources": {"code_interpreter": {"file_ids": ["file_1"]}}},
            "tool_resources.code_interpreter",
        ),
    ],
)
def test_what_is_wrong_is_named(anns: openai.OpenAI, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        anns.beta.threads.create(**wrong)
    assert refused.value.param == param


def test_a_store_by_id_and_one_to_be_made_are_two(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    store, _ = store_and_file(database, ann)
    with pytest.raises(openai.BadRequestError) as refused:
        anns.beta.threads.create(
            tool_resources={"file_search": {"vector_store_ids": [store], "vector_stores": [{}]}}
        )
    assert refused.value.param == "tool_resources.file_search"


@pytest.mark.parametrize("odd", ["thread_%00", "thread_%FF", "%C3%A4", "thread_%0A"])
def test_an_odd_id_is_unknown(anns: openai.OpenAI, odd: str) -> None:
    with pytest.raises(openai.NotFoundError):
        anns.get(f"/threads/{odd}", cast_to=object)


@pytest.mark.parametrize("odd", ["after=%00", "before=%FF", "run_id=%00"])
def test_an_odd_cursor_is_no_fault(anns: openai.OpenAI, odd: str) -> None:
    made = anns.beta.threads.create()
    try:
        found: Any = anns.get(f"/threads/{made.id}/messages?{odd}", cast_to=object)
    except openai.BadRequestError:
        return
    assert found["data"] == []
