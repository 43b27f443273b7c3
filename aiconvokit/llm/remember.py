"""Keeps what was learnt about model servers in the database."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.db import Sessions
from aiconvokit.llm import queries
from aiconvokit.llm.traits import Kind, Traits

CLOSE_SECONDS = 2.0
"""What is being written when the process ends may take that long."""
_DEFAULT_PORTS = {"http": 80, "https": 443}

logger = logging.getLogger(__name__)


def host_and_port(base_url: str) -> str:
    """Who answers at an address, for example "api.openai.com:443"."""
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)}"


def address_of(base_url: str) -> str:
    """The address under which an endpoint is remembered: no scheme, credentials or query."""
    return host_and_port(base_url) + urlsplit(base_url).path.rstrip("/")


async def recall(sessions: Sessions, kind: Kind, base_url: str, model: str) -> Traits:
    """What is stored about a model; the defaults where there is nothing, or nothing readable."""
    async with sessions() as session:
        stored = await queries.find_traits(session, kind, address_of(base_url), model)
    try:
        return msgspec.convert(stored or {}, Traits)
    except msgspec.ValidationError:  # another version of the program wrote it
        return Traits()


async def store(sessions: Sessions, kind: Kind, base_url: str, model: str, traits: Traits) -> None:
    """Replace what is stored about a model, in a transaction of its own."""
    async with sessions.begin() as session:
        await queries.store_traits(
            session, kind, address_of(base_url), model, msgspec.to_builtins(traits)
        )


class Keeper:
    """Writes what is learnt in the background: no answer waits for it, none fails with it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._writing: set[asyncio.Task[None]] = set()

    def of(self, kind: Kind, base_url: str, model: str) -> Callable[[Traits], None]:
        """The callback for one endpoint."""
        return partial(self._begin, kind, base_url, model)

    async def close(self) -> None:
        """Let what is being written come to its end."""
        if self._writing:
            _, late = await asyncio.wait(self._writing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    def _begin(self, kind: Kind, base_url: str, model: str, traits: Traits) -> None:
        task = asyncio.create_task(self._write(kind, base_url, model, traits), name="store traits")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, kind: Kind, base_url: str, model: str, traits: Traits) -> None:
        logger.info("%s at %s: %s", model, address_of(base_url), msgspec.to_builtins(traits))
        try:
            await store(self._sessions, kind, base_url, model, traits)
        except SQLAlchemyError as error:
            logger.warning("What was learnt of %s is not stored: %s", model, type(error).__name__)
