"""Passages and sources as a search would hand them over, with a whole page each."""

from dataclasses import replace
from typing import Any

from aiconvokit.chat.proof import Source
from aiconvokit.retrieval.types import Passage

_PASSAGE = Passage(
    chunk_id=1,
    document_id=1,
    version=1,
    filename="a.pdf",
    page=1,
    page_label=None,
    heading="",
    start=0,
    end=0,
    text="",
    page_text="",
    tokens=None,
    score=1.0,
    dense=0.9,
    lexical=0.0,
)


def passage(text: str = "a", /, **changes: Any) -> Passage:
    """A passage that is all of its page; `changes` are fields of it."""
    return replace(_PASSAGE, **{"text": text, "page_text": text, "end": len(text), **changes})


def source(index: int, page: str, /, **changes: Any) -> Source:
    """Passage number `index` of a prompt, from a document of its own."""
    own = {"chunk_id": index, "document_id": index, **changes}
    return Source(index, passage(page, **own), page)
