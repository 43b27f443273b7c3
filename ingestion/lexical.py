"""The words of a text as the lexical leg sees them; index and question go through the same door."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from ingestion.language import UNSEGMENTED_RUN

_FISCAL_YEAR = re.compile(r"\bFY\s?['\u2019]?((?:19|20)?\d{2})\b", re.IGNORECASE)
_QUARTER_FIRST = re.compile(
    r"\bQ([1-4])\s?(?:of\s)?(?:FY\s?)?['\u2019]?((?:19|20)\d{2})\b", re.IGNORECASE
)
_QUARTER_LAST = re.compile(r"\b([1-4])Q\s?['\u2019]?((?:19|20)?\d{2})\b", re.IGNORECASE)

# Forms of width, ligatures and Kangxi radicals, as PDFs have them: the same letters for a reader.
# No more than that: elsewhere NFKC makes "AcmeTM" of a trade mark and "assets1" of a footnote.
_FORMS = re.compile("[\u2f00-\u2fdf\ufb00-\ufb06\uff01-\uff9f]+")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")

_ASTRAL = 0x10000
"""Combining marks beyond it belong to scripts of no living language."""
MARKS = "".join(
    chr(point) for point in range(_ASTRAL) if unicodedata.category(chr(point)).startswith("M")
)
"""Vowel signs, tones and accents that stand on the letter before them; for a character class."""
# Postgres drops a mark that begins a word, so a letter and its marks must stay together.
_CLUSTER = re.compile(f"[^\\W_][{re.escape(MARKS)}]*")


def lexical_text(text: str) -> str:
    """A text with the words added that a search engine needs and the text does not spell out.

    Plain years and quarters for FY17, Q2 FY2024 and 2Q23; every pair of neighbours for scripts
    without spaces between words (Chinese, Japanese, Thai …), which stand for their words. Letters
    and digits are those that people type, whatever form the text has them in.
    """
    text = _plain(text)
    return paired(" ".join([text, *dict.fromkeys(_periods(text))]))


def paired(text: str) -> str:
    """A text with pairs of neighbouring letters in the place of words that stand without spaces."""
    return UNSEGMENTED_RUN.sub(lambda run: f" {' '.join(_pairs(run.group()))} ", text)


def _plain(text: str) -> str:
    """One form for each letter, and ASCII digits."""
    text = unicodedata.normalize("NFC", text)
    text = _FORMS.sub(lambda run: unicodedata.normalize("NFKC", run.group()), text)
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), text)


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
    letters = _CLUSTER.findall(run)
    return [first + second for first, second in pairwise(letters)] or letters
