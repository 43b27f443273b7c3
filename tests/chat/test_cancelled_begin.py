"""A client that leaves at any moment of a turn's first transaction takes no thread with it."""

import asyncio
from itertools import count
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.chat.queries import insert_chat
from aiconvokit.chat.turn import Asked, abandon, begin
from aiconvokit.config import Settings
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion.store import driver_connection

STEPS = 60
SPINS = 12
"""Each begin is cancelled so many turns of the event loop later; it takes some hundreds."""


async def asked(services: Services) -> list[Asked]:
    async with services.sessions.begin() as session:
        user = await insert_user(session, "ann", "", "none")
        assert user is not None
        wanted = NewAssistant(name="A", company_name="Acme", instructions="Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        transaction = await driver_connection(session)
        chats = [await insert_chat(transaction, user.id, assistant.id) for _ in range(STEPS)]
        return [Asked(user.id, chat.id, assistant.id, "Hello?") for chat in chats]


async def test_nothing_is_left(database_url: str, fake: FakeModel, tmp_path: Path) -> None:
    settings = Settings(
        database_url=SecretStr(database_url), openai_base_url=fake.base_url, embedding_model="fake"
    )
    async with open_services(settings, database_url, tmp_path) as services:
        cancelled = 0
        for one, steps in zip(await asked(services), count()):
            task = asyncio.create_task(begin(services, one))
            for _ in range(steps * SPINS):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            if task.cancelled():
                cancelled += 1
            else:
                await abandon(services, task.result(), None)
        async with services.sessions() as session:
            taken = await session.scalar(text("SELECT count(lease_token) FROM thread"))
            unfinished = await session.scalar(
                text("SELECT count(*) FROM message WHERE status = 'in_progress'")
            )
    assert cancelled > STEPS / 10
    assert (taken, unfinished) == (0, 0)
