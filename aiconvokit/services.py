"""What every request needs, opened once: database, models, storage."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import procrastinate
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.config import Settings
from aiconvokit.db import (
    APP_ROLE,
    Pool,
    Sessions,
    Wall,
    create_engine,
    create_pool,
    create_sessions,
)
from aiconvokit.jobs import create_queue
from aiconvokit.llm.chat_model import ChatModel, OpenAIChatModel
from aiconvokit.llm.embedders import SettingsEmbedders
from aiconvokit.llm.remember import Keeper, recall
from aiconvokit.storage import Storage, open_storage
from ingestion.embed import Embedder, Embedders


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts of one process; `chat_model` is None when answers are extracted."""

    settings: Settings
    database_url: str
    sessions: Sessions
    """For requests: behind the wall, rows of who asks only. For commands: the owner's."""
    pool: Pool
    """The same, for what every turn does."""
    owner_sessions: Sessions
    """As the owner: the worker's, for the passages and for tables of new embedding spaces."""
    queue: procrastinate.App
    data_dir: Path
    """What this machine keeps: files, and what can be made again."""
    storage: Storage
    embedders: Embedders
    chat_model: ChatModel | None

    @property
    def embedder(self) -> Embedder:
        """The configured one; a collection's own is that of its space."""
        return self.embedders.configured


@asynccontextmanager
async def open_services(
    settings: Settings, database_url: str, data_dir: Path, *, walled: bool = False
) -> AsyncIterator[Services]:
    """Open everything; the schema must fit already. Models are contacted on first use only.

    Args:
        settings: what the operator chose.
        database_url: any Postgres URL.
        data_dir: what this machine keeps.
        walled: for requests, each of whose statements sees the rows of `aiconvokit.acting` only.
    """
    limits, storage = settings.limits, open_storage(settings, data_dir)
    async with AsyncExitStack() as stack:
        owner = create_engine(database_url, pool_size=limits.worker_pool_size)
        stack.push_async_callback(owner.dispose)
        owner_sessions = create_sessions(owner)
        wall = None
        if walled and await may_take_app_role(owner_sessions):
            wall = Wall(shares=settings.shared_assistants)
        app = create_engine(database_url, pool_size=limits.pool_size, wall=wall)
        stack.push_async_callback(app.dispose)
        sessions = create_sessions(app)
        pool = create_pool(database_url, pool_size=limits.pool_size, wall=wall)
        stack.push_async_callback(pool.close)
        await pool.open()
        keeper = Keeper(sessions)
        stack.push_async_callback(keeper.close)
        embedders = await SettingsEmbedders.open(settings, sessions, keeper)
        stack.push_async_callback(embedders.close)
        chat_model = await _chat_model(settings, sessions, keeper)
        if chat_model is not None:
            stack.push_async_callback(chat_model.close)
        yield Services(
            settings=settings,
            database_url=database_url,
            sessions=sessions,
            pool=pool,
            owner_sessions=owner_sessions,
            queue=create_queue(database_url, pool_size=limits.worker_pool_size),
            data_dir=data_dir,
            storage=storage,
            embedders=embedders,
            chat_model=chat_model,
        )


async def provide_session(services: Services) -> AsyncIterator[AsyncSession]:
    """A request's transaction: committed when its handler returned, rolled back on any error."""
    async with services.sessions.begin() as session:
        yield session


async def may_take_app_role(sessions: Sessions) -> bool:
    """Whether there is a second wall: some servers let us make no role."""
    async with sessions() as session:
        found = await session.scalar(
            text("SELECT pg_has_role(oid, 'SET') FROM pg_roles WHERE rolname = :role"),
            {"role": APP_ROLE},
        )
        return bool(found)


async def _chat_model(settings: Settings, sessions: Sessions, keeper: Keeper) -> ChatModel | None:
    if settings.chat_model is None:
        return None
    url, model = settings.openai_base_url, settings.chat_model
    return OpenAIChatModel(
        base_url=url,
        api_key=settings.chat_api_key,
        model=model,
        deadline_s=settings.limits.chat_deadline_seconds,
        traits=await recall(sessions, "chat", url, model),
        on_learnt=keeper.of("chat", url, model),
    )
