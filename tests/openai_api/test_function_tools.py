"""Function tools of runs through the official client: called, answered, cancelled, expired."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import psycopg
import pytest
from openai import AssistantEventHandler
from openai.types.beta.threads import Run
from typing_extensions import override

from aiconvokit.chat import turn_queries
from aiconvokit.config import Settings
from aiconvokit.operations.check import looking
from aiconvokit.services import open_services
from fake_model.calls import ASIDE
from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, Server, running_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

REPORT = b"""# Annual report

Northwind employed 1,204 people at the end of 2025. Revenue was 48.3 million euros.
"""
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."
QUESTION = "How many people does Northwind employ?"
CHATS = "/chat/completions"
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}}
PAYROLL: Any = {
    "type": "function",
    "function": {"name": "payroll", "description": "Salaries.", "parameters": SCHEMA},
}
CALENDAR: Any = {"type": "function", "function": {"name": "calendar"}}
SEARCH: Any = {"type": "file_search"}
BOTH = [SEARCH, PAYROLL, CALENDAR]


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    """An assistant with one document, made on the other surface."""
    made = ann.assistant("Reports", report_md=REPORT)
    assert made["documents"][0]["status"] == "ready", made
    return str(made["openai_id"])


@pytest.fixture
def calling(fake: FakeModel) -> FakeModel:
    """A model that calls what it is offered, once, and then answers."""
    fake.spoil(CHATS, "calls")
    fake.script(PROVEN)
    return fake


def asked(client: openai.OpenAI, text: str = QUESTION) -> str:
    return client.beta.threads.create(messages=[{"role": "user", "content": text}]).id


def waiting(
    client: openai.OpenAI, assistant_id: str, tools: list[Any] = BOTH, **more: Any
) -> tuple[str, Run]:
    """A thread, and its run that waits for what functions come to."""
    thread_id = asked(client)
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=assistant_id, tools=tools, **more
    )
    assert run.status == "requires_action", run
    return thread_id, run


def outputs(run: Run, *texts: str) -> list[Any]:
    assert run.required_action
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [
        {"tool_call_id": call.id, "output": text} for call, text in zip(calls, texts, strict=True)
    ]


def submitted(client: openai.OpenAI, run: Run, given: list[Any]) -> Run:
    """The run once it waits again, or is over."""
    return client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=given, poll_interval_ms=20
    )


def gone_on(client: openai.OpenAI, run: Run, *texts: str) -> Run:
    """The same, with what its calls came to."""
    return submitted(client, run, outputs(run, *texts))


def test_a_run_waits_and_goes_on(anns: openai.OpenAI, reports: str, calling: FakeModel) -> None:
    thread_id, run = waiting(anns, reports)
    assert run.required_action
    assert run.required_action.type == "submit_tool_outputs"
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [one.function.name for one in calls] == ["payroll", "calendar"]
    assert json.loads(calls[0].function.arguments)["round"] == 0
    assert run.tools[1].to_dict() == PAYROLL
    assert run.usage is None
    assert run.expires_at
    assert run.expires_at > run.created_at
    said = anns.beta.threads.messages.list(thread_id).data
    assert [one.role for one in said] == ["user"], "nothing was said yet"
    listed = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert [(one.type, one.status) for one in listed] == [
        ("tool_calls", "completed"),
        ("tool_calls", "in_progress"),
    ]
    details: Any = listed[1].step_details
    assert [one.function.output for one in details.tool_calls] == [None, None]

    given = outputs(run, "1,204 of them", "Monday")
    run = submitted(anns, run, given[::-1])
    assert run.status == "completed", run
    assert run.required_action is None
    *before, last = calling.chats()
    assert run.usage
    told = [sum(_usage(one.body)) for one in (before[-1], last)]
    assert run.usage.prompt_tokens == sum(told), "of both halves"
    roles = [one["role"] for one in last.body["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert [one["content"] for one in last.body["messages"][3:]] == ["1,204 of them", "Monday"]
    assert "<passage" in last.body["messages"][1]["content"]
    assert "Functions are offered" in last.body["messages"][0]["content"]
    (answer,) = anns.beta.threads.messages.list(thread_id, run_id=run.id).data
    content: Any = answer.content[0]
    assert content.text.annotations[0].file_citation.page == 1
    listed = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert [one.type for one in listed] == ["tool_calls", "tool_calls", "message_creation"]
    assert {one.status for one in listed} == {"completed"}
    details = listed[1].step_details
    assert [one.function.output for one in details.tool_calls] == ["1,204 of them", "Monday"]
    assert anns.beta.threads.runs.steps.retrieve(
        listed[1].id, thread_id=thread_id, run_id=run.id
    ).id.endswith("f")


def _usage(body: dict[str, Any]) -> list[int]:
    return [len(message["content"].split()) for message in body["messages"]]


class Handler(AssistantEventHandler):
    """Keeps what the official helper tells; runs the functions as the old guides did."""

    def __init__(self, client: openai.OpenAI, thread_id: str) -> None:
        super().__init__()
        self.client, self.thread_id = client, thread_id
        self.events: list[str] = []
        self.done: list[tuple[str, str]] = []
        self.said = ""
        self.pieces = 0

    @override
    def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.pieces += 1

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        if tool_call.type == "function":
            self.done.append((tool_call.function.name, tool_call.function.arguments))

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.said += delta.value or ""

    @override
    def on_event(self, event: Any) -> None:
        self.events.append(event.event)
        if event.event == "thread.run.requires_action":
            run = event.data
            calls = run.required_action.submit_tool_outputs.tool_calls
            given: Any = [{"tool_call_id": one.id, "output": "42"} for one in calls]
            handler = Handler(self.client, self.thread_id)
            with self.client.beta.threads.runs.submit_tool_outputs_stream(
                run_id=run.id,
                thread_id=self.thread_id,
                tool_outputs=given,
                event_handler=handler,
            ) as stream:
                stream.until_done()
                self.said = handler.said
                self.events += ["|", *handler.events]
                assert [one.type for one in stream.get_final_messages()[0].content] == ["text"]


CALLED = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    *["thread.run.step.delta"] * 4,
    "thread.run.requires_action",
]


def test_both_halves_are_told_piece_by_piece(
    anns: openai.OpenAI, reports: str, calling: FakeModel
) -> None:
    thread_id = asked(anns)
    handler = Handler(anns, thread_id)
    with anns.beta.threads.runs.stream(
        thread_id=thread_id, assistant_id=reports, tools=BOTH, event_handler=handler
    ) as stream:
        stream.until_done()
        step: Any = stream.get_final_run_steps()[-1].step_details
    assert [one.function.name for one in step.tool_calls] == ["payroll", "calendar"]
    cut = handler.events.index("|")
    assert handler.events[:cut] == [
        *("thread.run.created", "thread.run.queued", "thread.run.in_progress"),
        *("thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.completed"),
        *CALLED,
    ]
    assert [name for name, _ in dict.fromkeys(handler.done)] == ["payroll", "calendar"]
    assert all(json.loads(arguments)["question"] for _, arguments in handler.done)
    assert handler.pieces
    second = handler.events[cut + 1 :]
    assert second[:7] == [
        *("thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"),
        *("thread.run.step.created", "thread.run.step.in_progress"),
        *("thread.message.created", "thread.message.in_progress"),
    ]
    assert second[-3:] == [
        *("thread.message.completed", "thread.run.step.completed", "thread.run.completed"),
    ]
    assert handler.said.startswith("Northwind employed 1,204 people")


def test_what_is_said_beside_calls_is_a_message(
    ann: Client, anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    fake.spoil(CHATS, "calls_aside=2")
    before = _spent(ann)
    thread_id = asked(anns)
    with anns.beta.threads.runs.stream(
        thread_id=thread_id, assistant_id=reports, tools=[PAYROLL]
    ) as stream:
        events = [one.event for one in stream]
        run = stream.get_final_run()
        (message,) = stream.get_final_messages()
    at = events.index("thread.message.completed")
    assert events[at + 1 :] == [
        "thread.run.step.completed",
        *("thread.run.step.created", "thread.run.step.in_progress"),
        *["thread.run.step.delta"] * 2,
        "thread.run.requires_action",
    ]
    assert _text(message) == ASIDE
    assert message.run_id == run.id
    for _ in range(2):
        assert run.status == "requires_action"
        run = gone_on(anns, run, "42")
    assert run.status == "completed"
    said = anns.beta.threads.messages.list(thread_id, run_id=run.id, order="asc").data
    assert [_text(one) for one in said][:2] == [ASIDE, ASIDE]
    assert {one.run_id for one in said} == {run.id}
    assert {one.status for one in said} == {"completed"}
    sent = fake.chats()[-1].body["messages"]
    assert [one["content"] for one in sent if "tool_calls" in one] == [ASIDE, ASIDE]
    assert sent[1]["content"] == QUESTION, "asked once"
    steps = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert run.usage
    spent = [now - then for now, then in zip(_spent(ann), before, strict=True)]
    assert spent == [1, run.usage.prompt_tokens, run.usage.completion_tokens], "one question"
    kinds = ["message_creation", "tool_calls"] * 2 + ["message_creation"]
    assert [one.type for one in steps] == kinds
    assert len({one.id for one in steps}) == 5


def _spent(user: Client) -> list[int]:
    """Questions and tokens, read and written."""
    rows = user.get(f"{API}/usage/").json()
    names = ("questions", "prompt_tokens", "completion_tokens")
    return [sum(row[name] for row in rows) for name in names]


def _text(message: Any) -> str:
    return str(message.content[0].text.value)


def test_the_thread_is_the_runs_while_it_waits(
    ann: Client, anns: openai.OpenAI, reports: str, calling: FakeModel
) -> None:
    thread_id, run = waiting(anns, reports)
    with pytest.raises(openai.BadRequestError, match=f"already has an active run {run.id}"):
        anns.beta.threads.runs.create(thread_id=thread_id, assistant_id=reports)
    with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
        anns.beta.threads.messages.create(thread_id, role="user", content="Wait.")
    found = next(one for one in _chats(ann) if one["thread_id"] == thread_id)
    chat = ann.get(f"{API}/chat/{found['id']}/").json()
    assert [(one["role"], one["content"]) for one in chat["messages"]] == [
        ("user", QUESTION),
        ("assistant", ""),
    ]
    assert ann.get(f"{API}/chat/{found['id']}/export/").status_code == 200
    ask = {"assistant_id": found["assistant_id"], "input": "And?"}
    assert ann.put(f"{API}/chat/{found['id']}/", json=ask).json()["code"] == "chat_busy"

    cancelled = anns.beta.threads.runs.cancel(run.id, thread_id=thread_id)
    assert cancelled.status == "cancelled"
    assert cancelled.required_action is None
    assert cancelled.usage
    with pytest.raises(openai.BadRequestError, match="'cancelled' do not accept tool outputs"):
        anns.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=thread_id, tool_outputs=outputs(run, "a", "b")
        )
    *_, step = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert step.status == "cancelled"
    anns.beta.threads.messages.create(thread_id, role="user", content="Go on.")
    again = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=reports, tools=[SEARCH]
    )
    assert again.status == "completed"
    assert len(anns.beta.threads.messages.list(thread_id).data) == 3


def _chats(user: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.get(f"{API}/chat/").json()
    return found


def test_outputs_must_be_those_of_the_calls(
    anns: openai.OpenAI, bobs: openai.OpenAI, reports: str, calling: FakeModel
) -> None:
    thread_id, run = waiting(anns, reports)
    submit = anns.beta.threads.runs.submit_tool_outputs
    one, other = outputs(run, "a", "b")
    strange: Any = {"tool_call_id": "call_other", "output": "c"}
    for given in ([one], [one, other, strange], [one, one], [strange, other], []):
        with pytest.raises(
            openai.BadRequestError, match="Expected tool outputs for call_ids"
        ) as no:
            submit(run.id, thread_id=thread_id, tool_outputs=given)
        assert no.value.param == "tool_outputs"
    with pytest.raises(openai.BadRequestError, match="100000"):
        submit(run.id, thread_id=thread_id, tool_outputs=outputs(run, "a", "x" * 100_001))
    with pytest.raises(openai.NotFoundError):
        bobs.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=thread_id, tool_outputs=[one, other]
        )
    left_out: Any = {"tool_call_id": other["tool_call_id"]}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        begun = submit(run.id, thread_id=thread_id, tool_outputs=[one, left_out], extra_headers=key)
        assert begun.id == run.id
    run = anns.beta.threads.runs.poll(run.id, thread_id=thread_id)
    assert run.status == "completed"
    assert [one["content"] for one in calling.chats()[-1].body["messages"][-2:]] == ["a", ""]
    with pytest.raises(openai.BadRequestError, match="'completed' do not accept tool outputs"):
        submit(run.id, thread_id=thread_id, tool_outputs=[one, other])
    told = submit(run.id, thread_id=thread_id, tool_outputs=[one, left_out], extra_headers=key)
    assert told.status == "completed", "as it is now"


def test_what_is_sent_again_is_told_again(
    anns: openai.OpenAI, reports: str, calling: FakeModel
) -> None:
    runs, thread_id = anns.beta.threads.runs, asked(anns)
    keys = [{"Idempotency-Key": str(uuid.uuid4())} for _ in range(2)]
    told, found = [], list[Any]()
    for _ in range(2):
        with runs.create(
            thread_id=thread_id,
            assistant_id=reports,
            tools=[PAYROLL],
            stream=True,
            extra_headers=keys[0],
        ) as events:
            found = list(events)
        told.append([one.event for one in found])
    assert told[0] == told[1]
    run = found[-1].data
    assert run.status == "requires_action"
    halves = []
    for _ in range(2):
        with runs.submit_tool_outputs(
            run.id,
            thread_id=thread_id,
            tool_outputs=outputs(run, "42"),
            stream=True,
            extra_headers=keys[1],
        ) as events:
            found = list(events)
        assert found[-1].data.status == "completed"
        halves.append(list(dict.fromkeys(one.event for one in found)))
    assert halves[0] == halves[1]
    assert len(calling.chats()) == 2


def test_of_two_submissions_one_wins(anns: openai.OpenAI, reports: str, calling: FakeModel) -> None:
    thread_id, run = waiting(anns, reports)

    def submit(text: str) -> str:
        given = outputs(run, text, text)
        try:
            anns.beta.threads.runs.submit_tool_outputs(
                run.id, thread_id=thread_id, tool_outputs=given
            )
        except openai.BadRequestError:
            return ""
        return text

    with ThreadPoolExecutor(4) as pool:
        won = [text for text in pool.map(submit, ["a", "b", "c", "d"]) if text]
    assert len(won) == 1
    assert anns.beta.threads.runs.poll(run.id, thread_id=thread_id).status == "completed"
    assert [one["content"] for one in calling.chats()[-1].body["messages"][-2:]] == won * 2
    assert len(anns.beta.threads.messages.list(thread_id).data) == 2


def test_a_run_that_nobody_goes_on_with_expires(
    anns: openai.OpenAI, reports: str, calling: FakeModel, database: str
) -> None:
    thread_id, run = waiting(anns, reports)
    given = outputs(run, "a", "b")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "UPDATE thread SET lease_expires_at = now() - interval '1 s' WHERE public_id = %s",
            [thread_id],
        )
        connection.execute(
            "UPDATE run SET parameters = jsonb_set(parameters, '{waiting,until}', '1000')"
            " WHERE public_id = %s",
            [run.id],
        )
    run = anns.beta.threads.runs.retrieve(run.id, thread_id=thread_id)
    assert (run.status, run.required_action, run.expires_at) == ("expired", None, 1_000)
    with pytest.raises(openai.BadRequestError, match="'expired' do not accept tool outputs"):
        anns.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread_id, tool_outputs=given)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'expired'"):
        anns.beta.threads.runs.cancel(run.id, thread_id=thread_id)
    *_, step = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    assert (step.status, step.expired_at) == ("expired", 1_000)
    again = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=reports, tools=[SEARCH]
    )
    assert again.status == "completed", "the thread was free"
    assert anns.beta.threads.runs.retrieve(run.id, thread_id=thread_id).status == "expired"


def test_tools_are_kept_and_chosen(anns: openai.OpenAI, calling: FakeModel) -> None:
    strict: Any = {
        "type": "function",
        "function": {"name": "add", "parameters": SCHEMA, "strict": True, "description": None},
    }
    made = anns.beta.assistants.create(model="gpt-4o", tools=[strict, CALENDAR])
    assert [one.to_dict() for one in made.tools] == [strict, CALENDAR]
    named: Any = {"type": "function", "function": {"name": "calendar"}}
    thread_id = asked(anns)
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=thread_id, assistant_id=made.id, tool_choice=named, parallel_tool_calls=False
    )
    assert run.tool_choice
    assert run.required_action
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert call.function.name == "calendar"
    body = calling.chats()[-1].body
    assert body["tool_choice"] == named
    assert body["parallel_tool_calls"] is False
    assert body["tools"][0]["function"]["strict"] is True
    run = gone_on(anns, run, "Monday")
    assert run.status == "completed"
    assert "tool_choice" not in calling.chats()[-1].body, "what must be called was called"
    run = anns.beta.threads.runs.create_and_poll(
        thread_id=asked(anns), assistant_id=made.id, tool_choice="none"
    )
    assert run.status == "completed"
    assert "tools" not in calling.chats()[-1].body


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ([{"type": "function"}], "function"),
        ([{"type": "function", "function": {"name": "no spaces"}}], "name"),
        ([{"type": "function", "function": {"name": "a\n"}}], "name"),
        ([{"type": "function", "function": {"name": "a" * 65}}], "name"),
        ([CALENDAR, CALENDAR], "a name of its own"),
        ([{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}], "JSON schema"),
        (
            [
                {
                    "type": "function",
                    "function": {
                        "name": "f",
                        "parameters": {"type": "object", "description": "x" * 40_000},
                    },
                }
            ],
            "32768",
        ),
        ([{"type": "code_interpreter"}], "'code_interpreter' is not offered"),
    ],
)
def test_wrong_tools_are_refused(anns: openai.OpenAI, tools: Any, why: str) -> None:
    with pytest.raises(openai.BadRequestError, match=why) as refused:
        anns.beta.assistants.create(model="gpt-4o", tools=tools)
    assert str(refused.value.param).startswith("tools[")


def test_wrong_choices_are_refused(anns: openai.OpenAI, reports: str) -> None:
    thread_id = asked(anns)
    wrong: list[Any] = [
        {"type": "function", "function": {"name": "unknown"}},
        {"type": "function"},
        {"type": "code_interpreter"},
    ]
    for choice in wrong:
        with pytest.raises(openai.BadRequestError) as refused:
            anns.beta.threads.runs.create(
                thread_id=thread_id, assistant_id=reports, tools=BOTH, tool_choice=choice
            )
        assert refused.value.param == "tool_choice"


def test_elsewhere_nobody_could_call_them(
    ann: Client, anns: openai.OpenAI, calling: FakeModel
) -> None:
    made = anns.beta.assistants.create(model="gpt-4o", name="Caller", tools=[PAYROLL])
    assistants = ann.get(f"{API}/assistants/").json()
    assistant_id = next(one["id"] for one in assistants if one["openai_id"] == made.id)
    chat_id = ann.chat(assistant_id)
    assert ann.ask(chat_id, assistant_id, QUESTION)["output"].startswith("Northwind employed")
    assert "tools" not in calling.chats()[-1].body


def test_a_run_that_calls_without_end_must_answer(
    anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    fake.spoil(CHATS, "calls=99")
    _, run = waiting(anns, reports, [CALENDAR])
    for _ in range(20):
        assert run.status == "requires_action"
        run = gone_on(anns, run, "42")
    assert run.status == "completed"
    assert fake.chats()[-1].body["tool_choice"] == "none"
    used = run.usage
    assert used
    assert used.prompt_tokens > 20 * 5


def test_words_of_a_deleted_document_go_from_calls(
    ann: Client, anns: openai.OpenAI, fake: FakeModel
) -> None:
    fake.spoil(CHATS, "calls")
    made = ann.assistant("Secrets", secret_md=REPORT)
    thread_id, run = waiting(anns, made["openai_id"])
    document_id = made["documents"][0]["id"]
    url = f"{API}/assistants/{made['id']}/documents/{document_id}/"
    assert ann.delete(url).status_code in {200, 204}
    *_, step = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc").data
    details: Any = step.step_details
    assert {one.function.arguments for one in details.tool_calls} == {
        "[redacted: a cited document was deleted]"
    }
    run = gone_on(anns, run, "a", "b")
    assert run.status == "completed"
    sent = fake.chats()[-1].body["messages"]
    arguments = [call["function"]["arguments"] for call in sent[2]["tool_calls"]]
    assert arguments == ["{}", "{}"]


def test_calls_go_with_the_answer(anns: openai.OpenAI, reports: str, fake: FakeModel) -> None:
    fake.spoil(CHATS, "calls_aside=2")
    thread_id, run = waiting(anns, reports, [PAYROLL])
    first = anns.beta.threads.messages.list(thread_id, order="asc").data[0]
    with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
        anns.beta.threads.messages.delete(first.id, thread_id=thread_id)
    run = gone_on(anns, gone_on(anns, run, "40 of them"), "2 more")
    listed = anns.beta.threads.messages.list(thread_id, run_id=run.id).data
    anns.beta.threads.messages.delete(listed[0].id, thread_id=thread_id)
    steps = anns.beta.threads.runs.steps.list(run.id, thread_id=thread_id).data
    assert {one.type for one in steps} == {"message_creation"}
    assert "40 of them" not in str(steps)
    assert anns.beta.threads.runs.retrieve(run.id, thread_id=thread_id).status == "completed"


async def test_a_check_finds_nothing_wrong_with_runs_that_wait(
    anns: openai.OpenAI, reports: str, fake: FakeModel, database: str, tmp_path: Path
) -> None:
    fake.spoil(CHATS, "calls_aside=3")
    _, run = waiting(anns, reports, [PAYROLL])
    run = gone_on(anns, gone_on(anns, run, "40"), "2")
    assert run.status == "requires_action"
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database, tmp_path) as services:
        assert await looking.look(services.owner_sessions) == []
        async with services.owner_sessions.begin() as session:
            assert await turn_queries.interrupt_lost(session) == 0
    assert gone_on(anns, run, "1").status == "completed"


@pytest.fixture(scope="module")
def places(cluster_url: str) -> str:
    """A database for servers that come and go."""
    return clone(cluster_url)


def _client(server: Server, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=key, max_retries=0)


def test_a_run_waits_over_a_restart(places: str, fake: FakeModel) -> None:
    fake.spoil(CHATS, "calls")
    settings = {"AICONVOKIT_CHAT_MODEL": "fake", "AICONVOKIT_LEASE_SECONDS": "2"}
    with (
        running_server(places, fake.base_url, environment=settings) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        key = client.api_key
        made = client.beta.assistants.create(model="gpt-4o", tools=[PAYROLL])
        thread_id, run = waiting(client, made.id, [PAYROLL])
        server.kill()
    with (
        running_server(places, fake.base_url, environment=settings) as server,
        _client(server, key) as client,
    ):
        found = client.beta.threads.runs.retrieve(run.id, thread_id=thread_id)
        assert found.status == "requires_action"
        assert gone_on(client, found, "42").status == "completed"
        thread_id, run = waiting(client, made.id, [PAYROLL])
        fake.spoil(CHATS, "hang")
        client.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=thread_id, tool_outputs=outputs(run, "42")
        )
        server.kill()
    with (
        running_server(places, fake.base_url, environment=settings) as server,
        _client(server, key) as client,
    ):
        run = client.beta.threads.runs.poll(run.id, thread_id=thread_id, poll_interval_ms=200)
        assert run.status == "failed"


def test_a_server_that_takes_no_functions_says_so(cluster_url: str, fake: FakeModel) -> None:
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:no_tools"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=settings) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        made = client.beta.assistants.create(model="gpt-4o", tools=[PAYROLL])
        thread_id = asked(client)
        runs = client.beta.threads.runs
        run = runs.create_and_poll(thread_id=thread_id, assistant_id=made.id)
        assert run.status == "failed"
        assert run.last_error
        assert "does not call these functions" in run.last_error.message
        before = len(fake.chats())
        with pytest.raises(openai.BadRequestError, match="calls no functions") as refused:
            runs.create(thread_id=thread_id, assistant_id=made.id)
        assert refused.value.code == "model_without_tools"
        assert len(fake.chats()) == before, "it is known now"
        assert len(runs.list(thread_id).data) == 1
        run = runs.create_and_poll(thread_id=thread_id, assistant_id=made.id, tools=[])
        assert run.status == "completed"


def test_without_a_model_nobody_calls(cluster_url: str, fake: FakeModel) -> None:
    with (
        running_server(clone(cluster_url), fake.base_url) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        made = client.beta.assistants.create(model="gpt-4o", tools=[PAYROLL])
        with pytest.raises(openai.BadRequestError, match="no chat model") as refused:
            client.beta.threads.create_and_run(
                assistant_id=made.id, thread={"messages": [{"role": "user", "content": QUESTION}]}
            )
        assert refused.value.code == "model_without_tools"


@pytest.fixture(autouse=True)
def _behaves(fake_server: FakeModel) -> Iterator[None]:
    yield
    fake_server.reset()
