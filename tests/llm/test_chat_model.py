import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing

import pytest

from aiconvokit.llm import chat_model
from aiconvokit.llm.chat_model import ChatMessage, Completed, Delta, OpenAIChatModel, Usage
from aiconvokit.llm.errors import ModelError
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

        def open_one(
            mode: str, *, base_url: str = fake.base_url, **kwargs: float
        ) -> OpenAIChatModel:
            model = OpenAIChatModel(base_url, SECRET, mode, **kwargs)
            stack.push_async_callback(model.close)
            return model

        yield open_one


async def told(model: OpenAIChatModel) -> tuple[str, Completed]:
    """The deltas joined, and the last event."""
    *deltas, last = [event async for event in model.stream(QUESTION)]
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


async def test_stream_options_are_left_out_once_refused(fake: FakeModel, opened: Opened) -> None:
    model = opened("fake:no_stream_options")

    text, last = await told(model)
    await told(model)

    assert text == ANSWER
    assert last.usage is None
    assert ["stream_options" in each.body for each in fake.requests()] == [True, False, False]


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
    model = opened("fake:close_think")

    _, first = await told(model)
    text, second = await told(model)

    assert first.text == second.text == text == ANSWER


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

    assert len(text) == chat_model.LONGEST_ANSWER
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
