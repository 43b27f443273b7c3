"""Shapes of a search on the wire."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from aiconvokit.rest.fields import LongText
from aiconvokit.retrieval.types import Passage


class SearchQuery(Struct):
    query: LongText
    limit: Annotated[int, Meta(ge=1, le=50)] = 8
    filters: dict[str, Any] | None = None
    """Checked by `retrieval.filters`."""


class SearchResult(Struct):
    document_id: int
    filename: str
    page: int
    heading: str
    score: float
    text: str


class SearchResults(Struct):
    results: list[SearchResult]


def show_passage(passage: Passage) -> SearchResult:
    """A passage as the wire shows it."""
    return SearchResult(
        document_id=passage.document_id,
        filename=passage.filename,
        page=passage.page,
        heading=passage.heading,
        score=round(passage.score, 4),
        text=passage.text,
    )
