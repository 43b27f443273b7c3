"""What the doctor says of chat servers, each with a fault or a quirk of its own."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from aiconvokit.config import Limits, Settings
from aiconvokit.llm.traits import Traits
from aiconvokit.operations.doctor import chat, window
from aiconvokit.operations.doctor.findings import Finding, Findings, secrets_of
from aiconvokit.operations.doctor.model_server import Listing, with_v1
from fake_model.server import FakeModel

Asked = Callable[..., Awaitable[tuple[dict[str, Finding], Traits | None]]]
KNOWN = Traits(context_window=4_000, tokens_ratio=1.5)


@pytest.fixture
def ask(fake: FakeModel) -> Asked:
    async def examine(model: str, **changes: Any) -> tuple[dict[str, Finding], Traits | None]:
        settings = Settings(
            **{
                "openai_base_url": fake.base_url,
                "openai_api_key": "sk-test-secret",
                "chat_model": model,
                **changes,
            }
        )
        findings = Findings(secrets_of(settings))
        learnt = await chat.examine(settings, KNOWN, findings)
        assert not any("sk-test" in one.found + one.advice for one in findings.all)
        return {one.name: one for one in findings.all}, learnt

    return examine


async def test_a_server_without_faults(ask: Asked, fake: FakeModel) -> None:
    found, learnt = await ask("fake:calls")
    assert {one.state for one in found.values()} == {"ok"}, found
    assert set(found) == {
        *("chat model", "chat streaming", "chat usage", "chat system role"),
        *("chat functions", "chat window", "chat speed"),
    }
    assert learnt is not None
    assert learnt.calls_tools is True
    assert learnt.context_window is None  # as long as our prompts get, so the old bound is gone
    assert learnt.tokens_ratio == pytest.approx(1, abs=0.1)
    longest = max(len(one.body["messages"][-1]["content"].split()) for one in fake.chats())
    assert longest == pytest.approx(Limits().history_tokens + Limits().passage_tokens + 1_000, 0.1)


async def test_no_model_is_fine(ask: Asked, fake: FakeModel) -> None:
    found, learnt = await ask("", chat_model=None)
    assert (found["chat model"].state, learnt, fake.requests()) == ("ok", None, [])


@pytest.mark.parametrize(
    ("model", "name", "state", "said"),
    [
        ("no_system_role", "chat system role", "warning", "folded into the first question"),
        ("no_usage", "chat usage", "warning", "counts no tokens"),
        ("no_stream_options", "chat usage", "warning", "refuses to be asked"),
        ("no_stream", "chat streaming", "warning", "refuses to stream"),
        ("ignores_stream", "chat streaming", "warning", "does not stream"),
        ("no_max_tokens", "chat parameters", "ok", "max_tokens"),
        ("close_think", "chat reasoning", "ok", "neither shown nor stored"),
        ("length", "chat streaming", "warning", "cut off"),
        ("strict_alternation", "chat functions", "warning", "Taken, and not called"),
        ("no_tools", "chat functions", "warning", "does not support tools"),
        ("no_tools_llama", "chat functions", "warning", "--jinja"),
        ("no_tools_vllm", "chat functions", "warning", "--enable-auto-tool-choice"),
        ("truncates=2000", "chat window", "warning", "cut at 2,000 tokens"),
        ("truncates=300", "chat window", "failed", "cut at 300 tokens"),
        ("reports_context=3000", "chat window", "warning", "longer than 3,000 tokens are refused"),
    ],
)
async def test_a_quirk_is_told_and_the_rest_works(
    ask: Asked, model: str, name: str, state: str, said: str
) -> None:
    found, learnt = await ask(f"fake:{model}")
    assert found[name].state == state, found[name]
    assert said in found[name].found
    assert found["chat model"].state == "ok"
    assert learnt is not None


async def test_what_was_learnt_is_handed_on(ask: Asked) -> None:
    expected: list[tuple[str, dict[str, object]]] = [
        ("no_system_role", {"folds_system": True}),
        ("no_stream", {"refuses": ("stream",)}),
        ("no_tools", {"calls_tools": False}),
        ("truncates=2000", {"context_window": 2_000}),
        ("reports_context=3000", {"context_window": 3_000}),
    ]
    for model, wanted in expected:
        _, learnt = await ask(f"fake:{model}")
        assert {name: getattr(learnt, name) for name in wanted} == wanted


async def test_a_small_window_is_answered_with_numbers_that_fit(ask: Asked) -> None:
    found, _ = await ask("fake:reports_context=3000")
    advice = found["chat window"].advice
    assert "AICONVOKIT_HISTORY_TOKENS=0" in advice
    passages = int(advice.partition("AICONVOKIT_PASSAGE_TOKENS=")[2].split()[0])
    assert 1_000 < passages < 2_000


@pytest.mark.parametrize(
    ("model", "said", "advice"),
    [
        ("401", "HTTP 401", "OPENAI_API_KEY"),
        ("403", "HTTP 403", "OPENAI_API_KEY"),
        ("404", "The model does not exist.", "AICONVOKIT_CHAT_MODEL"),
        ("500", "HTTP 500", "log"),
        ("429=60", "Rate limit reached", "Wait"),
        ("quota", "exceeded your quota", "balance"),
        ("html200", "text/html", "OPENAI_BASE_URL"),
        ("badjson", "model", "OPENAI_BASE_URL"),
        ("null_content", "empty answer", "another model"),
        ("only_think", "empty answer", "thinking"),
        ("context_length", "8192", "longer context"),
    ],
)
async def test_a_fault_says_what_to_do(ask: Asked, model: str, said: str, advice: str) -> None:
    found, learnt = await ask(f"fake:{model}")
    assert set(found) == {"chat model"}
    one = found["chat model"]
    assert one.state == "failed"
    assert said in one.found
    assert advice in one.advice
    assert learnt is None


async def test_a_server_that_does_not_answer_is_given_up(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "ANSWER_SECONDS", 0.2)
    found, _ = await ask("fake:hang")
    assert found["chat model"].state == "failed"
    assert "CHAT_DEADLINE" in found["chat model"].advice


async def test_a_slow_model_is_not_waited_for(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "PROBE_SECONDS", 0.2)
    found, learnt = await ask("fake@400")
    assert found["chat model"].state == "ok"
    assert "was not read" in found["chat window"].found
    assert learnt == msgspec.structs.replace(KNOWN, calls_tools=True)


async def test_an_answer_that_something_held_back_is_noticed(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "BUFFERED_SECONDS", 0.05)
    found, _ = await ask("fake:at_once@100")
    assert "buffering" in found["chat streaming"].advice


async def test_an_address_without_v1_is_corrected(ask: Asked, fake: FakeModel) -> None:
    root = fake.base_url.removesuffix("/v1")
    found, _ = await ask("fake", openai_base_url=f"{root}/")
    assert found["chat model"].advice == f"Set OPENAI_BASE_URL={fake.base_url}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/v1", "127.0.0.1:9/v1"),
        ("localhost:8000/v1", "no address"),
        ("http://[::1", "no address"),
        ("http://host:port/v1", "no address"),
    ],
)
async def test_an_address_where_nobody_is(ask: Asked, url: str, said: str) -> None:
    found, learnt = await ask("fake", openai_base_url=url)
    assert found["chat server"].state == "failed"
    assert said in found["chat server"].found
    assert learnt is None


async def test_credentials_in_an_address_stay_hidden(ask: Asked) -> None:
    found, _ = await ask("fake", openai_base_url="http://ann:hunter22@127.0.0.1:9/v1?key=abcdef")
    assert "127.0.0.1:9" in found["chat server"].found
    assert not any(word in str(found) for word in ("hunter22", "abcdef"))


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    names = Listing([{"id": f"m{number}"} for number in range(9)] + [{"id": "qwen3:8b"}])
    assert names.suggestion("qwen3-8b") == "Did you mean qwen3:8b?"
    assert names.suggestion("mistral") == "It has m0, m1, m2, m3, m4, m5 and 4 more."
    assert Listing().suggestion("mistral") == ""


@pytest.mark.parametrize(
    ("url", "fixed"),
    [
        ("http://ann:pw@localhost:1234/", "http://localhost:1234/v1"),
        ("https://host/openai", "https://host/openai/v1"),
        ("http://localhost/v1/", None),
    ],
)
def test_v1_is_added_where_it_is_missing(url: str, fixed: str | None) -> None:
    assert with_v1(url) == fixed
