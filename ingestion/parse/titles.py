"""Which title a document gets."""

import re

from ingestion.load import scrub, title_of

MAX_TITLE_CHARS = 255

_EMPTY_WORDS = frozenset(
    {"copy", "document", "draft", "export", "file", "final", "index", "output", "page", "print"}
    | {"readme", "scan", "untitled"}
)
"""File names of nothing but these (and numbers) do not say what a document is about."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_MADE_BY_A_PROGRAM = re.compile(r"\.\w{2,4}$|^microsoft|^untitled|^print|^http", re.IGNORECASE)


def choose_title(filename: str, declared: str) -> str:
    """The file's name as a title, or what the file says of itself where its name says nothing.

    People name files by what is in them, and questions use those words. Declared titles are often
    a form's name or an accession number.
    """
    named = title_of(filename)
    if any(word.lower() not in _EMPTY_WORDS for word in _WORD.findall(named)):
        return named
    declared = " ".join(scrub(declared).split())[:MAX_TITLE_CHARS]
    usable = len(_WORD.findall(declared)) >= 2 and not _MADE_BY_A_PROGRAM.search(declared)
    return declared if usable else named
