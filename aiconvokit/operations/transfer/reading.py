"""A document's pages and passages, as another server read them, are made searchable on this one.

Nothing is parsed again: what answers cite stays as it was to the letter, also where this server
would read the file otherwise, cannot open it, or has it in a newer version only. Vectors are made
anew, by this server's own model.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from aiconvokit.operations.transfer.records import Document, Page, Passage
from aiconvokit.services import Services
from ingestion import store
from ingestion.documents import Chunk, ParsedDocument
from ingestion.documents import Page as StoredPage
from ingestion.parse.sandbox import Sandbox
from ingestion.parse.wire import Parsed
from ingestion.pipeline import Pipeline


class _ReadBefore:
    """In the place of a sandbox: gives what was read elsewhere."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed

    async def parse(self, *_: object, **__: object) -> Parsed:
        """Whatever the file is."""
        return self._parsed


async def make_searchable(
    services: Services,
    document_id: int,
    one: Document,
    pages: Sequence[Page],
    passages: Sequence[Passage],
) -> bool:
    """Embed the passages of a document whose row is there, and put it in.

    Returns:
        False: it was changed or deleted meanwhile, or told why it is not searchable.

    Raises:
        IngestionError, ModelError: the embedder is away; what was embedded stays for the next try.
    """
    parsed = Parsed(
        ParsedDocument(one.media_type, "", tuple(_pages(pages))),
        _chunks({page.number: page.text for page in pages}, passages),
    )
    async with services.owner_sessions.begin() as session:
        target = await store.begin(session, document_id)
    if target is None:
        return False
    sandbox = cast("Sandbox", _ReadBefore(parsed))
    return await Pipeline(services.owner_sessions, sandbox, services.embedders).ingest(target, b"")


def _pages(pages: Sequence[Page]) -> list[StoredPage]:
    return [StoredPage(page.number, page.label, page.text) for page in pages]


def _chunks(texts: Mapping[int, str], passages: Sequence[Passage]) -> list[Chunk]:
    return [
        Chunk(
            ordinal=one.ordinal,
            page=one.page,
            start=one.start,
            end=one.end,
            text=texts[one.page][one.start : one.end],
            heading=one.heading,
            context=one.context,
            number_density=one.number_density,
            tokens=one.tokens,
        )
        for one in passages
    ]
