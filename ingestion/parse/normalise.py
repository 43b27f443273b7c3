"""Page text as it is stored: cleaned here once and never again, since citations point into it."""

import re
from collections.abc import Iterable

from ingestion.load import scrub

LINE_END_HYPHEN = "\ufffe"
"""What PDFium writes where a line ended in a hyphen; it has joined the two lines already."""

_LINE_BREAKS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f]")
_INVISIBLE = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\uffff]")
_SOFT_BREAK = re.compile(r"\u00ad\s*\n\s*")
_BROKEN_WORD = re.compile(rf"(\w{{1,40}}){LINE_END_HYPHEN}(\w{{1,40}})")  # unbounded is quadratic
_WORD = re.compile(r"\w+")
_SYMBOL_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf06f": "o"})
"""Bullets of the fonts Symbol and Wingdings, which have no Unicode of their own."""


def clean_pages(pages: Iterable[str]) -> list[str]:
    """Page texts with plain line breaks and spaces, nothing invisible, and broken words mended.

    Ligatures and full-width forms stay as they are: a quote is what stands on the page.
    """
    return _join_broken_words([_clean(page) for page in pages])


def clean_text(text: str) -> str:
    """The same for a text by itself, which no other page helps to mend."""
    return _clean(text).replace(LINE_END_HYPHEN, "")


def _clean(text: str) -> str:
    text = _LINE_BREAKS.sub("\n", scrub(text))
    text = _SOFT_BREAK.sub(LINE_END_HYPHEN, text)
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text)).translate(_SYMBOL_BULLETS)
    return "\n".join(line.rstrip(" \t") for line in text.split("\n")).strip("\n")


def _join_broken_words(pages: list[str]) -> list[str]:
    """Resolve every `LINE_END_HYPHEN`.

    A break inside a word goes when the document writes that word elsewhere in one piece, and is a
    hyphen otherwise ("non-GAAP", "third-party").
    """
    if not any(LINE_END_HYPHEN in page for page in pages):
        return pages
    words = {word.lower() for page in pages for word in _WORD.findall(page)}

    def mend(match: re.Match[str]) -> str:
        left, right = match.groups()
        return left + right if (left + right).lower() in words else f"{left}-{right}"

    return [_BROKEN_WORD.sub(mend, page).replace(LINE_END_HYPHEN, "-") for page in pages]
