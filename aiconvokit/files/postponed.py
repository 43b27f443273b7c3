"""Documents that wait for an embedder which will not serve us now; nothing is wrong with them."""

import time
from math import ceil

import procrastinate
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.documents import INGEST_TASK
from aiconvokit.jobs import enqueue
from aiconvokit.llm.errors import ModelError
from ingestion.store import Target
from ingestion.tables import Document

REPAIR_SECONDS = 60
"""How often wrong settings are tried again; an operator repairs them, and restarts us."""
UNSAID_SECONDS = 10
"""What a 429 without Retry-After is worth."""
LONGEST_SECONDS = 600
"""A Retry-After of a day is not believed: quotas are raised meanwhile."""

_WAITING_JOB = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo' AND lock = :lock)"
)


class Pause:
    """While the embedder will not serve us, no document is even parsed.

    Attributes:
        error: why, and what the owners of waiting documents are told.
    """

    def __init__(self) -> None:
        self.error: ModelError | None = None
        self._until = 0.0

    def begin(self, error: ModelError) -> bool:
        """Take note of an error; False when it is none that waiting mends."""
        if error.code == "embedder_misconfigured":
            seconds = REPAIR_SECONDS
        elif error.code == "embedder_rate_limited":
            asked = UNSAID_SECONDS if error.retry_after is None else ceil(error.retry_after)
            seconds = min(asked, LONGEST_SECONDS)
        else:
            return False
        self.error, self._until = error, time.monotonic() + seconds
        return True

    @property
    def left_seconds(self) -> int:
        """Whole seconds until the embedder may be asked again; 0: now."""
        return max(0, ceil(self._until - time.monotonic()))


async def postpone(
    queue: procrastinate.App, session: AsyncSession, target: Target, pause: Pause, burned: int
) -> None:
    """Queue a document once more, as a job of its own: the attempts of this one end with it.

    Args:
        queue: where to.
        session: the caller's transaction.
        target: the version that waits.
        pause: why, and how long.
        burned: attempts that count against it.
    """
    lock = f"document:{target.document_id}"
    error = pause.error
    await session.execute(
        update(Document)
        .where(Document.id == target.document_id, Document.version == target.version)
        .values(
            status="queued",
            error_code=error and error.code,
            error_detail=error and error.detail,
            updated_at=func.now(),
        )
    )
    if await session.scalar(_WAITING_JOB, {"lock": lock}):
        return  # its owner queued it again, or a dead worker's job came back
    await enqueue(
        queue,
        session,
        INGEST_TASK,
        key=lock,
        after_seconds=max(1, pause.left_seconds),
        document_id=target.document_id,
        burned=burned,
    )
