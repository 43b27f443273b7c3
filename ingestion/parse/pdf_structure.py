"""What pypdf knows of a PDF: outline, page labels, title; and its text where PDFium gives up.

pypdf raises nearly everything on bad files (its own errors, KeyError, TypeError, RecursionError,
AssertionError, zlib.error ...), so this module alone catches `Exception`: whatever fails is left
out, and the document goes without it.
"""

import io
import logging
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any

from pypdf import PdfReader
from pypdf.generic import Destination

from ingestion.documents import OutlineEntry
from ingestion.load import scrub
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown, check_characters, check_pages

MAX_ENTRY_CHARS = 200
"""Of a bookmark's title; longer ones hold whole paragraphs."""

MAX_LABEL_CHARS = 40

logger = logging.getLogger(__name__)
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every oddity of every file


@dataclass(frozen=True, slots=True)
class Structure:
    """What a PDF says of itself; empty where it says nothing or cannot be read."""

    title: str = ""
    labels: tuple[str | None, ...] = ()
    outline: tuple[OutlineEntry, ...] = ()


class _TimeIsUp(BaseException):
    """Raised inside pypdf; no Exception, since pypdf catches those itself."""


def read(data: bytes, limits: Limits, password: str | None) -> Structure:
    """Read the structure of a PDF, as much of it as is readable in `limits.structure_seconds`."""
    title, labels, outline = "", list[str | None](), list[OutlineEntry]()
    try:
        with _cpu_seconds(limits.structure_seconds):
            reader = PdfReader(io.BytesIO(data), password=password)
            title = _title(reader)
            labels = _labels(reader)
            outline = list(islice(_outline(reader), limits.outline_entries))
    except (_TimeIsUp, Exception) as error:  # noqa: BLE001 - see the module's docstring
        logger.debug("PDF structure left out: %r", error)
    return Structure(title, tuple(labels), tuple(outline))


def read_texts(
    data: bytes, limits: Limits, known: PagesKnown, password: str | None
) -> list[str] | None:
    """Raw texts of all pages; None when pypdf cannot open the file either.

    Raises:
        DocumentTooComplex: a limit was hit.
    """
    reader = _open(data, password)
    if reader is None:
        return None
    pages = len(reader.pages)
    check_pages(pages, limits)
    known(pages)
    return [text for _, text in _texts(reader, range(pages), limits)]


def read_pages(
    data: bytes, indexes: Sequence[int], limits: Limits, password: str | None
) -> dict[int, str]:
    """Raw texts of some pages, by index from 0.

    Raises:
        DocumentTooComplex: a limit was hit.
    """
    reader = _open(data, password) if indexes else None
    return dict(_texts(reader, indexes, limits)) if reader is not None else {}


def _open(data: bytes, password: str | None) -> PdfReader | None:
    """A reader that can at least count its pages (a locked or broken file cannot)."""
    try:
        reader = PdfReader(io.BytesIO(data), password=password)
        return reader if len(reader.pages) > 0 else None
    except Exception:  # noqa: BLE001 - see the module's docstring
        return None


def _texts(reader: PdfReader, indexes: Iterable[int], limits: Limits) -> Iterator[tuple[int, str]]:
    characters = 0
    for index in indexes:
        try:
            text = reader.pages[index].extract_text()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - see the module's docstring
            text = ""
        characters += len(text)
        check_characters(characters, limits)
        yield index, text


def _title(reader: PdfReader) -> str:
    title = reader.metadata.title if reader.metadata else None
    return _line(str(title or ""))


def _labels(reader: PdfReader) -> list[str | None]:
    """The printed page numbers, where the file declares them; pypdf would make up "1", "2" ..."""
    if "/PageLabels" not in reader.root_object:
        return []
    return [_line(label)[:MAX_LABEL_CHARS] or None for label in reader.page_labels]


def _outline(reader: PdfReader) -> Iterator[OutlineEntry]:
    """Bookmarks in order; those without a title or a page are left out."""
    open_lists: list[tuple[int, Iterator[Any]]] = [(1, iter(reader.outline))]
    while open_lists:
        level, entries = open_lists[-1]
        entry = next(entries, None)
        if entry is None:
            open_lists.pop()
        elif isinstance(entry, Destination):
            title = _line(str(entry.title or ""))[:MAX_ENTRY_CHARS]
            page = reader.get_destination_page_number(entry)
            if title and page is not None and page >= 0:
                yield OutlineEntry(level, title, page + 1)
        else:
            open_lists.append((level + 1, iter(entry)))


def _line(text: str) -> str:
    return " ".join(scrub(text).split())


@contextmanager
def _cpu_seconds(seconds: float) -> Iterator[None]:
    """Interrupt the body after so much CPU; needs the main thread, which a child gives it."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
