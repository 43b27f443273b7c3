"""Runs through the official client: created, polled, streamed, cancelled; their steps."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AssistantEventHandler
from typing_extensions import override

from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, Server, running_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning"
)

REPORT = b"""# Annual report

Northwind employed 1,204 people at the end of 2025. Revenue was 48.3 million euros.
"""
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    """An assistant with one document, made on the other surface."""
    made = ann.assistant("Reports", report_md=REPORT)
    assert made["documents"][0]["status"] == "ready", made
    return str(made["openai_id"])


def asked(client: openai.OpenAI, text: str = "How many people does Northwind employ?") -> str:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text}])
    return thread.id


def test_create_and_poll(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.script(PROVEN)
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    assert run.status == "completed", run
    assert run.usage
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens > 0
    assert run.completed_at
    messages = anns.beta.threads.messages.list(thread_id, run_id=run.id).data
    assert [one.role for one in messages] == ["assistant"]
    content = messages[0].content[0]
    assert content.type == "text"
    annotation: Any = content.text.annotations[0]
    assert content.text.value[annotation.start_index : annotation.end_index] == annotation.text
    assert annotation.file_citation.quote == "Northwind employed 1,204 people at the end of 2025."
    assert annotation.file_citation.page == 1
    assert anns.files.retrieve(annotation.file_citation.file_id).filename == "report.md"
    assert messages[0].assistant_id == reports


def test_the_steps_show_what_was_found(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.script(PROVEN)
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    steps = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert [one.type for one in steps] == ["tool_calls", "message_creation"]
    assert {one.status for one in steps} == {"completed"}
    search = anns.beta.threads.runs.steps.retrieve(
        steps[0].id,
        thread_id=thread_id,
        run_id=run.id,
        include=["step_details.tool_calls[*].file_search.results[*].content"],
    )
    assert search.step_details.type == "tool_calls"
    call = search.step_details.tool_calls[0]
    assert call.type == "file_search"
    assert call.file_search.results
    found = call.file_search.results[0]
    assert found.file_name == "report.md"
    assert 0 < found.score <= 1
    assert found.content
    assert "1,204 people" in (found.content[0].text or "")


class Handler(AssistantEventHandler):
    """Keeps what the official helper tells."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        self.done: list[str] = []
        self.tools: list[str] = []

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.said += delta.value or ""

    @override
    def on_text_done(self, text: Any) -> None:
        self.done.append(text.value)

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        self.tools.append(tool_call.type)


