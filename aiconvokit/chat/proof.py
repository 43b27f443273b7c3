"""What a proven answer is made of."""

from dataclasses import dataclass

from aiconvokit.retrieval.types import Passage


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as it stood in the prompt: its number there (from 1) and its page's whole text."""

    index: int
    passage: Passage
    page_text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and its place: `quote == page_text[start:end]` of the passage's page, always.

    `index` is the number of its mark in the answer: 1 to k in order of appearance.
    """

    index: int
    passage: Passage
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the answer, `output[start:end]`, without its marks.

    `citations` holds the indices of what supports it. A claim that nothing supports has none, and
    a `reason`: "no_match", "number_mismatch", "negation_mismatch", "too_short" or "not_a_claim".
    The reason of a supported one is None, or "similarity": answer and document are in different
    languages, and its numbers, its names and the embeddings speak for it.
    """

    start: int
    end: int
    supported: bool
    reason: str | None
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attributed:
    """An answer with our marks in it, what they point at, and what became of each claim."""

    output: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
