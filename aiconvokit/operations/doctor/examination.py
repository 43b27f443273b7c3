"""All of it, part by part: whatever one part stumbles over, the next is looked at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.config import Settings
from aiconvokit.db import Sessions, create_engine, create_sessions
from aiconvokit.llm.remember import recall, store
from aiconvokit.llm.traits import Kind, Traits
from aiconvokit.operations.doctor import (
    chat,
    database,
    embedding,
    machine,
    object_storage,
    queries,
)
from aiconvokit.operations.doctor.database import CheckSchema
from aiconvokit.operations.doctor.findings import Findings

PART_SECONDS = 180.0
"""For one part; every probe in it has a bound of its own, this is for what nobody thought of."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at.

    Attributes:
        settings: of the server.
        data_dir: where its files are.
        database_url: None: the embedded one did not start.
        is_embedded: whether that database is ours.
        no_database: why there is no URL.
        check_schema: raises ConfigurationError when the schema does not fit.
    """

    settings: Settings
    data_dir: Path
    database_url: str | None
    is_embedded: bool
    no_database: str
    check_schema: CheckSchema


class Examination:
    """One look at everything, in the order in which things depend on each other."""

    def __init__(self, patient: Patient, findings: Findings, tell: Tell) -> None:
        self._patient = patient
        self._settings = patient.settings
        self._findings = findings
        self._tell = tell
        self._sessions: Sessions | None = None
        """Of a database with our tables, as soon as there is one."""

    async def run(self) -> None:
        """Look at everything, and store what was learnt of the model servers."""
        if self._settings.rate_limits == "off":
            self._findings.warn("settings limits", "No rate limits.", "Unset AICONVOKIT_LIMITS.")
        async with self._sessions_on(self._patient.database_url) as sessions:
            await self._part("database", self._database(sessions))
            await self._part("machine", self._machine())
            await self._part("chat", self._chat())
            await self._part("embedding", self._embedding())

    @asynccontextmanager
    async def _sessions_on(self, url: str | None) -> AsyncIterator[Sessions | None]:
        try:
            engine = create_engine(url, pool_size=2) if url else None
        except (SQLAlchemyError, ValueError, ImportError):  # ImportError: another kind of database
            self._findings.fail(
                "database server", "DATABASE_URL cannot be read.", database.SPELLING
            )
            engine = None
        try:
            yield create_sessions(engine) if engine else None
        finally:
            if engine is not None:
                await engine.dispose()

    async def _part(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        self._tell(name)
        try:
            async with asyncio.timeout(PART_SECONDS):
                await part
        except TimeoutError:
            said = f"It was not done after {PART_SECONDS:.0f} s."
            self._findings.fail(
                f"{name} probe", said, "Look at the machine's load and run this again."
            )
        except Exception as error:  # noqa: BLE001 - a fault nobody thought of is a finding, too
            lines = str(error).splitlines() or [""]
            said = f"Looking at it failed: {type(error).__name__}: {lines[0]}"
            self._findings.fail(
                f"{name} probe", said, "If that is no fault of the machine, report it."
            )

    async def _database(self, sessions: Sessions | None) -> None:
        patient, url = self._patient, self._patient.database_url
        if patient.no_database:
            self._findings.fail("database server", patient.no_database, database.EMBEDDED)
        if sessions is None or url is None:
            return
        is_usable = await database.examine(
            sessions,
            database.place(url, is_embedded=patient.is_embedded),
            self._settings.limits,
            self._findings,
        )
        if is_usable and database.schema(url, patient.check_schema, self._findings):
            self._sessions = sessions

    async def _machine(self) -> None:
        patient, findings = self._patient, self._findings
        try:
            patient.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = f"{patient.data_dir} cannot be made: {error.strerror}."
            findings.fail(
                "machine storage", said, "Set AICONVOKIT_DATA_DIR to a folder of this user's."
            )
        else:
            if self._settings.storage_url is None:
                await machine.storage(patient.data_dir, findings)
            else:
                await object_storage.examine(self._settings, patient.data_dir, findings)
            machine.disk(patient.data_dir, findings, holds_database=patient.is_embedded)
        await asyncio.to_thread(machine.token_counts, findings)
        await machine.reading(self._settings.limits, findings)

    async def _chat(self) -> None:
        settings, model = self._settings, self._settings.chat_model
        known = Traits()
        if self._sessions is not None and model is not None:
            known = await recall(self._sessions, "chat", settings.openai_base_url, model)
        learnt = await chat.examine(settings, known, self._findings)
        if learnt is not None and model is not None:
            await self._store("chat", settings.openai_base_url, model, learnt)

    async def _embedding(self) -> None:
        settings = self._settings
        learnt = await embedding.examine(settings, self._findings)
        if learnt is None:
            return
        if learnt.traits is not None:
            await self._store("embedding", settings.embedder_base_url, learnt.model, learnt.traits)
        if self._sessions is not None:
            async with self._sessions() as session:
                stored = await queries.spaces(session)
            embedding.space(settings, learnt, stored, self._findings)

    async def _store(self, kind: Kind, base_url: str, model: str, traits: Traits) -> None:
        if self._sessions is not None:
            await store(self._sessions, kind, base_url, model, traits)
