"""What flows through a search: candidates out of SQL, passages out of the search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt


class Searchable(Protocol):
    """What a search needs of a collection; a row of its table has it, too."""

    @property
    def id(self) -> int: ...

    @property
    def space_id(self) -> int | None: ...

    @property
    def language(self) -> str | None: ...

    @property
    def chunk_count(self) -> int: ...

    @property
    def indexed_space_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class SearchedCollection:
    """A collection as a search needs it: a mapped row costs more to make and to read.

    Statements that read them select the fields in this order.
    """

    id: int
    space_id: int | None
    language: str | None
    chunk_count: int
    indexed_space_id: int | None


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space; `cosine_sd` is its cosines' own spread, None until it is measured."""

    id: int
    provider: str
    model: str
    dim: int
    cosine_sd: float | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The chunks that at least one leg found, in any order; columns of equal length.

    `dense` is the cosine similarity to the question, `lexical` the BM25 score (0: none of its words
    occur), `number_density` 0..1 the share of numbers among its words, doubled and capped (0 unless
    the question asks for figures). A search has 200 to 300 of them.
    """

    chunk_ids: npt.NDArray[np.int64]
    document_ids: npt.NDArray[np.int64]
    dense: npt.NDArray[np.float64]
    lexical: npt.NDArray[np.float64]
    number_density: npt.NDArray[np.float64]

    @classmethod
    def of(cls, columns: Sequence[Sequence[float]]) -> "Candidates":
        """Of five lists in the order of the fields."""
        chunk_ids, document_ids = (np.array(one, dtype=np.int64) for one in columns[:2])
        dense, lexical, density = (np.array(one, dtype=np.float64) for one in columns[2:])
        # A space that was forgotten since the collection was read has no cosines to tell.
        dense = np.nan_to_num(dense, copy=False)
        return cls(chunk_ids, document_ids, dense, lexical, density)


class Ranked(NamedTuple):
    """A candidate in its place; `score` is the fused one in 0..1."""

    chunk_id: int
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of one page, `page_text[start:end]`, as a search returns it (best first).

    `tokens` are o200k_base's (None: the version that read it did not keep them). `score` is the
    fused score in 0..1, comparable within one search only; `dense` is a cosine of the embedding
    space and `lexical` a BM25 score.
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
    tokens: int | None
    score: float
    dense: float
    lexical: float


class Found(NamedTuple):
    """What a search came to: passages, best first, and the space of each one's document (by id).

    Cosines (`Passage.dense`) of two spaces must never be compared; scores may be.
    """

    passages: list[Passage]
    spaces: Mapping[int, Space]

    @property
    def space(self) -> Space | None:
        """That of the best passage; None: nothing was found."""
        return self.spaces[self.passages[0].document_id] if self.passages else None
