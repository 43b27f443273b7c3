"""A question that waits for a thread is asked with all that was said there until it got it."""

import asyncio
from pathlib import Path

import psycopg
from pydantic import SecretStr

from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.chat.queries import insert_chat
from aiconvokit.chat.turn import Asked, abandon, begin
from aiconvokit.config import Settings
from aiconvokit.db import libpq_url
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion.store import driver_connection
from support.waiting import eventually

_WAITS = """
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_SAY = """
INSERT INTO message (public_id, thread_id, role, status, content)
VALUES ('msg_late', %s, 'assistant', 'complete', 'Said at the last moment.')
"""


async def chat_of_ann(services: Services) -> tuple[Asked, int]:
    """A question in a new chat, and the row of its thread."""
    async with services.sessions.begin() as session:
        user = await insert_user(session, "ann", "", "none")
        assert user is not None
        wanted = NewAssistant(name="A", company_name="Acme", instructions="Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        transaction = await driver_connection(session)
        chat = await insert_chat(transaction, user.id, assistant.id)
        return Asked(user.id, chat.id, assistant.id, "Hello?"), chat.thread_id


def somebody_waits(database_url: str) -> bool:
    """Whether somebody waits for a lock."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        return connection.execute(_WAITS).fetchone() is not None


async def test_what_was_said_meanwhile_is_read(
    database_url: str, fake: FakeModel, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=SecretStr(database_url), openai_base_url=fake.base_url, embedding_model="fake"
    )
    async with (
        open_services(settings, database_url, tmp_path) as services,
        await psycopg.AsyncConnection.connect(libpq_url(database_url)) as other,
    ):
        asked, thread = await chat_of_ann(services)
        # As the end of a turn does it: the thread is written to, and then its answer.
        await other.execute("UPDATE thread SET lease_token = NULL WHERE id = %s", (thread,))
        late = asyncio.create_task(begin(services, asked))
        await asyncio.to_thread(eventually, lambda: somebody_waits(database_url))
        await other.execute(_SAY, (thread,))
        await other.commit()
        turn = await late
        assert [one.content for one in turn.history] == ["Said at the last moment."]
        await abandon(services, turn, None)
