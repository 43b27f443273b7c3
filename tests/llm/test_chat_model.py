import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from aiconvokit.llm.answer import LONGEST_ANSWER
from aiconvokit.llm.chat_model import (
    ChatEvent,
    ChatMessage,
    Completed,
    Delta,
    OpenAIChatModel,
    Restarted,
    Usage,
)
from aiconvokit.llm.errors import InputTooLong, ModelError
from aiconvokit.llm.traits import Traits
from fake_model.server import FakeModel
from fake_model.waiting import eventually

SECRET = "sk-very-secret"
QUESTION = [ChatMessage("system", "Be brief."), ChatMessage("user", "What was the net income?")]
ANSWER = "FAKE: What was the net income?"

Opened = Callable[..., OpenAIChatModel]


@pytest.fixture
async def opened(fake: FakeModel) -> AsyncIterator[Opened]:
    """Opens chat models of the fake and closes them after the test."""
    async with AsyncExitStack() as stack:

        def open_one(mode: str, *, base_url: str = fake.base_url, **kwargs: Any) -> OpenAIChatModel:
            model = OpenAIChatModel(base_url, SECRET, mode, **kwargs)
            stack.push_async_callback(model.close)
            return model

        yield open_one


async def told(model: OpenAIChatModel, max_tokens: int | None = None) -> tuple[str, Completed]:
    """The deltas joined, and the last event."""
    *deltas, last = [event async for event in model.stream(QUESTION, max_tokens=max_tokens)]
    assert isinstance(last, Completed)
    texts = [event.text for event in deltas if isinstance(event, Delta)]
    assert len(texts) == len(deltas)
    assert all(texts)
    return "".join(texts), last


async def failed(model: OpenAIChatModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await told(model)
    assert SECRET not in caught.value.detail
    assert "127.0.0.1" not in caught.value.detail
    return caught.value


async def test_streams_an_answer_and_asks_for_little(fake: FakeModel, opened: Opened) -> None:
    text, last = await told(opened("fake"))

    assert text == ANSWER
    assert last == Completed("stop", Usage(7, 6), "fake", ANSWER)
    (request,) = fake.requests()
    assert request.body == {
        "model": "fake",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What was the net income?"},
        ],
    }
    assert request.headers["authorization"] == f"Bearer {SECRET}"


async def test_variables_meant_for_other_servers_are_not_sent(
    fake: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-leaked")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-leaked")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leaked: yes\nAuthorization: Bearer leaked")
    model = OpenAIChatModel(fake.base_url, None, "fake")

    await told(model)
    await model.close()

    (request,) = fake.requests()
    assert request.headers["authorization"] == "Bearer none"
    assert "leaked" not in str(request.headers).lower()


@pytest.mark.parametrize(
    ("mode", "code", "status", "tries"),
    [
        ("fake:401", "model_misconfigured", 502, 1),
        ("fake:403", "model_misconfigured", 502, 1),
        ("fake:404", "model_misconfigured", 502, 1),
        ("fake:quota", "model_misconfigured", 502, 1),
        ("fake:500", "model_unreachable", 502, 2),
        ("fake:cut_at_once", "model_unreachable", 502, 2),
        ("fake:429=120", "model_rate_limited", 503, 1),
        ("fake:429=0", "model_rate_limited", 503, 2),
        ("fake:429", "model_rate_limited", 503, 2),
        ("fake:html200", "model_bad_response", 502, 2),
        ("fake:error200", "model_bad_response", 502, 2),
        ("fake:badjson", "model_bad_response", 502, 2),
        ("fake:null_content", "model_empty_answer", 502, 2),
        ("fake:only_think", "model_empty_answer", 502, 2),
        ("fake:context_length", "input_too_long", 422, 1),
        # a piece of the answer has come: no second try
        ("fake:cut_clean", "model_bad_response", 502, 1),
        ("fake:cut_chunked", "model_bad_response", 502, 1),
        ("fake:stream_error", "model_bad_response", 502, 1),
        ("fake:bad_event", "model_bad_response", 502, 1),
        ("fake:empty_choices", "model_bad_response", 502, 1),
        ("fake:no_choices", "model_bad_response", 502, 1),
    ],
)
async def test_faults(
    fake: FakeModel, opened: Opened, mode: str, code: str, status: int, tries: int
) -> None:
    error = await failed(opened(mode))

    assert (error.code, error.status) == (code, status)
    assert len(fake.requests()) == tries


@pytest.mark.parametrize("mode", ["500", "429=0", "html200", "null_content", "cut_at_once"])
async def test_a_fault_that_passes_is_not_seen(fake: FakeModel, opened: Opened, mode: str) -> None:
    text, _ = await told(opened(f"fake:{mode}-once"))

    assert text == ANSWER
    assert len(fake.requests()) == 2


async def test_the_servers_wait_is_passed_on(opened: Opened) -> None:
    assert (await failed(opened("fake:429=120"))).retry_after == 120
    assert (await failed(opened("fake:429"))).retry_after is None


