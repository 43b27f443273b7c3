"""Who has an account is told by no answer and by no work; throttles are one for all processes."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from aiconvokit.accounts import passwords
from aiconvokit.app import create_app
from aiconvokit.config import Limits, Settings
from aiconvokit.services import open_services
from fake_model.server import FakeModel
from support.server import API, PASSWORD

# The application is made in this process, where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore:.*Inferred dependency field")

LOGIN = f"{API}/tokens/"
Apps = list[httpx.AsyncClient]


@asynccontextmanager
async def app_on(url: str, fake: FakeModel, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An instance of the application, with connections of its own."""
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, url, folder, walled=True) as services:
        transport = httpx.ASGITransport(app=create_app(services))  # type: ignore[arg-type]  # Litestar's own types of ASGI
        async with httpx.AsyncClient(transport=transport, base_url="http://one") as client:
            yield client


@pytest.fixture
async def apps(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Apps]:
    """Two of them on one database, which know Ann and, suspended, Sue."""
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(app_on(database_url, fake, tmp_path / str(number)))
            for number in range(2)
        ]
        for name in ("ann", "sue"):
            new = {"username": name, "password": PASSWORD}
            assert (await found[0].post(f"{API}/users/", json=new)).status_code == 201
        await suspend(database_url, "sue")
        yield found


async def suspend(url: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        statement = 'UPDATE "user" SET is_active = false WHERE username = %s'
        await connection.execute(statement, (name,))


async def login(app: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await app.post(LOGIN, json={"username": name, "password": password})


async def test_a_refused_login_tells_nothing(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = passwords._verify  # counted, and done

    def counted(stored: str, password: str) -> bool:
        verified.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", counted)
    seen: set[object] = set()
    for name, password in (
        ("ann", "wrong every time"),
        ("nobody", "wrong every time"),
        ("sue", "wrong every time"),
        ("sue", PASSWORD),
        ("no such name!", PASSWORD),
    ):
        verified.clear()
        answer = await login(apps[0], name, password)
        # argon2's parameters stand in the hash: the same work was done.
        (work,) = (one.rsplit("$", 2)[0] for one in verified)
        told = {key: text for key, text in answer.headers.items() if key != "x-request-id"}
        seen.add((answer.status_code, answer.content, *told.items(), work))
    assert len(seen) == 1


async def test_attempts_are_counted_over_processes_and_restarts(
    apps: Apps, database_url: str, fake: FakeModel, tmp_path: Path
) -> None:
    burst = Limits().login_burst
    for number in range(burst):
        answer = await login(apps[number % 2], "nobody", "wrong every time")
        assert answer.status_code == 400, number
    async with app_on(database_url, fake, tmp_path / "later") as restarted:
        refused = [await login(one, "nobody", "wrong") for one in (*apps, restarted)]
        by_address = await login(restarted, "ann", PASSWORD)
    assert [one.status_code for one in (*refused, by_address)] == [429] * 4
    assert all(int(one.headers["retry-after"]) > 1 for one in refused)
    sentences = {re.sub(r"\d+", "", one.json()["detail"]) for one in (*refused, by_address)}
    assert len(sentences) == 1
