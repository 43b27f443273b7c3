"""The worker's side of an upload: the task that makes a document searchable."""

import logging

import procrastinate
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from aiconvokit.config import Limits
from aiconvokit.files import expiry, language_change, queries
from aiconvokit.files.documents import INGEST_TASK, queue_ingestion
from aiconvokit.files.postponed import Pause, postpone
from aiconvokit.jobs import create_queue, run_worker
from aiconvokit.llm.errors import ModelError
from aiconvokit.services import Services
from ingestion import store
from ingestion.errors import IngestionError
from ingestion.parse.limits import Limits as ParserLimits
from ingestion.parse.sandbox import Sandbox
from ingestion.pipeline import Pipeline
from ingestion.store import Target

RETRY_SECONDS = (2, 10, 30, 60)
"""Waits between tries of what may pass: a crashed parser, an embedder that is away."""
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1
"""Also counts workers that died at it: a file that kills every worker must not do so for ever."""

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
            return None  # cancelled by a shutdown: `requeue_lost` takes it up, no attempt is burned
        pause = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS) - 1)]
        asked = getattr(exception, "retry_after", None) or 0
        return RetryDecision(retry_in={"seconds": max(pause, int(asked) + 1)})


class Ingestion:
    """Runs ingestion jobs with one sandbox and one pipeline."""

    def __init__(self, services: Services, children: int) -> None:
        self._services = services
        sandbox = Sandbox(parser_limits(services.settings.limits), children=children)
        self._pipeline = Pipeline(services.owner_sessions, sandbox, services.embedder)
        self._pause = Pause()

    def register(self, queue: procrastinate.App) -> None:
        """Make the task known to a queue, so that its worker can run it."""
        queue.task(name=INGEST_TASK, retry=Backoff(), pass_context=True)(self.run)

    async def run(self, context: JobContext, document_id: int, burned: int = 0) -> None:
        """One try at a document's newest version; `burned` tries were made by jobs before."""
        sessions = self._services.owner_sessions
        async with sessions.begin() as session:
            target = await store.begin(session, document_id)
            file = await queries.file_by_id(session, target.file_id) if target else None
        if target is None or file is None:
            return
        burned += context.job.attempts
        if burned >= MAX_ATTEMPTS:
            await self._give_up(target, "worker_died", "The worker died each time it read this.")
            return
        if self._pause.left_seconds:
            await self._postpone(target, burned)
            return
        try:
            await self._pipeline.ingest(target, await self._services.storage.get(file.sha256))
        except FileNotFoundError:
            await self._give_up(target, "file_missing", "The file's bytes are not in storage.")
        except (ModelError, IngestionError) as error:
            await self._judge(target, error, burned)
        except Exception as error:
            is_orphan = isinstance(error, ForeignKeyViolation | IntegrityError)
            if is_orphan and not await self._is_there(target):
                logger.info("Document %s was deleted while it was read", document_id)
                return
            if burned + 1 < MAX_ATTEMPTS:
                raise
            logger.exception("Document %s", document_id)
            await self._give_up(target, "internal_error", "Internal server error.")

    async def _judge(self, target: Target, error: ModelError | IngestionError, burned: int) -> None:
        """Wait, give up, or raise to be tried again."""
        if isinstance(error, ModelError) and self._pause.begin(error):
            await self._postpone(target, burned)
        elif error.code in HOPELESS or burned + 1 >= MAX_ATTEMPTS:
            await self._give_up(target, error.code, error.detail)
        else:
            raise error

    async def _postpone(self, target: Target, burned: int) -> None:
        logger.info("Document %s waits for the embedder", target.document_id)
        async with self._services.owner_sessions.begin() as session:
            if await store.is_wanted(session, target):
                await postpone(self._services.queue, session, target, self._pause, burned)

    async def _is_there(self, target: Target) -> bool:
        async with self._services.owner_sessions.begin() as session:
            return bool(await queries.hold_documents(session, [target.document_id]))

    async def _give_up(self, target: Target, code: str, detail: str) -> None:
        logger.warning("Document %s failed for good: %s", target.document_id, code)
        async with self._services.owner_sessions.begin() as session:
            await store.fail(session, target, code, detail)


async def work(services: Services, concurrency: int) -> None:
    """Read up to `concurrency` documents at once until cancelled; what is in work is requeued."""
    limit = services.settings.limits.worker_pool_size
    # A queue of its own: a task can be registered once, and a worker may start again.
    queue = create_queue(services.database_url, pool_size=limit)
    Ingestion(services, concurrency).register(queue)
    language_change.register(queue, services)
    async with queue.open_async():
        await run_worker(
            queue,
            concurrency=concurrency,
            rescue=lambda: _look_after(services),
        )


async def _look_after(services: Services) -> None:
    """What is to be done now and then, whatever the jobs are."""
    await requeue_lost(services)
    await expiry.sweep(services)


async def requeue_lost(services: Services) -> None:
    """Queue documents that wait for a job which is not there: their worker was stopped mid-way."""
    async with services.owner_sessions.begin() as session:
        lost = await queries.documents_without_job(session)
        await queue_ingestion(services, session, *lost)
    for document_id in lost:
        logger.info("Document %s is taken up again", document_id)


def parser_limits(limits: Limits) -> ParserLimits:
    """The operator's limits as the parser wants them."""
    return ParserLimits(
        file_bytes=limits.max_upload_bytes,
        pages=limits.max_pages,
        characters=limits.max_characters,
        memory_bytes=limits.parse_memory_bytes,
        cpu_seconds=limits.parse_cpu_seconds,
    )