async def test_nobody_listens(opened: Opened) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        model = opened("fake", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        assert (await failed(model)).code == "model_unreachable"


async def test_the_log_says_what_the_server_said_without_the_key(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="aiconvokit.llm"):
        await failed(opened("fake:401"))

    assert "Incorrect API key provided" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("mode", ["hang", "slow_drip=0.1"])
async def test_one_deadline_for_all(opened: Opened, fake: FakeModel, mode: str) -> None:
    error = await failed(opened(f"fake:{mode}", deadline_s=0.35))

    assert (error.code, error.status) == ("model_timeout", 504)
    await eventually(lambda: fake.requests()[0].outcome == "client_gone")


async def test_pieces_come_as_they_are_made_and_closing_stops_the_model(
    fake: FakeModel, opened: Opened
) -> None:
    async with aclosing(opened("fake:slow_drip=5").stream(QUESTION)) as events:
        assert await anext(events) == Delta("FAKE")

    await eventually(lambda: fake.requests()[0].outcome == "client_gone")


async def test_a_cancelled_task_stops_the_model(fake: FakeModel, opened: Opened) -> None:
    asking = asyncio.create_task(told(opened("fake:hang")))
    await eventually(lambda: len(fake.requests()) == 1)
    asking.cancel()
    await asyncio.wait({asking})

    assert asking.cancelled()
    await eventually(lambda: fake.requests()[0].outcome == "client_gone")


def sent(fake: FakeModel) -> list[set[str]]:
    """The optional parameters of each request."""
    return [set(each.body) - {"model", "messages"} for each in fake.requests()]


STREAM = {"stream", "stream_options"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("no_stream_options", [STREAM | {"max_tokens"}] + [{"stream", "max_tokens"}] * 2),
        ("no_max_tokens", [STREAM | {"max_tokens"}] + [STREAM | {"max_completion_tokens"}] * 2),
        (
            "no_limits",
            [STREAM | {"max_tokens"}, STREAM | {"max_completion_tokens"}, STREAM, STREAM],
        ),
        ("no_stream", [STREAM | {"max_tokens"}] + [{"max_tokens"}] * 2),
    ],
)
async def test_refused_parameters_are_left_out_from_then_on(
    fake: FakeModel, opened: Opened, mode: str, expected: list[set[str]]
) -> None:
    learnt: list[Traits] = []
    model = opened(f"fake:{mode}", on_learnt=learnt.append)
    for _ in range(2):
        await told(model, max_tokens=9)
    assert sent(fake) == expected
    assert learnt[-1] == model.traits
    fake.reset()
    again = opened(f"fake:{mode}", traits=learnt[-1])
    await told(again)
    assert len(fake.requests()) == 1


@pytest.mark.parametrize("mode", ["no_system_role", "jinja"])
async def test_the_operators_words_go_with_the_question_where_there_is_no_system_role(
    fake: FakeModel, opened: Opened, mode: str
) -> None:
    model = opened(f"fake:{mode}")
    for _ in range(2):
        await told(model)
    first, *others = [request.body["messages"] for request in fake.requests()]
    assert first[0]["role"] == "system"
    folded = {"role": "user", "content": "Be brief.\n\nWhat was the net income?"}
    assert others == [[folded]] * 2
    assert model.traits.folds_system


async def test_an_answer_that_is_not_streamed_is_one_piece(fake: FakeModel, opened: Opened) -> None:
    model = opened("fake:ignores_stream")
    events = [event async for event in model.stream(QUESTION)]
    assert events == [Delta(ANSWER), Completed("stop", Usage(7, 6), "fake", ANSWER)]
    assert not model.traits.streams
    assert sent(fake) == [STREAM]


async def test_the_context_window_is_told_and_remembered(opened: Opened) -> None:
    learnt: list[Traits] = []
    model = opened("fake:reports_context=600", on_learnt=learnt.append)
    with pytest.raises(InputTooLong) as caught:
        _ = [event async for event in model.stream([ChatMessage("user", "word " * 700)])]
    assert (caught.value.code, caught.value.window) == ("input_too_long", 600)
    assert learnt == [Traits(context_window=600)]


async def test_a_number_too_small_for_a_window_is_none(opened: Opened) -> None:
    learnt: list[Traits] = []
    error = await failed(opened("fake:reports_context=5", on_learnt=learnt.append))
    assert isinstance(error, InputTooLong)
    assert (error.code, error.window) == ("input_too_long", None)
    assert learnt == []


async def test_what_did_not_help_is_not_remembered(fake: FakeModel, opened: Opened) -> None:
    learnt: list[Traits] = []
    error = await failed(opened("fake:400", on_learnt=learnt.append))  # it speaks of a stream
    assert (error.code, error.status) == ("model_bad_response", 502)
    assert "stream" not in fake.requests()[1].body, "it was asked without, too"
    assert learnt == []


