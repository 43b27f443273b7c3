"""A document that its owner cancels while it is read stays cancelled, however its job ends."""

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiconvokit.files import attachment_queries
from aiconvokit.files.worker import MAX_ATTEMPTS
from aiconvokit.llm.errors import ModelError
from aiconvokit.services import Services
from ingestion.pipeline import AT_ONCE
from support.reading import Listening, collection, owner, read, row, upload, with_embedder

CONTENT = b"\n".join(
    b"Line %d of a contract about anvils and rockets." % one for one in range(9_000)
)
"""More than one batch of passages: the first is staged when the second is embedded."""


class Cancelling(Listening):
    """An embedder during whose work the document is cancelled; then it fails, or it does not."""

    def __init__(self, services: Services, error: ModelError | None, at: int) -> None:
        super().__init__(services.embedder)
        self._services, self._error, self._at = services, error, at

    @override
    async def before(self, number: int) -> None:
        if number == self._at:
            async with self._services.sessions.begin() as session:
                ids = (await session.scalars(text("SELECT id FROM document"))).all()
                await attachment_queries.cancel(session, ids)
            if self._error:
                raise self._error


@pytest.fixture
async def document(services: Services) -> int:
    ann = await owner(services, "ann")
    (made,) = await upload(services, ann, await collection(services, ann), {"a.txt": CONTENT})
    return made


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize(
    "error",
    [
        None,
        ModelError("No more for now.", code="embedder_rate_limited"),
        ModelError("Too long.", code="input_too_long"),
    ],
    ids=["none", "waits", "hopeless"],
)
async def test_a_cancelled_document_stays_so(
    services: Services, document: int, error: ModelError | None, at: int
) -> None:
    embedder = Cancelling(services, error, at)
    await read(with_embedder(services, embedder), document)
    calls = len(embedder.requests)
    assert at <= calls < at + AT_ONCE  # nothing but what was under way beside it
    told = "SELECT status, error_code, ready_version FROM document"
    assert await row(services, told) == ("failed", "cancelled", None)
    left = "SELECT (SELECT count(*) FROM chunk_stage), (SELECT count(*) FROM chunk)"
    assert await row(services, left) == (0, 0)
    assert await row(services, "SELECT count(*) FROM procrastinate_jobs") == (1,)  # the upload's
    # That one comes later, and finds nothing to do; nor does it say that it died of it.
    for attempts in (0, MAX_ATTEMPTS):
        await read(with_embedder(services, embedder), document, attempts=attempts)
    assert len(embedder.requests) == calls
    assert await row(services, told) == ("failed", "cancelled", None)


async def test_what_is_searchable_is_not_cancelled(services: Services, document: int) -> None:
    await read(services, document)
    async with services.sessions.begin() as session:
        await attachment_queries.cancel(session, [document])
    assert await row(services, "SELECT status FROM document") == ("ready",)
