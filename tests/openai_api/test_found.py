"""What reviews and hostile tests found on the OpenAI wire: it stays mended."""

import uuid
from typing import Any

import httpx
import openai
import psycopg
import pytest

from fake_model.server import FakeModel
from openai_api.stores import put
from support.server import API, Client

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

REPORT = """# Annual report

Northwind employed 1,204 people at the end of 2025. Revenue was 48.3 million euros.
"""
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."
QUESTION = "How many people does Northwind employ?"
DEPTH = 965
"""Objects within each other: JSON's own reader takes them, what walked them afterwards did not."""
DEEP = '{"a":' * DEPTH + "1" + "}" * DEPTH
FUNCTION: Any = {"type": "function", "function": {"name": "f"}}
CODE: Any = {"type": "code_interpreter"}


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    """An assistant with one document, made on the other surface."""
    made = ann.assistant("Reports", report_md=REPORT.encode())
    assert made["documents"][0]["status"] == "ready", made
    return str(made["openai_id"])


def asked(client: openai.OpenAI, text: str = QUESTION) -> str:
    return client.beta.threads.create(messages=[{"role": "user", "content": text}]).id


def sent(ann: Client, path: str, raw: str) -> httpx.Response:
    """A body as it is: the official client would not write these."""
    return ann.post(f"/v1{path}", content=raw, headers={"content-type": "application/json"})


