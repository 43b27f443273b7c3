"""Who may scrape, and what a scrape says when the database does not answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from aiconvokit.cli.metrics_port import metrics_app
from aiconvokit.db import create_engine, create_sessions
from aiconvokit.operations.metrics import readings
from aiconvokit.operations.metrics.readings import Readings
from aiconvokit.services import Services

NOT_FOUND = '{"detail":"Not found."}'


@asynccontextmanager
async def caller(
    services: Services, address: str, token: str | None
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at an address, and a server that has a token or none."""
    secret = SecretStr(token) if token else None
    settings = services.settings.model_copy(update={"metrics_token": secret})
    app = metrics_app(replace(services, settings=settings))
    transport = httpx.ASGITransport(app=app, client=(address, 4321))  # type: ignore[arg-type]  # Litestar's own types of ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield client


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.8.9.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 404),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 404),
        ("127.0.0.1", {"X-Real-IP": "203.0.113.9"}, 404),
        ("10.1.2.3", {}, 404),
        ("10.1.2.3", {"Authorization": "Bearer x"}, 404),
        ("2001:db8::1", {}, 404),
        ("", {}, 404),
    ],
)
async def test_without_a_token_only_this_machine_may(
    services: Services, address: str, headers: dict[str, str], status: int
) -> None:
    async with caller(services, address, None) as client:
        answer = await client.get("/metrics", headers=headers)
        elsewhere = await client.get("/nowhere", headers=headers)
    assert answer.status_code == status
    assert ("aiconvokit_info" in answer.text) == (status == 200)
    if status == 404:
        assert answer.text == elsewhere.text == NOT_FOUND


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3"])
async def test_with_a_token_who_has_it_may(services: Services, address: str) -> None:
    async with caller(services, address, "s3cret\n") as client:
        given = ("Bearer s3cret", "bearer  s3cret", "Bearer s3cre", "Token s3cret", "Bearer é", "")
        answers = [
            await client.get("/metrics", headers={b"Authorization": one.encode()}) for one in given
        ]
    assert [one.status_code for one in answers] == [200, 200, 401, 401, 401, 401]
    assert not [one for one in answers[2:] if "aiconvokit" in one.text]


@asynccontextmanager
async def database_at(services: Services, url: str) -> AsyncIterator[Services]:
    engine = create_engine(url, pool_size=1)
    try:
        yield replace(services, owner_sessions=create_sessions(engine))
    finally:
        await engine.dispose()


async def test_a_database_that_is_away_takes_nothing_else_away(services: Services) -> None:
    async with (
        database_at(services, "postgresql://ann@127.0.0.1:9/none") as away,
        caller(away, "127.0.0.1", None) as client,
    ):
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "\naiconvokit_database_up 0.0\n" in answer.text
    assert "\naiconvokit_documents{" not in answer.text
    assert "\naiconvokit_workers " not in answer.text
    assert '\naiconvokit_pool_size{pool="turns"} 10.0\n' in answer.text
    assert "\naiconvokit_info{" in answer.text


async def test_a_database_that_says_nothing_is_not_waited_for(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "PATIENCE_SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/none"
        async with database_at(services, url) as deaf:
            asked = Readings(deaf)
            assert await asked.now() is None
            assert await asked.now() is None
            reading = asked._reading
            assert reading is not None
            assert not reading.done(), "one at a time, and it may still answer"
            reading.cancel()
            await asyncio.wait({reading})


async def test_scrapes_at_once_ask_once(services: Services) -> None:
    asked = Readings(services)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked.now()) for _ in range(3)]
    first = asked._reading
    found = [task.result() for task in tasks]
    assert found[0] is not None
    assert found[0] is found[1] is found[2] is await asked.now()
    assert asked._reading is first
