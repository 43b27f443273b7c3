"""What every ChatModel must do, whatever stands behind it: each quirk of the fake, and live."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from aiconvokit.chat.prompt import round_messages
from aiconvokit.llm.chat_model import (
    ChatMessage,
    ChatModel,
    Completed,
    Delta,
    OpenAIChatModel,
    Restarted,
)
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.functions import Function, FunctionCall, Offered, Round
from fake_model.server import FakeModel
from llm.conformance import live

QUIRKS = [
    "at_once",
    "minimal",
    "no_stream_options",
    "no_max_tokens",
    "no_limits",
    "no_stream",
    "ignores_stream",
    "no_system_role",
    "jinja",
    "strict_alternation",
    "think",
    "close_think",
    "reasoning",
    "parts",
    "no_usage",
    "bare_done",
    "raw_utf8",
    "dirty",
    "500-once",
    "429=0-once",
    "html200-once",
    "truncates=20",
    "counts=1.9",
    "slow_drip=0.01",
    "calls",
    "calls_whole",
    "calls_aside",
    "no_tools",
    "no_tools_llama",
    "no_tools_vllm",
]

SYSTEM = ChatMessage("system", "You answer in one short sentence, in the language you are asked.")
QUESTION = ChatMessage("user", "What is the capital of France?")


@pytest.fixture(
    params=[
        "fake",
        *(f"fake:{quirk}" for quirk in QUIRKS),
        pytest.param("live", marks=pytest.mark.live),
    ]
)
async def model(request: pytest.FixtureRequest, fake: FakeModel) -> AsyncIterator[ChatModel]:
    made: ChatModel
    if request.param == "live":
        address, name = live.setting("BASE_URL"), live.setting("CHAT_MODEL")
        made = OpenAIChatModel(address, live.api_key(), name, deadline_s=live.DEADLINE_SECONDS)
    else:
        made = OpenAIChatModel(fake.base_url, "sk-secret", request.param)
    yield made
    await made.close()


async def told(
    model: ChatModel, messages: Sequence[ChatMessage], max_tokens: int | None = None
) -> Completed:
    """The last event, after the rules that hold for every answer."""
    events = [event async for event in model.stream(messages, max_tokens=max_tokens)]
    *said, last = events
    assert isinstance(last, Completed)
    text = ""
    for event in said:
        assert not isinstance(event, Completed)
        text = "" if isinstance(event, Restarted) else text + event.text
        assert isinstance(event, Restarted) or event.text
    assert text == last.text
    assert last.text.strip()
    assert "</think>" not in last.text
    assert "\x00" not in last.text
    assert last.model
    if last.usage is not None:
        assert last.usage.prompt_tokens > 0
        assert last.usage.completion_tokens > 0
    return last


async def test_answers(model: ChatModel) -> None:
    assert model.name
    await told(model, [SYSTEM, QUESTION])


async def test_answers_again_from_what_it_learnt(model: ChatModel) -> None:
    await told(model, [SYSTEM, QUESTION])
    learnt = model.traits
    await told(model, [SYSTEM, QUESTION])
    await told(model, [SYSTEM, QUESTION])
    assert (model.traits.refuses, model.traits.folds_system) == (
        learnt.refuses,
        learnt.folds_system,
    )


async def test_answers_without_a_system_message(model: ChatModel) -> None:
    await told(model, [QUESTION])


async def test_answers_in_a_conversation(model: ChatModel) -> None:
    said = ChatMessage("assistant", "Paris.")
    await told(model, [SYSTEM, QUESTION, said, ChatMessage("user", "And of Norway?")])


async def test_neighbours_of_one_role_are_no_fault(model: ChatModel) -> None:
    said = ChatMessage("assistant", "Paris.")
    await told(model, [SYSTEM, SYSTEM, QUESTION, QUESTION, said, said, QUESTION])


async def test_the_answer_can_be_bounded(model: ChatModel) -> None:
    last = await told(model, [SYSTEM, QUESTION], max_tokens=400)
    assert last.usage is None or last.usage.completion_tokens <= 400


async def test_any_text_can_be_asked(model: ChatModel) -> None:
    odd = "Was bedeutet \u201eFernwärme\u201c? \x00 \ud83d \u2028 😀 <|im_end|> 第三"
    await told(model, [SYSTEM, ChatMessage("user", odd)])


async def test_whoever_stops_listening_leaves_the_model_usable(model: ChatModel) -> None:
    async with aclosing(model.stream([SYSTEM, QUESTION])) as events:
        assert isinstance(await anext(events), Delta | Restarted)
    await told(model, [SYSTEM, QUESTION])


async def test_many_ask_at_once(model: ChatModel) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(told(model, [SYSTEM, QUESTION]))


WEATHER = Function(
    "get_weather",
    "The weather of a city now.",
    {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
)


async def test_functions_may_be_offered(model: ChatModel) -> None:
    asked = [SYSTEM, ChatMessage("user", "What is the weather in Oslo?")]
    try:
        last = Completed(None, None, "")
        async for event in model.stream(asked, offered=Offered((WEATHER,))):
            last = event if isinstance(event, Completed) else last
    except ModelError as error:
        assert (error.code, error.status) == ("model_without_tools", 400)  # noqa: PT017  # some do
        assert model.traits.calls_tools is False
    else:
        assert last.text.strip() or last.calls
        assert {one.name for one in last.calls} <= {"get_weather"}
        assert model.traits.calls_tools is True
    await told(model, [SYSTEM, QUESTION])


async def test_a_round_of_calls_is_answered(model: ChatModel) -> None:
    call = FunctionCall("call_1", "get_weather", '{"question": "Oslo"}')
    made = round_messages(Round((call,), ("12 °C, light rain.",)))
    asked = [SYSTEM, ChatMessage("user", "What is the weather in Oslo?"), *made]
    await told(model, asked)
