"""The worker's side of an upload: the task that makes a document searchable."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import procrastinate
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from typing_extensions import override

from aiconvokit.background import beside
from aiconvokit.config import Limits
from aiconvokit.database_faults import is_database_away
from aiconvokit.errors import StorageAway
from aiconvokit.files import expiry, language_change, queries, unused
from aiconvokit.files.feeding import feed, feed_all
from aiconvokit.files.feeding_queries import INGEST_TASK
from aiconvokit.files.in_work import InWork
from aiconvokit.files.old_pages import EVERY_SECONDS, Due
from aiconvokit.files.postponed import Pauses, postpone
from aiconvokit.files.upkeep import keep_indexes
from aiconvokit.jobs import create_queue, run_worker
from aiconvokit.llm.errors import ModelError
from aiconvokit.services import Services
from aiconvokit.telemetry import documents as telemetry
from ingestion import stage_store, store
from ingestion.errors import IngestionError
from ingestion.parse.limits import Limits as ParserLimits
from ingestion.parse.sandbox import Sandbox
from ingestion.pipeline import Pipeline
from ingestion.store import Target

RETRY_SECONDS = (2, 10, 30, 60)
"""Waits between tries of what may pass: a crashed parser, a request that was refused."""
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1
"""Also counts workers that died at it: a file that kills every worker must not do so for ever."""

STORAGE_AWAY_SECONDS = 10
"""Between tries while the object store is away; they are not counted against the document."""

HOPELESS = {"input_too_long"}
"""What no other try mends: it was cut into 64 pieces already."""

logger = logging.getLogger(__name__)


class Backoff(BaseRetryStrategy):
    """Try again after a growing pause, or when the other side said it is ready.

    Whoever raises past the last attempt would be tried for ever: `Ingestion.run` does not.
    """

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, Exception):
            return None  # cancelled by a shutdown: `feed_all` takes it up, no attempt is burned
        pause = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS) - 1)]
        asked = getattr(exception, "retry_after", None) or 0
        return RetryDecision(retry_in={"seconds": max(pause, int(asked) + 1)})


class Ingestion:
    """Runs ingestion jobs with one sandbox and one pipeline.

    It reads up to `at_once` documents of one owner at once, and one more of somebody else.
    """

    def __init__(self, services: Services, at_once: int) -> None:
        self._services = services
        self._at_once = at_once
        limits = parser_limits(services.settings.limits)
        self._sandbox = Sandbox(limits, children=at_once + 1)
        self._pipeline = Pipeline(
            services.owner_sessions, self._sandbox, services.embedders, telemetry.phase
        )
        self._pauses = Pauses(services.embedders)
        self._in_work = InWork(services.owner_sessions)

    def close(self) -> None:
        """End what parses."""
        self._sandbox.close()

    def register(self, queue: procrastinate.App) -> None:
        """Make the task known to a queue, so that its worker can run it."""
        queue.task(name=INGEST_TASK, retry=Backoff(), pass_context=True)(self.run)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """As long as the block lasts, work that nobody wants any more is stopped; then it ends."""
        async with beside(self._in_work.watch(), "watch documents in work"):
            with closing(self):
                yield

    async def run(self, context: JobContext, document_id: int, burned: int = 0) -> None:
        """One try at a document's newest version; `burned` tries were made by jobs before."""
        try:
            with telemetry.reading(document_id):
                await self._run(document_id, burned + context.job.attempts)
        except Exception:
            await self._feed_next(context, document_id)
            raise
        await self._feed_next(context, document_id)

    async def look_after(self) -> None:
        """Tell who waits and why, and take up what waits for a job that is not there.

        That is the next in the line of an owner whose last job was lost, and documents whose worker
        was stopped while it read them.
        """
        async with self._services.owner_sessions.begin() as session:
            await self._pauses.tell(session)
            found = await feed_all(self._services.queue, session, self._at_once)
        if found:
            logger.info("Documents %s are taken up", found)

    async def _feed_next(self, context: JobContext, document_id: int) -> None:
        """Give the owner's next document a job: this one ends."""
        services = self._services
        try:
            async with services.owner_sessions.begin() as session:
                ending = context.job.id or 0
                await feed(services.queue, session, [document_id], self._at_once, ending=ending)
        except (SQLAlchemyError, OSError) as error:
            is_news = not is_database_away(error)
            logger.warning("The next document will be taken up later", exc_info=is_news)

    async def _run(self, document_id: int, burned: int) -> None:
        sessions = self._services.owner_sessions
        async with sessions.begin() as session:
            target = await store.begin(session, document_id)
            file = await queries.file_by_id(session, target.file_id) if target else None
            staged = await stage_store.count(session, target) if target else 0
        if target is None or file is None:
            return
        if burned >= MAX_ATTEMPTS:
            await self._give_up(target, "worker_died", "The worker died each time it read this.")
            return
        pause = self._pauses.of(target)
        if pause.left_seconds:
            await self._postpone(target, pause.error, pause.left_seconds, burned)
            return
        try:
            if not await self._in_work.finish(target, self._read(target, file.sha256)):
                await self._pipeline.drop(target)
        except FileNotFoundError:
            await self._give_up(target, "file_missing", "The file's bytes are not in storage.")
        except (ModelError, IngestionError, StorageAway) as error:
            await self._judge(target, error, burned, staged)
        except Exception as error:
            is_orphan = isinstance(error, ForeignKeyViolation | IntegrityError)
            if is_orphan and not await self._is_there(target):
                logger.info("Document %s was deleted while it was read", document_id)
                return
            if burned + 1 < MAX_ATTEMPTS:
                raise
            logger.exception("Document %s", document_id)
            await self._give_up(target, "internal_error", "Internal server error.")

    async def _read(self, target: Target, sha256: bytes) -> None:
        if await self._pipeline.ingest(target, await self._services.storage.get(sha256)):
            self._pauses.of(target).end()  # its embedder serves us

    async def _judge(
        self,
        target: Target,
        error: ModelError | IngestionError | StorageAway,
        burned: int,
        staged: int,
    ) -> None:
        """Wait, give up, or raise to be tried again; `staged` passages were there before."""
        if isinstance(error, StorageAway):  # nothing is wrong with the document
            await self._postpone(target, None, STORAGE_AWAY_SECONDS, burned)
        elif isinstance(error, ModelError) and await self._pauses.is_waited_for(target, error):
            pause = self._pauses.of(target)
            await self._postpone(target, pause.error, pause.left_seconds, burned)
            async with self._services.owner_sessions.begin() as session:
                await self._pauses.tell(session)
        elif error.code not in HOPELESS and await self._got_further(target, staged):
            told = error if isinstance(error, ModelError) else None
            await self._postpone(target, told, RETRY_SECONDS[0], 0)
        elif error.code in HOPELESS or burned + 1 >= MAX_ATTEMPTS:
            await self._give_up(target, error.code, error.detail)
        else:
            raise error

    async def _got_further(self, target: Target, staged: int) -> bool:
        """Whether a try brought something: hiccups of a server fail no long document.

        What is burned is forgotten then; a document has an end.
        """
        async with self._services.owner_sessions.begin() as session:
            return await stage_store.count(session, target) > staged

    async def _postpone(
        self, target: Target, error: ModelError | None, seconds: int, burned: int
    ) -> None:
        logger.info("Document %s waits", target.document_id)
        async with self._services.owner_sessions.begin() as session:
            if await store.is_wanted(session, target):
                await postpone(self._services.queue, session, target, error, seconds, burned)

    async def _is_there(self, target: Target) -> bool:
        async with self._services.owner_sessions.begin() as session:
            return bool(await queries.hold_documents(session, [target.document_id]))

    async def _give_up(self, target: Target, code: str, detail: str) -> None:
        logger.warning("Document %s failed for good: %s", target.document_id, code)
        async with self._services.owner_sessions.begin() as session:
            await store.fail(session, target, code, detail)


