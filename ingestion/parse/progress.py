"""What every parser owes its caller while it works."""

from collections.abc import Callable

from ingestion.errors import DocumentTooComplex
from ingestion.parse.limits import Limits

PagesKnown = Callable[[int], None]
"""Called once, with the number of pages, before the long work: the deadline depends on it. A format
without pages says how many its size would fill."""


def check_pages(pages: int, limits: Limits) -> None:
    """Raise `too_many_pages` past the limit."""
    if pages > limits.pages:
        raise DocumentTooComplex(
            f"The document has {pages:,} pages; at most {limits.pages:,} are read. Split it.",
            code="too_many_pages",
        )


def check_characters(characters: int, limits: Limits) -> None:
    """Raise `too_complex` past the limit."""
    if characters > limits.characters:
        raise DocumentTooComplex(
            f"The document holds more than {limits.characters:,} characters. Split it."
        )