def test_a_run_is_told_piece_by_piece(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.script(PROVEN)
    thread_id, handler = asked(anns), Handler()
    with anns.beta.threads.runs.stream(
        thread_id=thread_id, assistant_id=reports, event_handler=handler
    ) as stream:
        events = [one.event for one in stream]
        stream.until_done()
    assert events[:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert events[-1] == "thread.run.completed"
    assert events.index("thread.message.created") < events.index("thread.message.delta")
    final = stream.get_final_messages()[0].content[0]
    assert final.type == "text"
    assert handler.said == final.text.value == handler.done[0]
    run = stream.current_run
    assert run
    assert run.status == "completed"
    steps = stream.get_final_run_steps()
    assert [one.type for one in steps] == ["tool_calls", "message_creation"]


def test_a_stream_that_is_left_goes_on(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.script(PROVEN)
    thread_id = asked(anns)
    with anns.beta.threads.runs.create(
        thread_id=thread_id, assistant_id=reports, stream=True
    ) as events:
        first: Any = next(iter(events))
    assert first.event == "thread.run.created"
    run = anns.beta.threads.runs.poll(first.data.id, thread_id=thread_id)
    assert run.status == "completed"


def test_create_and_run(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.script(PROVEN)
    run = anns.beta.threads.create_and_run_poll(
        assistant_id=reports,
        thread={"messages": [{"role": "user", "content": "How many people?"}]},
        metadata={"for": "test"},
    )
    assert run.status == "completed"
    assert run.metadata == {"for": "test"}
    with anns.beta.threads.create_and_run_stream(
        assistant_id=reports,
        thread={"messages": [{"role": "user", "content": "How many people?"}]},
    ) as stream:
        events = [one.event for one in stream]
    assert events[0] == "thread.created"
    assert events[-1] == "thread.run.completed"


def test_what_is_said_in_a_row_is_one_question(
    anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    thread_id = asked(anns, "A question about Northwind.")
    anns.beta.threads.messages.create(thread_id, role="user", content="How many people?")
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id,
        assistant_id=reports,
        additional_messages=[{"role": "user", "content": "In 2025, I mean."}],
        additional_instructions="Answer in one word.",
    )
    assert run.status == "completed"
    assert run.instructions.endswith("Answer in one word.")
    sent = fake.chats()[-1].body["messages"]
    assert [one["role"] for one in sent] == ["system", "user"]
    assert (
        "A question about Northwind.\n\nHow many people?\n\nIn 2025, I mean."
        in (sent[1]["content"])
    )
    assert "Answer in one word." in sent[0]["content"]
    said = anns.beta.threads.messages.list(thread_id, order="asc").data
    assert [one.role for one in said] == ["user", "user", "user", "assistant"]


def test_without_the_tool_nothing_is_searched(
    anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=reports, tools=[]
    )
    assert run.status == "completed"
    assert "passage" not in str(fake.chats()[-1].body["messages"])
    steps = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id).data
    assert [one.type for one in steps] == ["message_creation"]


def test_bounds_reach_the_model(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    thread_id = asked(anns, "First?")
    anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    anns.beta.threads.messages.create(thread_id, role="user", content="Second?")
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id,
        assistant_id=reports,
        max_completion_tokens=17,
        truncation_strategy={"type": "last_messages", "last_messages": 1},
    )
    assert run.max_completion_tokens == 17
    body = fake.chats()[-1].body
    assert 17 in {body.get("max_tokens"), body.get("max_completion_tokens")}
    assert "First?" not in str(body["messages"])


def test_wrong_runs_are_refused(anns: openai.OpenAI, reports: str) -> None:
    runs = anns.beta.threads.runs
    empty = anns.beta.threads.create().id
    with pytest.raises(openai.BadRequestError, match="no message of a user"):
        runs.create(thread_id=empty, assistant_id=reports)
    thread_id = asked(anns)
    with pytest.raises(openai.BadRequestError, match="'code_interpreter' is not offered"):
        runs.create(
            thread_id=thread_id,
            assistant_id=reports,
            tools=[{"type": "code_interpreter"}],
        )
    with pytest.raises(openai.NotFoundError, match="No assistant found with id 'asst_none'"):
        runs.create(thread_id=thread_id, assistant_id="asst_none")
    with pytest.raises(openai.NotFoundError, match="No thread found with id 'thread_none'"):
        runs.create(thread_id="thread_none", assistant_id=reports)
    with pytest.raises(openai.NotFoundError, match="No run found with id 'run_none'"):
        runs.retrieve("run_none", thread_id=thread_id)
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        runs.create(thread_id=thread_id, assistant_id=reports, max_completion_tokens=0)
    long: Any = {"role": "user", "content": "word " * 12_000}
    said = anns.beta.threads.create(messages=[long, long])
    with pytest.raises(openai.BadRequestError, match="no more than 100000 characters"):
        runs.create(thread_id=said.id, assistant_id=reports)
    newest: Any = {"type": "last_messages", "last_messages": 1}
    run = runs.create_and_poll(thread_id=said.id, assistant_id=reports, truncation_strategy=newest)
    assert run.status == "completed"


def test_lists_of_runs_go_on(anns: openai.OpenAI, reports: str) -> None:
    thread_id, made = asked(anns), []
    for _ in range(3):
        run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
        made.append(run.id)
        anns.beta.threads.messages.create(thread_id, role="user", content="And?")
    listed = [one.id for one in anns.beta.threads.runs.list(thread_id, limit=2)]
    assert listed == made[::-1]
    run = anns.beta.threads.runs.update(made[0], thread_id=thread_id, metadata={"a": "b"})
    assert run.metadata == {"a": "b"}


def test_nothing_of_anns_is_there_for_bob(
    anns: openai.OpenAI, bobs: openai.OpenAI, reports: str
) -> None:
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    step = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id).data[0]
    theirs, bobs_thread = bobs.beta.threads.runs, asked(bobs)
    for forbidden in (
        lambda: theirs.retrieve(run.id, thread_id=thread_id),
        lambda: theirs.retrieve(run.id, thread_id=bobs_thread),
        lambda: theirs.list(thread_id),
        lambda: theirs.update(run.id, thread_id=thread_id, metadata={}),
        lambda: theirs.cancel(run.id, thread_id=thread_id),
        lambda: theirs.create(thread_id=thread_id, assistant_id=reports),
        lambda: theirs.create(thread_id=bobs_thread, assistant_id=reports),
        lambda: theirs.steps.list(run.id, thread_id=thread_id),
        lambda: theirs.steps.list(run.id, thread_id=bobs_thread),
        lambda: theirs.steps.retrieve(step.id, thread_id=thread_id, run_id=run.id),
        lambda: bobs.beta.threads.create_and_run(assistant_id=reports, thread={}),
    ):
        with pytest.raises(openai.NotFoundError):
            forbidden()


@pytest.fixture(scope="module")
def slow(cluster_url: str, fake_server: FakeModel) -> Iterator[tuple[Server, openai.OpenAI, str]]:
    """A server whose model takes its time, a user's client, and an assistant."""
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip"}
    with (
        running_server(clone(cluster_url), fake_server.base_url, environment=settings) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        yield server, client, str(ann.assistant()["openai_id"])


def test_a_run_is_cancelled(slow: tuple[Server, openai.OpenAI, str], fake: FakeModel) -> None:
    _, client, assistant_id = slow
    fake.script("A long answer. " * 50)
    thread_id = asked(client)
    with client.beta.threads.runs.create(
        thread_id=thread_id, assistant_id=assistant_id, stream=True
    ) as events:
        run_id = None
        for one in events:
            if one.event == "thread.run.created":
                run_id = one.data.id
            if one.event == "thread.message.delta":
                break
    assert run_id
    with pytest.raises(openai.BadRequestError, match="already has an active run run_"):
        client.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)
    with pytest.raises(openai.BadRequestError, match=f"while a run {run_id} is active"):
        client.beta.threads.messages.create(thread_id, role="user", content="Wait.")
    run = client.beta.threads.runs.cancel(run_id, thread_id=thread_id)
    assert run.status == "cancelled"
    assert run.cancelled_at
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'"):
        client.beta.threads.runs.cancel(run_id, thread_id=thread_id)
    left = client.beta.threads.messages.list(thread_id).data[0]
    assert (left.role, left.status) == ("assistant", "incomplete")
    assert left.incomplete_details
    assert left.incomplete_details.reason == "run_cancelled"
    client.beta.threads.messages.create(thread_id, role="user", content="Again.")


def test_a_cancelled_stream_says_so(
    slow: tuple[Server, openai.OpenAI, str], fake: FakeModel
) -> None:
    _, client, assistant_id = slow
    fake.script("A long answer. " * 50)
    thread_id, told = asked(client), list[str]()
    with client.beta.threads.runs.create(
        thread_id=thread_id, assistant_id=assistant_id, stream=True
    ) as events:
        for one in events:
            told.append(one.event)
            if one.event == "thread.message.created":
                run_id = one.data.run_id or ""
                threading.Thread(
                    target=client.beta.threads.runs.cancel,
                    args=[run_id],
                    kwargs={"thread_id": thread_id},
                ).start()
    assert told[-1] == "thread.run.cancelled"
    assert "thread.message.incomplete" in told


def test_a_failed_run_says_why(server: Server, cluster_url: str, fake: FakeModel) -> None:
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:500"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=settings) as failing,
        failing.login("ann") as ann,
        official(failing, ann) as client,
    ):
        assistant_id = ann.assistant()["openai_id"]
        thread_id = asked(client)
        run = client.beta.threads.runs.create_and_poll(
            thread_id=thread_id, assistant_id=assistant_id
        )
        assert run.status == "failed"
        assert run.last_error
        assert run.last_error.code == "server_error"
        assert client.beta.threads.messages.list(thread_id).data[0].role == "user"
        with client.beta.threads.runs.stream(
            thread_id=thread_id, assistant_id=assistant_id
        ) as stream:
            events = [one.event for one in stream]
        assert events[-1] == "thread.run.failed"


def test_a_run_of_a_process_that_died_has_failed(cluster_url: str, fake: FakeModel) -> None:
    fake.script("A long answer. " * 50)
    database = clone(cluster_url)
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip", "AICONVOKIT_LEASE_SECONDS": "2"}
    with (
        running_server(database, fake.base_url, environment=settings) as server,
        server.login("ann") as ann,
    ):
        key = ann.headers["authorization"].split()[1]
        assistant_id = ann.assistant()["openai_id"]
        with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=key) as client:
            thread_id = asked(client)
            run = client.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)
        server.kill()
    with (
        running_server(database, fake.base_url, environment=settings) as server,
        openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=key) as client,
    ):
        deadline = time.monotonic() + 60
        while (run := client.beta.threads.runs.retrieve(run.id, thread_id=thread_id)).status in {
            "queued",
            "in_progress",
        }:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert run.status == "failed"
        assert run.last_error
        assert "stopped" in run.last_error.message


def test_a_thread_goes_on_over_both_surfaces(
    ann: Client, anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    assistant = next(
        one for one in ann.get(f"{API}/assistants/").json() if one["openai_id"] == reports
    )
    chat = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"]}).json()
    ann.ask(chat["id"], assistant["id"], "First?")
    thread_id = chat["thread_id"]
    anns.beta.threads.messages.create(thread_id, role="user", content="Second?")
    run = anns.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=reports)
    assert run.status == "completed"
    assert "First?" in str(fake.chats()[-1].body["messages"])
    ann.ask(chat["id"], assistant["id"], "Third?")
    assert "Second?" in str(fake.chats()[-1].body["messages"])
    said = ann.get(f"{API}/chat/{chat['id']}/").json()["messages"]
    assert [one["role"] for one in said] == ["user", "assistant"] * 3
    assert len(anns.beta.threads.messages.list(thread_id, order="asc").data) == 6
