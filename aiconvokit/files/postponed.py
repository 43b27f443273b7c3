"""Documents that wait for an embedder which will not serve us now; nothing is wrong with them."""

import asyncio
import time
from collections import defaultdict
from math import ceil

import procrastinate
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.feeding_queries import INGEST_TASK, tell_waiting, untell_waiting
from aiconvokit.jobs import enqueue
from aiconvokit.llm.errors import LONGEST_RETRY_AFTER_SECONDS, ModelError
from ingestion.embed import Embedder, Embedders
from ingestion.store import Target
from ingestion.tables import Document

REPAIR_SECONDS = 60
"""How often wrong settings are tried again; an operator repairs them, and restarts us."""
UNSAID_SECONDS = 10
"""What a 429 without Retry-After is worth."""
AWAY_SECONDS = 5
"""The first wait for a server that is away; each further one is twice as long."""
LONGEST_AWAY_SECONDS = 60
"""Once the server is back, nobody waits longer than that."""
PROBE_SECONDS = 30
"""A server that does not embed one word by then is away."""
TRIED_SECONDS = 120
"""After a wait somebody tries. As long the others are told what they were told before: taking it
back and saying it again would write all their rows twice for every wait."""

_AWAY = {"embedder_unreachable", "embedder_timeout", "embedder_unavailable"}
_REFUSING = {"embedder_misconfigured", "embedder_rate_limited"}

_WAITING_JOB = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo' AND lock = :lock)"
)

Model = tuple[str, str]
"""Provider and model of an embedder."""


class Pause:
    """While an embedder will not serve us, no document of its space is even parsed.

    Attributes:
        error: why, and what the owners of waiting documents are told; None: there is no pause.
    """

    def __init__(self) -> None:
        self.error: ModelError | None = None
        self._until = 0.0
        self._away_seconds = 0

    def begin(self, error: ModelError) -> bool:
        """Take note of an error; False when it is none that waiting mends."""
        if error.code in _AWAY:
            seconds = self._away()
        elif error.code == "embedder_misconfigured":
            seconds = REPAIR_SECONDS
        elif error.code == "embedder_rate_limited":
            asked = UNSAID_SECONDS if error.retry_after is None else ceil(error.retry_after)
            seconds = min(asked, LONGEST_RETRY_AFTER_SECONDS)
        else:
            return False
        self.error, self._until = error, time.monotonic() + seconds
        return True

    def _away(self) -> int:
        """Twice the wait before, but documents that fail together wait once."""
        if not self.left_seconds:
            doubled = max(AWAY_SECONDS, 2 * self._away_seconds)
            self._away_seconds = min(doubled, LONGEST_AWAY_SECONDS)
        return self._away_seconds or AWAY_SECONDS

    def end(self) -> None:
        """The embedder serves us."""
        self.error, self._until, self._away_seconds = None, 0.0, 0

    @property
    def left_seconds(self) -> int:
        """Whole seconds until the embedder may be asked again; 0: now."""
        return max(0, ceil(self._until - time.monotonic()))

    @property
    def is_told(self) -> bool:
        """Whether documents wait for it: until it has ended, or nobody tries any more."""
        return self.error is not None and time.monotonic() < self._until + TRIED_SECONDS


class Pauses:
    """The pause of each embedder that a worker uses."""

    def __init__(self, embedders: Embedders) -> None:
        self._embedders = embedders
        self._by_model: defaultdict[Model, Pause] = defaultdict(Pause)

    def of(self, target: Target) -> Pause:
        """That of a document's embedder."""
        return self._by_model[target.model or self._configured]

    async def is_waited_for(self, target: Target, error: ModelError) -> bool:
        """Whether an error is the embedder's and not the document's; its pause has begun then.

        A server that answers everybody else is not away, whatever it says to this document.
        """
        if error.code in _AWAY:
            told = await self._probe(target)
            return told is not None and self.of(target).begin(told)
        return error.code in _REFUSING and self.of(target).begin(error)

    async def tell(self, session: AsyncSession) -> None:
        """Tell the owners of all waiting documents why they wait, or let them wait no longer."""
        paused = {model: one for model, one in self._by_model.items() if one.is_told}
        for model, pause in paused.items():
            if pause.error is not None:
                told = (pause.error.code, pause.error.detail)
                is_configured = model == self._configured
                await tell_waiting(session, model, told, is_configured=is_configured)
        await untell_waiting(session, self._configured, list(paused))

    @property
    def _configured(self) -> Model:
        embedder = self._embedders.configured
        return (embedder.provider, embedder.model)

    async def _probe(self, target: Target) -> ModelError | None:
        """What one word comes to; None: it was embedded."""
        embedder: Embedder = self._embedders.configured
        if target.model is not None:
            embedder = await self._embedders.of(*target.model)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await embedder.embed_queries(["ready"])
        except ModelError as error:
            return error
        except TimeoutError:
            return ModelError(
                "The embedding model did not finish in time. Try again, or ask for less.",
                code="embedder_timeout",
            )
        return None


async def postpone(
    queue: procrastinate.App,
    session: AsyncSession,
    target: Target,
    error: ModelError | None,
    seconds: int,
    burned: int,
) -> None:
    """Queue a document once more, as a job of its own: the attempts of this one end with it.

    Args:
        queue: where to.
        session: the caller's transaction.
        target: the version that waits.
        error: why.
        seconds: how long.
        burned: attempts that count against it.
    """
    lock = f"document:{target.document_id}"
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
        after_seconds=max(1, seconds),
        document_id=target.document_id,
        burned=burned,
    )
