"""Words on pages that are pictures, recognised in killable children: the parent's side."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from ingestion.errors import DocumentRejected, ParserCrashed
from ingestion.parse import wire
from ingestion.parse.children import ask_child, spawned
from ingestion.parse.limits import MB, Limits

MOST_PAGES = 300
"""Of a document: 40 minutes of one core; what is on further pages is left out."""

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
    data: bytes, media_type: str, pages: Sequence[int], limits: Limits, password: str | None
) -> dict[int, str]:
    """The words on some pages, by page; "" where there are none or the page could not be read.

    A page after the other, each in a child of its own. Cancelling kills it at once.
    """
    bounds = replace(
        limits,
        memory_bytes=MEMORY_BYTES,
        cpu_seconds=CPU_SECONDS,
        wall_seconds=WALL_SECONDS,
        wall_seconds_per_page=0.0,
        answer_bytes=ANSWER_BYTES,
    )
    found = dict.fromkeys(pages, "")
    failed = len(pages[MOST_PAGES:])
    for index, page in enumerate(pages[:MOST_PAGES], 1):
        request = wire.Recognise(media_type, page, len(data), bounds, password)
        try:
            answer = await ask_child(_CHILD, wire.encode(request), data, bounds)
        except (DocumentRejected, ParserCrashed) as error:
            logger.debug("Page %s: %s", page, error)
            failed += 1
        else:
            found[page] = answer.text if isinstance(answer, wire.Recognised) else ""
        if index % REPORT_EVERY == 0:
            logger.info("Words were recognised on %s of %s pages", index, len(pages))
    if failed:
        logger.warning("%s of %s pictures of pages could not be read", failed, len(pages))
    return found