async def work(services: Services, at_once: int) -> None:
    """Read up to `at_once` documents of an owner at once until cancelled.

    What is in work then is taken up again by the next worker.
    """
    limit = services.settings.limits.worker_pool_size
    # A queue of its own: a task can be registered once, and a worker may start again.
    queue = create_queue(services.database_url, pool_size=limit)
    ingestion = Ingestion(services, at_once)
    ingestion.register(queue)
    old_pages_due = Due(EVERY_SECONDS)
    language_change.register(queue, services)
    unused.register(queue, services)

    async def look_after() -> None:
        """What is to be done now and then, whatever the jobs are."""
        await ingestion.look_after()
        await expiry.sweep(services, old_pages_due)

    indexes_kept = beside(keep_indexes(services), "keep indexes")
    async with queue.open_async(), ingestion.watching(), indexes_kept:
        await run_worker(queue, concurrency=at_once + 1, rescue=look_after)


def parser_limits(limits: Limits) -> ParserLimits:
    """The operator's limits as the parser wants them."""
    return ParserLimits(
        file_bytes=limits.max_upload_bytes,
        pages=limits.max_pages,
        characters=limits.max_characters,
        memory_bytes=limits.parse_memory_bytes,
        cpu_seconds=limits.parse_cpu_seconds,
    )
