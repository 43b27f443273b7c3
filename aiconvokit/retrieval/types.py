"""What flows through a search: candidates out of SQL, passages out of the search."""

from dataclasses import dataclass
from typing import NamedTuple

from ingestion.tables import EmbeddingSpace


class Candidate(NamedTuple):
    """One row of the hybrid SQL statement: a chunk that at least one leg found.

    `dense` is the cosine similarity to the question, `lexical` the BM25 score (0: none of its words
    occur), `number_density` 0..1 the share of numbers among its words, doubled and capped (0 unless
    the question asks for figures). A search makes 200 of them: a tuple is made fastest.
    """

    chunk_id: int
    document_id: int
    dense: float
    lexical: float
    number_density: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of one page, `page_text[start:end]`, as a search returns it (best first).

    `score` is the fused score in 0..1, comparable within one search only; `dense` is a cosine of
    the embedding space and `lexical` a BM25 score.
    """

    chunk_id: int
    document_id: int
    version: int
    filename: str
    page: int
    page_label: str | None
    heading: str
    start: int
    end: int
    text: str
    page_text: str
    score: float
    dense: float
    lexical: float


class Found(NamedTuple):
    """What a search came to: passages, best first, and the space it was made in (None: none)."""

    passages: list[Passage]
    space: EmbeddingSpace | None
