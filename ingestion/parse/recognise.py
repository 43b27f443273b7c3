"""Words on pages that are pictures, recognised in killable children: the parent's side."""

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from ingestion.errors import DocumentRejected, DocumentTooComplex, ParserCrashed
from ingestion.parse import wire
from ingestion.parse.children import ask_child, spawned
from ingestion.parse.limits import MB, Limits

MOST_PAGES = 300
"""Of a document: 40 minutes of one core."""

MEMORY_BYTES = 1_536 * MB
"""Address space: a dense page takes 1,000 MB of it, and 600 MB of memory."""

CPU_SECONDS = 20
"""Of a page: a dense one takes 9 s, loading the models included."""

WALL_SECONDS = 40.0
"""The same on a machine that does other things too."""

ANSWER_BYTES = 1 * MB
"""More than can be read on any page."""

REPORT_EVERY = 10
"""Pages between two lines in the log."""

_CHILD = spawned("ingestion.parse.recognition_child")

logger = logging.getLogger(__name__)


async def recognise_pages(
    data: bytes,
    media_type: str,
    pages: Sequence[int],
    limits: Limits,
    password: str | None,
    turn: AbstractAsyncContextManager[None],
) -> dict[int, str]:
    """The words on some pages, by page; "" where there are none or the page could not be read.

    A page after the other, each in a child of its own. Cancelling kills it at once.

    Args:
        data: the file.
        media_type: a PDF's, or a picture's.
        pages: their numbers, from 1.
        limits: what the file may cost otherwise; a page has bounds of its own.
        password: what opens the file where it needs one.
        turn: waited for before each page, so that a long scan keeps a short one waiting for a page
            only.

    Raises:
        DocumentTooComplex: `too_many_pages`; none was looked at.
    """
    if len(pages) > MOST_PAGES:
        raise DocumentTooComplex(
            f"The document has {len(pages):,} scanned pages; at most {MOST_PAGES:,} are "
            "recognised. Split it, or run text recognition (OCR) over it and upload the result.",
            code="too_many_pages",
        )
    bounds = replace(
        limits,
        memory_bytes=MEMORY_BYTES,
        cpu_seconds=CPU_SECONDS,
        wall_seconds=WALL_SECONDS,
        wall_seconds_per_page=0.0,
        answer_bytes=ANSWER_BYTES,
    )
    found = dict.fromkeys(pages, "")
    failed = 0
    for index, page in enumerate(pages, 1):
        request = wire.Recognise(media_type, page, len(data), bounds, password)
        try:
            async with turn:
                found[page] = await _words(data, request)
        except (DocumentRejected, ParserCrashed) as error:
            logger.debug("Page %s: %s", page, error)
            failed += 1
        if index % REPORT_EVERY == 0:
            logger.info("Words were recognised on %s of %s pages", index, len(pages))
    if failed:
        logger.warning("%s of %s pictures of pages could not be read", failed, len(pages))
    return found


async def _words(data: bytes, request: wire.Recognise) -> str:
    answer = await ask_child(_CHILD, wire.encode(request), data, request.limits)
    if not isinstance(answer, wire.Recognised):
        raise ParserCrashed("The recogniser answered something else.")
    return answer.text
