"""The words of a text as the lexical leg sees them; index and question go through the same door."""

import re
from collections.abc import Iterator

from ingestion.language import UNSEGMENTED_RUN

_FISCAL_YEAR = re.compile(r"\bFY\s?['\u2019]?((?:19|20)?\d{2})\b", re.IGNORECASE)
_QUARTER_FIRST = re.compile(
    r"\bQ([1-4])\s?(?:of\s)?(?:FY\s?)?['\u2019]?((?:19|20)\d{2})\b", re.IGNORECASE
)
_QUARTER_LAST = re.compile(r"\b([1-4])Q\s?['\u2019]?((?:19|20)?\d{2})\b", re.IGNORECASE)


def lexical_text(text: str) -> str:
    """A text with the words added that a search engine needs and the text does not spell out.

    Plain years and quarters for FY17, Q2 FY2024 and 2Q23; every pair of neighbours for scripts
    without spaces between words (Chinese, Japanese, Thai …), which stand for their words.
    """
    text = " ".join([text, *dict.fromkeys(_periods(text))])
    return UNSEGMENTED_RUN.sub(lambda run: f" {' '.join(_pairs(run.group()))} ", text)


def _periods(text: str) -> Iterator[str]:
    for match in _FISCAL_YEAR.finditer(text):
        yield _full_year(match[1])
    for pattern in (_QUARTER_FIRST, _QUARTER_LAST):
        for match in pattern.finditer(text):
            yield f"q{match[1]}"
            yield _full_year(match[2])


def _full_year(digits: str) -> str:
    """Nobody's fiscal year is of the last century when it is written in two digits."""
    return digits if len(digits) == 4 else f"20{digits}"


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