def things(database: str) -> dict[str, int]:
    """How many rows there are of what a refused call must not leave."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM thread), (SELECT count(*) FROM collection),"
            " (SELECT count(*) FROM assistant), (SELECT count(*) FROM message)"
        ).fetchone()
    assert row
    return dict(zip(("threads", "stores", "assistants", "messages"), row, strict=True))


def test_what_is_nested_too_deeply_is_refused(
    ann: Client, anns: openai.OpenAI, reports: str, database: str
) -> None:
    thread_id = asked(anns)
    before = things(database)
    said = '"thread":{"messages":[{"role":"user","content":"Who?"}]}'
    for path, raw in (
        ("/assistants", f'{{"model":"m","response_format":{DEEP}}}'),
        (f"/threads/{thread_id}/runs", f'{{"assistant_id":"{reports}","tool_choice":{DEEP}}}'),
        ("/threads/runs", f'{{"assistant_id":"{reports}","tool_choice":{DEEP},{said}}}'),
        ("/threads/runs", f'{{"assistant_id":"{reports}","response_format":{DEEP},{said}}}'),
    ):
        refused = sent(ann, path, raw)
        assert refused.status_code == 400, refused.text
        assert refused.json()["error"]["message"] == "JSON parse error - Nested too deeply"
    assert things(database) == before
    assert anns.beta.threads.runs.list(thread_id).data == []


def answered_once(ann: Client, chat: str, body: dict[str, Any], key: str) -> httpx.Response:
    answer = ann.put(chat, json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 200, answer.text
    return answer


REPLAYED = "Idempotent-Replayed"


def test_a_kept_answer_goes_with_a_file_of_its_thread(
    ann: Client, anns: openai.OpenAI, fake: FakeModel
) -> None:
    fake.script(PROVEN)
    reader = ann.assistant("Reader", other_md=b"# Other\n\nThe cat sat on the mat in Rome.")
    file = put(anns, "report.md", REPORT)
    store = anns.vector_stores.create()
    anns.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
    thread = anns.beta.threads.create(
        tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    begun = ann.post(f"{API}/chat/", json={"assistant_id": reader["id"], "thread_id": thread.id})
    chat, key = f"{API}/chat/{begun.json()['id']}/", uuid.uuid4().hex
    body = {"assistant_id": reader["id"], "input": QUESTION}
    first = answered_once(ann, chat, body, key).json()
    assert [one["filename"] for one in first["citations"]] == ["report.md"]
    again = answered_once(ann, chat, body, key)
    assert again.headers[REPLAYED] == "true"
    assert again.json() == first
    anns.files.delete(file)
    fake.script("Nothing is known of it.")
    anew = answered_once(ann, chat, body, key)
    assert REPLAYED not in anew.headers
    assert "1,204" not in anew.text


def test_a_kept_answer_goes_with_a_document_of_another_assistant(
    ann: Client, anns: openai.OpenAI, fake: FakeModel
) -> None:
    fake.script(PROVEN)
    store = anns.vector_stores.create()
    file = put(anns, "report.md", REPORT)
    anns.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
    made = [
        anns.beta.assistants.create(
            model="m",
            tools=[{"type": "file_search"}],
            tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        ).id
        for _ in range(2)
    ]
    rows = {one["openai_id"]: one for one in ann.get(f"{API}/assistants/?limit=500").json()}
    first, second = (rows[one] for one in made)
    chat, key = f"{API}/chat/{ann.chat(second['id'])}/", uuid.uuid4().hex
    body = {"assistant_id": second["id"], "input": QUESTION}
    assert answered_once(ann, chat, body, key).json()["citations"]
    assert answered_once(ann, chat, body, key).headers[REPLAYED] == "true"
    document = first["documents"][0]["id"]
    gone = ann.delete(f"{API}/assistants/{first['id']}/documents/{document}/")
    assert gone.status_code == 204
    fake.script("Nothing is known of it.")
    anew = answered_once(ann, chat, body, key)
    assert REPLAYED not in anew.headers
    assert "1,204" not in anew.text


def test_a_search_that_fails_is_a_step_that_failed(
    anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    thread_id = asked(anns)
    fake.spoil("/embeddings", "500")
    with anns.beta.threads.runs.create(
        thread_id=thread_id, assistant_id=reports, stream=True
    ) as stream:
        events = [one.event for one in stream if one.event != "error"]
    assert "thread.run.step.failed" in events
    assert "thread.run.step.completed" not in events
    assert "thread.message.created" not in events
    assert events[-1] == "thread.run.failed"
    (run,) = anns.beta.threads.runs.list(thread_id).data
    assert run.status == "failed"
    assert run.last_error
    (step,) = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id).data
    assert (step.type, step.status) == ("tool_calls", "failed")
    assert step.failed_at
    assert step.last_error
    assert fake.chats() == []


def test_refused_runs_leave_nothing(anns: openai.OpenAI, reports: str, database: str) -> None:
    file = put(anns, "attached.txt", "The cat sat on the mat in Rome.")
    before, listed = things(database), len(anns.vector_stores.list(limit=100).data)
    own: Any = {"file_search": {"vector_stores": [{"file_ids": [file]}]}}
    attached: Any = [{"file_id": file, "tools": [{"type": "file_search"}]}]
    message: Any = {"role": "user", "content": "Who?", "attachments": attached}
    spoken: Any = {"role": "assistant", "content": "I.", "attachments": attached}
    refused = anns.beta.threads.create_and_run
    with pytest.raises(openai.BadRequestError, match="'code_interpreter' is not offered"):
        refused(
            assistant_id=reports,
            tools=[CODE],
            thread={"messages": [message], "tool_resources": own},
        )
    with pytest.raises(openai.BadRequestError, match="'code_interpreter' is not offered"):
        refused(assistant_id=reports, tools=[CODE], thread={"messages": [message]})
    empty: list[Any] = [{"tool_resources": own}, {"messages": [spoken]}, {}]
    for thread in empty:
        with pytest.raises(openai.BadRequestError, match="no message of a user"):
            refused(assistant_id=reports, thread=thread)
    assert things(database) == before
    assert len(anns.vector_stores.list(limit=100).data) == listed


def test_a_refused_run_adds_nothing_to_its_thread(
    anns: openai.OpenAI, reports: str, database: str
) -> None:
    file, thread_id = put(anns, "attached.txt", "The cat sat on the mat in Rome."), asked(anns)
    before = things(database)
    attached: Any = [{"file_id": file, "tools": [{"type": "file_search"}]}]
    with pytest.raises(openai.BadRequestError, match="'code_interpreter' is not offered"):
        anns.beta.threads.runs.create(
            thread_id=thread_id,
            assistant_id=reports,
            tools=[CODE],
            additional_messages=[{"role": "user", "content": "Who?", "attachments": attached}],
        )
    assert things(database) == before
    resources = anns.beta.threads.retrieve(thread_id).tool_resources
    assert not (resources and resources.file_search and resources.file_search.vector_store_ids)


@pytest.mark.parametrize("choice", [FUNCTION, {"type": "function"}, 5, "foo", [], True])
def test_no_other_tool_can_be_chosen(
    anns: openai.OpenAI, reports: str, database: str, choice: Any
) -> None:
    thread_id = asked(anns)
    before = things(database)
    with pytest.raises(openai.BadRequestError) as refused:
        anns.beta.threads.runs.create(thread_id=thread_id, assistant_id=reports, tool_choice=choice)
    assert refused.value.param == "tool_choice"
    with pytest.raises(openai.BadRequestError) as refused:
        anns.beta.threads.create_and_run(
            assistant_id=reports,
            tool_choice=choice,
            thread={"messages": [{"role": "user", "content": "Who?"}]},
        )
    assert refused.value.param == "tool_choice"
    assert things(database) == before


@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "file_search"}])
def test_the_search_can_be_chosen(anns: openai.OpenAI, reports: str, choice: Any) -> None:
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=asked(anns), assistant_id=reports, tool_choice=choice
    )
    assert run.status == "completed"
    assert run.tool_choice is not None
    shown: Any = run.tool_choice
    assert (shown if isinstance(choice, str) else {"type": shown.type}) == choice


@pytest.mark.parametrize("side", ["after", "before"])
def test_steps_know_their_cursors(anns: openai.OpenAI, reports: str, side: str) -> None:
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    listed: Any = anns.beta.threads.runs.steps.list
    with pytest.raises(openai.BadRequestError, match="no object with id 'nope'") as refused:
        listed(run.id, thread_id=thread_id, **{side: "nope"})
    assert refused.value.param == side
    first, second = listed(run.id, thread_id=thread_id, order="asc").data
    cursor, left = (first, second) if side == "after" else (second, first)
    found = listed(run.id, thread_id=thread_id, order="asc", **{side: cursor.id}).data
    assert [one.id for one in found] == [left.id]
