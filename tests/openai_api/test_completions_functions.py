"""Functions in chat completions: offered to an assistant, and to the plain chat model."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import Client, running_server

CHATS = "/chat/completions"
REPORT = b"# Annual report\n\nNorthwind employed 1,204 people at the end of 2025.\n"
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."
ASKED: list[Any] = [{"role": "user", "content": "How many people does Northwind employ?"}]
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}}
PAYROLL: Any = {"type": "function", "function": {"name": "payroll", "parameters": SCHEMA}}
CALENDAR: Any = {"type": "function", "function": {"name": "calendar"}}
PLAIN = "fake"


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    """An assistant with one document."""
    return str(ann.assistant("Reports", report_md=REPORT)["openai_id"])


@pytest.fixture(autouse=True)
def _calling(fake: FakeModel) -> Iterator[None]:
    fake.spoil(CHATS, "calls")
    fake.script(PROVEN)
    yield
    fake.reset()


def asked(client: openai.OpenAI, model: str, messages: list[Any] = ASKED, **more: Any) -> Any:
    more = {"tools": [PAYROLL, CALENDAR], **more}
    return client.chat.completions.create(model=model, messages=messages, **more)


def answered(choice: Any, output: str = "42") -> list[Any]:
    """The conversation with what the calls came to, as the guides have it."""
    outputs = [
        {"role": "tool", "tool_call_id": one.id, "content": output}
        for one in choice.message.tool_calls
    ]
    return [*ASKED, choice.message, *outputs[::-1]]


@pytest.mark.parametrize("is_assistant", [True, False], ids=["assistant", "plain"])
def test_a_call_is_told_and_answered(
    anns: openai.OpenAI, fake: FakeModel, reports: str, *, is_assistant: bool
) -> None:
    model = reports if is_assistant else PLAIN
    (choice,) = asked(anns, model).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    calls = choice.message.tool_calls
    assert [one.function.name for one in calls] == ["payroll", "calendar"]
    assert json.loads(calls[0].function.arguments)["round"] == 0
    (choice,) = asked(anns, model, answered(choice)).choices
    assert choice.finish_reason == "stop"
    assert choice.message.tool_calls is None
    assert choice.message.content.startswith("Northwind employed 1,204 people")
    assert bool(choice.message.annotations) == is_assistant
    sent = fake.chats()[-1].body["messages"]
    assert [one["role"] for one in sent][-4:] == ["user", "assistant", "tool", "tool"]
    assert [one["id"] for one in sent[-3]["tool_calls"]] == [one.id for one in calls]
    assert [one["tool_call_id"] for one in sent[-2:]] == [one.id for one in calls], "in order"
    assert ("<passage" in sent[-4]["content"]) == is_assistant


def test_a_stream_tells_calls(anns: openai.OpenAI, reports: str) -> None:
    with anns.chat.completions.stream(
        model=reports, messages=ASKED, tools=[PAYROLL, CALENDAR]
    ) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert [one.function.name for one in choice.message.tool_calls or []] == ["payroll", "calendar"]


def test_choices_reach_the_model(anns: openai.OpenAI, fake: FakeModel) -> None:
    named: Any = {"type": "function", "function": {"name": "calendar"}}
    (choice,) = asked(anns, PLAIN, tool_choice=named, parallel_tool_calls=False).choices
    assert [one.function.name for one in choice.message.tool_calls] == ["calendar"]
    assert fake.chats()[-1].body["tool_choice"] == named
    allowed: Any = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [named]},
    }
    asked(anns, PLAIN, tool_choice=allowed)
    assert [one["function"]["name"] for one in fake.chats()[-1].body["tools"]] == ["calendar"]
    (choice,) = asked(anns, PLAIN, tool_choice="none").choices
    assert choice.message.tool_calls is None
    assert "tools" not in fake.chats()[-1].body


CALL = {"id": "1", "type": "function", "function": {"name": "payroll", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0].type"),
        ({"tools": [PAYROLL, PAYROLL]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tool_choice": {"type": "function", "function": {"name": "no"}}}, "tool_choice"),
        ({"tool_choice": "required", "tools": []}, "tool_choice"),
        ({"tool_choice": {"type": "custom"}}, "tool_choice"),
        ({"messages": [*ASKED, {"role": "assistant", "tool_calls": [CALL]}]}, "messages"),
        ({"messages": [*ASKED, {"role": "assistant", "tool_calls": [CALL]}, *ASKED]}, "messages"),
        ({"metadata": {"thread_id": "thread_x"}, "tool_choice": "required"}, "tool_choice"),
    ],
    ids=range(9),
)
def test_wrong_requests(
    anns: openai.OpenAI, fake: FakeModel, reports: str, more: dict[str, Any], param: str
) -> None:
    body = {"model": reports, "messages": ASKED, "tools": [PAYROLL], **more}
    with pytest.raises(openai.BadRequestError) as refused:
        anns.post("/chat/completions", body=body, cast_to=object)
    assert refused.value.param == param
    assert not fake.chats()


def test_where_nobody_calls_an_answer_comes_without(cluster_url: str, fake: FakeModel) -> None:
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:no_tools_llama"}
    fake.reset()
    with (
        running_server(clone(cluster_url), fake.base_url, environment=settings) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        assistant = ann.assistant("Reports", report_md=REPORT)["openai_id"]
        for model in (assistant, "fake:no_tools_llama"):
            for _ in range(2):
                (choice,) = asked(client, model).choices
                assert choice.message.tool_calls is None
                assert choice.message.content.startswith("FAKE: ")
            with pytest.raises(openai.BadRequestError) as refused:
                asked(client, model, tool_choice="required")
            assert refused.value.code == "model_without_tools"
        assert sum("tools" in one.body for one in fake.chats()) == 1, "it is known then"
