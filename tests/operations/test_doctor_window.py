"""Context windows: what servers say of themselves, and what is believed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typing_extensions import override

from aiconvokit.config import Limits
from aiconvokit.llm.chat_model import ChatEvent, ChatMessage, ChatModel, Completed, Delta
from aiconvokit.llm.functions import Offered
from aiconvokit.llm.traits import Traits
from aiconvokit.operations.doctor import window
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.operations.doctor.model_server import Claim, ModelServer
from aiconvokit.operations.doctor.window import Measured
from fake_model.connection import ClientGone, Connection


@asynccontextmanager
async def server_with(answers: dict[str, Any]) -> AsyncIterator[str]:
    """A server that has a JSON answer for some paths, and 404 for the others."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            while (request := await connection.read()) is not None:
                found = answers.get(request.path)
                await connection.send(found or {"error": "no"}, status=200 if found else 404)
        except ClientGone:
            pass
        finally:
            await connection.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answers", "tokens", "source"),
    [
        ({"/v1/models": {"data": [{"id": "m", "max_model_len": 4096}]}}, 4096, "max_model_len"),
        (
            {
                "/v1/models": {"data": [{"id": "m", "meta": {"n_ctx_train": 32768}}]},
                "/props": {"default_generation_settings": {"n_ctx": 8192}},
            },
            8192,
            "/props",
        ),
        (
            {
                "/v1/models": {"data": [{"id": "m:latest"}, {"id": "other"}]},
                "/api/ps": {"models": [{"name": "m:latest", "context_length": 2048}]},
            },
            2048,
            "/api/ps",
        ),
        (
            {
                "/v1/models": {"data": [{"id": "m"}]},
                "/api/v0/models": {"data": [{"id": "m", "loaded_context_length": 6000}]},
            },
            6000,
            "/api/v0",
        ),
        ({"/v1/models": {"data": [{"id": "m", "max_model_len": True}]}}, None, ""),
        ({"/v1/models": {"data": [7]}, "/props": [1], "/api/ps": {"models": 3}}, None, ""),
    ],
)
async def test_servers_say_it_in_their_own_places(
    answers: dict[str, Any], tokens: int | None, source: str
) -> None:
    async with server_with(answers) as url:
        server = ModelServer(url, None)
        listing = await server.models()
        claim = await server.window("m", listing.entry("m"))
        await server.close()
    assert (claim.tokens if claim else None) == tokens
    assert source in (claim.source if claim else "")


class Forgetful(ChatModel):
    """A model that counts no tokens and reads only the end of a long prompt."""

    def __init__(self, characters: int) -> None:
        self._characters = characters

    @property
    @override
    def name(self) -> str:
        return "forgetful"

    @property
    @override
    def traits(self) -> Traits:
        return Traits()

    @override
    async def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        offered: Offered | None = None,
    ) -> AsyncGenerator[ChatEvent]:
        word = messages[-1].content[-self._characters :].split()[0]
        yield Delta(word)
        yield Completed("stop", None, self.name, word)

    @override
    async def close(self) -> None:
        pass


async def test_without_counts_a_lost_beginning_shows_the_cut() -> None:
    found = await window.measure(Forgetful(10_000), Limits(), thinking_room=0)
    assert found.lost_word
    assert 500 <= found.taken <= 2_500
    findings = Findings()
    window.report(found, None, Limits(), findings)
    assert [one.state for one in findings.all] == ["warning"]


async def test_a_model_that_never_repeats_the_word_shows_nothing() -> None:
    found = await window.measure(Forgetful(100), Limits(), thinking_room=0)
    assert not found.lost_word
    assert "does not repeat a word" in found.stopped


@pytest.mark.parametrize(
    ("found", "claim", "state"),
    [
        (Measured(ratio=1.0, taken=6_500), None, "ok"),
        (Measured(ratio=1.0, taken=6_500), 32_768, "ok"),
        (Measured(ratio=1.0, taken=6_500), 7_000, "warning"),
        (Measured(ratio=1.9, taken=6_500), 8_192, "warning"),
        (Measured(ratio=1.0, limit=4_096, is_cut=True), 131_072, "warning"),
        (Measured(limit=512), None, "failed"),
        (Measured(stopped="a prompt of 500 tokens was not read in 30 s"), None, "warning"),
        (Measured(stopped="a prompt of 500 tokens was not read in 30 s"), 16_384, "ok"),
    ],
)
def test_what_was_met_counts_more_than_what_is_said(
    found: Measured, claim: int | None, state: str
) -> None:
    findings = Findings()
    said = None if claim is None else Claim(claim, "/models")
    window.report(found, said, Limits(), findings)
    assert [one.state for one in findings.all] == [state]


def test_a_window_met_earlier_is_forgotten_only_when_it_was_passed() -> None:
    assert window.lessons(Measured(taken=6_500), None, 4_000)["context_window"] is None
    slow = Measured(taken=500, stopped="slow")
    assert window.lessons(slow, None, 4_000)["context_window"] == 4_000
    assert window.lessons(Measured(limit=2_000), Claim(9_000, ""), 4_000)["context_window"] == 2_000


def test_a_slow_machine_is_told_before_its_turns_time_out() -> None:
    for speed, state in ((30.0, "warning"), (500.0, "ok")):
        findings = Findings()
        window.report_speed(Measured(speed=speed), Limits(), findings)
        assert [one.state for one in findings.all] == [state]