async def test_nothing_new_is_not_told_again(opened: Opened) -> None:
    learnt: list[Traits] = []
    model = opened("fake:minimal", on_learnt=learnt.append)
    for _ in range(3):
        await told(model)
    assert len(learnt) == 1


@pytest.mark.parametrize(
    ("mode", "reason"), [("no_usage", "stop"), ("bare_done", None), ("length", "length")]
)
async def test_whole_answers_that_say_less(opened: Opened, mode: str, reason: str | None) -> None:
    text, last = await told(opened(f"fake:{mode}"))

    assert text == ANSWER
    assert last.finish_reason == reason


async def test_filtered_content_is_an_answer(opened: Opened) -> None:
    assert await told(opened("fake:content_filter")) == (
        "",
        Completed("content_filter", Usage(7, 0), "fake", ""),
    )


@pytest.mark.parametrize("mode", ["think", "reasoning"])
async def test_reasoning_is_not_part_of_the_answer(opened: Opened, mode: str) -> None:
    text, last = await told(opened(f"fake:{mode}"))
    assert text == last.text == ANSWER


async def test_reasoning_that_only_closes_is_never_stored_and_then_known(opened: Opened) -> None:
    model = opened("fake:close_think@1")
    *said, first = [event async for event in model.stream(QUESTION)]
    assert isinstance(first, Completed)
    assert model.traits.opens_reasoning
    text, second = await told(model)

    assert first.text == second.text == text == ANSWER
    if Restarted() in said:  # its parts may have come at once
        answer = said[said.index(Restarted()) + 1 :]
        assert "".join(one.text for one in answer if isinstance(one, Delta)) == ANSWER


async def test_whoever_was_told_reasoning_is_told_to_forget_it(
    fake: FakeModel, opened: Opened
) -> None:
    fake.script("so it is\n</think>\n\nForty-two.")
    model = opened("fake:slow_drip=0.02")

    *said, last = [event async for event in model.stream(QUESTION)]

    assert said.count(Restarted()) == 1
    at = said.index(Restarted())
    assert said[0] == Delta("so")
    assert "".join(one.text for one in said[at + 1 :] if isinstance(one, Delta)) == "Forty-two."
    assert isinstance(last, Completed)
    assert last.text == "Forty-two."
    assert model.traits.opens_reasoning


async def test_a_model_that_reasons_no_more_is_not_held_back(
    fake: FakeModel, opened: Opened
) -> None:
    learnt: list[Traits] = []
    model = opened("fake", traits=Traits(opens_reasoning=True), on_learnt=learnt.append)
    await told(model)
    assert not model.traits.opens_reasoning
    assert learnt == [], "it may change its mind with each answer"


async def test_what_came_at_once_is_one_piece(opened: Opened) -> None:
    events = [event async for event in opened("fake:at_once").stream(QUESTION)]
    assert events[0] == Delta(ANSWER)
    assert len(events) == 2


@pytest.mark.parametrize(
    ("mode", "code"), [("bad_event", "model_bad_response"), ("stream_error", "model_bad_response")]
)
async def test_what_came_before_a_fault_is_passed_on(
    fake: FakeModel, opened: Opened, mode: str, code: str
) -> None:
    said: list[ChatEvent] = []

    async def listen() -> None:
        async for event in opened(f"fake:{mode}").stream(QUESTION):
            said.append(event)  # noqa: PERF401  # it raises, and what came before it counts

    with pytest.raises(ModelError) as caught:
        await listen()
    assert caught.value.code == code
    assert "".join(one.text for one in said if isinstance(one, Delta)) == ANSWER
    assert len(fake.requests()) == 1


async def test_what_postgres_cannot_hold_is_dropped(opened: Opened) -> None:
    text, _ = await told(opened("fake:dirty"))
    assert text == f"NUL and half a pair : {ANSWER}"


async def test_lone_surrogates_in_a_prompt_do_not_break_the_request(
    fake: FakeModel, opened: Opened
) -> None:
    events = opened("fake").stream([ChatMessage("user", "half \ud83d a pair\x00")])
    assert [event async for event in events][-1] == Completed(
        "stop", Usage(3, 4), "fake", "FAKE: half  a pair"
    )


async def test_an_answer_without_end_is_cut(fake: FakeModel, opened: Opened) -> None:
    text, last = await told(opened("fake:endless"))

    assert len(text) == LONGEST_ANSWER
    assert last.finish_reason == "length"
    await eventually(lambda: fake.requests()[0].outcome == "client_gone")


async def test_two_answers_use_one_connection(opened: Opened, fake: FakeModel) -> None:
    model = opened("fake")
    await told(model)
    await told(model)
    assert len({request.client for request in fake.requests()}) == 1


async def test_separators_of_other_alphabets_do_not_cut_an_event(
    fake: FakeModel, opened: Opened
) -> None:
    fake.script("one\u2028two\u0085three")
    text, _ = await told(opened("fake:raw_utf8"))
    assert text == "one\u2028two\u0085three"
