"""Functions offered to a model: how they are asked for, and how its calls are read."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from aiconvokit.chat.prompt import round_messages
from aiconvokit.llm import chat_model
from aiconvokit.llm.calls import MOST_CALLS, Calls
from aiconvokit.llm.chat_model import ChatMessage, Completed, OpenAIChatModel
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.functions import Function, FunctionCall, Offered, Round
from aiconvokit.llm.requests import chat_request, lesson
from aiconvokit.llm.traits import Traits
from aiconvokit.llm.wire import CallPiece
from fake_model.calls import ASIDE
from fake_model.server import FakeModel

SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}}
WEATHER = Function("weather", "Of a city.", SCHEMA, strict=True)
STOCKS = Function("stocks")
OFFERED = Offered((WEATHER, STOCKS))
QUESTION = ChatMessage("user", "How warm is it in Oslo?")
ROUND = Round((FunctionCall("call_1", "weather", '{"city":"Oslo"}'),), ("12 °C",), "Let me see.")

Made = Callable[[str], OpenAIChatModel]


@pytest.fixture
async def model(fake: FakeModel) -> AsyncIterator[Made]:
    made: list[OpenAIChatModel] = []

    def make(mode: str) -> OpenAIChatModel:
        made.append(OpenAIChatModel(fake.base_url, None, f"fake:{mode}"))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def told(
    model: OpenAIChatModel, *messages: ChatMessage, offered: Offered | None = OFFERED
) -> Completed:
    events = [one async for one in model.stream(messages or [QUESTION], offered=offered)]
    last = events[-1]
    assert isinstance(last, Completed)
    return last


@pytest.mark.parametrize(
    "mode", ["calls", "calls_whole", "calls_same_index", "calls_aside", "calls_bare"]
)
async def test_calls_are_read_however_they_are_sent(model: Made, mode: str) -> None:
    last = await told(model(mode))
    assert [one.name for one in last.calls] == ["weather", "stocks"]
    assert len({one.id for one in last.calls}) == 2
    assert all(one.id for one in last.calls)
    assert last.finish_reason == "tool_calls"
    assert last.text == (ASIDE if mode == "calls_aside" else "")
    arguments = [msgspec.json.decode(one.arguments) for one in last.calls]
    expected = {} if mode == "calls_bare" else {"question": QUESTION.content, "round": 0}
    assert arguments == [expected] * 2


async def test_a_message_that_comes_whole_has_its_calls(model: Made, fake: FakeModel) -> None:
    fake.spoil("/chat/completions", "calls")
    asked = OpenAIChatModel(fake.base_url, None, "fake", traits=Traits(refuses=("stream",)))
    last = await told(asked, offered=Offered((WEATHER,)))
    assert [one.name for one in last.calls] == ["weather"]
    await asked.close()


async def test_a_round_goes_before_the_answer(model: Made, fake: FakeModel) -> None:
    last = await told(model("calls"), QUESTION, *round_messages(ROUND))
    assert last.calls == ()
    assert last.text.startswith("FAKE: ")
    sent = fake.chats()[-1].body["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "tool"]
    function = {"name": "weather", "arguments": '{"city":"Oslo"}'}
    assert sent[1]["content"] == "Let me see."
    assert sent[1]["tool_calls"] == [{"id": "call_1", "type": "function", "function": function}]
    assert sent[2] == {"role": "tool", "content": "12 °C", "tool_call_id": "call_1"}


def test_only_what_is_no_default_is_asked_for() -> None:
    plain = chat_request("m", [QUESTION], Traits(), None, OFFERED)
    assert plain.keys() == {"model", "messages", "stream", "stream_options", "tools"}
    assert plain["tools"][1] == {"type": "function", "function": {"name": "stocks"}}
    asked = chat_request(
        "m", [QUESTION], Traits(), None, Offered((WEATHER,), "weather", parallel=False)
    )
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked["parallel_tool_calls"] is False
    refusing = Traits(refuses=("parallel_tool_calls", "strict"))
    asked = chat_request(
        "m", [QUESTION], refusing, None, Offered((WEATHER,), "none", parallel=False)
    )
    assert "parallel_tool_calls" not in asked
    assert "strict" not in asked["tools"][0]["function"]
    assert asked["tool_choice"] == "none"
    assert "tools" not in chat_request("m", [QUESTION], Traits(), None)


def test_calls_and_outputs_are_never_merged() -> None:
    two = [*round_messages(ROUND), *round_messages(ROUND)]
    messages = [ChatMessage("system", "S"), QUESTION, QUESTION, *two, ChatMessage("user", "And?")]
    roles = [one["role"] for one in chat_request("m", messages, Traits(), None)["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "user"]


@pytest.mark.parametrize(
    ("mode", "is_learnt"),
    [
        ("no_tools", True),
        ("no_tools_llama", True),
        ("no_tools_vllm", True),
        ("minimal", True),
        ("no_schema", False),
    ],
)
async def test_a_refusal_is_told_and_learnt_when_it_is_of_all_functions(
    model: Made, fake: FakeModel, mode: str, *, is_learnt: bool
) -> None:
    refusing = model(mode)
    for _ in range(2):
        with pytest.raises(ModelError) as refused:
            await told(refusing)
        assert (refused.value.code, refused.value.status) == ("model_without_tools", 400)
    assert (refusing.traits.calls_tools is False) == is_learnt
    asked_with = [one for one in fake.chats() if "tools" in one.body]
    before = len(asked_with)
    with pytest.raises(ModelError):
        await told(refusing)
    asked_with = [one for one in fake.chats() if "tools" in one.body]
    assert len(asked_with) == (before if is_learnt else before + 1)
    assert not refusing.traits.folds_system
    if mode != "minimal":  # there, the answer itself must be learnt first
        assert (await told(refusing, offered=None)).text


async def test_a_refusal_does_not_hold_for_ever(
    model: Made, fake: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = model("no_tools-once")
    with pytest.raises(ModelError):
        await told(refusing)
    assert refusing.traits.calls_tools is False
    monkeypatch.setattr(chat_model, "REFUSAL_HOLDS_SECONDS", 0.0)
    assert (await told(refusing)).text
    assert refusing.traits.calls_tools is True


async def test_one_parameter_that_is_refused_is_left_out(model: Made, fake: FakeModel) -> None:
    one_by_one = Offered((WEATHER,), parallel=False)
    asked = model("no_parallel")
    assert (await told(asked, offered=one_by_one)).text
    assert asked.traits.refuses == ("parallel_tool_calls",)
    assert asked.traits.calls_tools is True
    assert ["parallel_tool_calls" in one.body for one in fake.chats()] == [True, False]


@pytest.mark.parametrize(
    ("message", "learnt"),
    [
        ("[{'loc': ('body', 'tools', 0, 'function', 'strict'), 'msg': 'Extra inputs'}]", "strict"),
        ("Unsupported parameter: 'parallel_tool_calls'", "parallel_tool_calls"),
        ("tools param requires --jinja flag", None),
        ("[{'loc': ('body', 'tools'), 'msg': 'Extra inputs are not permitted'}]", None),
    ],
)
def test_what_a_refusal_teaches(message: str, learnt: str | None) -> None:
    asked = chat_request(
        "m",
        [ChatMessage("system", "S"), QUESTION],
        Traits(),
        None,
        Offered((WEATHER,), parallel=False),
    )
    expected = {"refuses": (learnt,)} if learnt else None
    assert lesson(400, message, asked, Traits()) == expected


async def test_what_nobody_offered_is_not_called(model: Made) -> None:
    with pytest.raises(ModelError) as refused:
        await told(model("calls_unknown"))
    assert refused.value.code == "model_bad_response"


def pieces(*made: dict[str, Any]) -> list[CallPiece]:
    return msgspec.convert(made, list[CallPiece])


def test_pieces_without_index_go_on_with_the_last_call() -> None:
    calls = Calls(OFFERED)
    calls.take(pieces({"id": "a", "function": {"name": "weather", "arguments": '{"c'}}))
    calls.take(pieces({"function": {"arguments": 'ity":1}'}}))
    calls.take(pieces({"function": {"name": "stocks"}}, {"function": None}))
    assert [(one.name, one.arguments) for one in calls.whole()] == [
        ("weather", '{"city":1}'),
        ("stocks", "{}"),
    ]


def test_ids_that_are_given_twice_become_ours() -> None:
    calls = Calls(OFFERED)
    calls.take(
        pieces(
            {"index": 0, "id": "same", "function": {"name": "weather", "arguments": "{"}},
            {
                "index": 1,
                "id": "same",
                "function": {"name": "weather", "arguments": "\x00 no JSON"},
            },
        )
    )
    one, other = calls.whole()
    assert one.id == "same" != other.id
    assert (one.arguments, other.arguments) == ("{", "no JSON"), "it is the caller's to judge"


def test_a_model_that_calls_without_end_is_stopped() -> None:
    calls = Calls(OFFERED)
    with pytest.raises(ModelError):
        calls.take(pieces(*({"function": {"name": "stocks"}} for _ in range(MOST_CALLS + 1))))


def test_nothing_is_called_where_nothing_may_be() -> None:
    for offered in (None, Offered((STOCKS,), "none")):
        calls = Calls(offered)
        calls.take(pieces({"function": {"name": "stocks"}}))
        assert not calls.has_begun
