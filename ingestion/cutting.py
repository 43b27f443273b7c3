"""How an owner wants a document's passages to be cut."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cutting:
    """Passages of at most `most` tokens, each beginning with what `overlap` tokens before it say.

    Where there is none, passages are cut as `ingestion.chunk` thinks best.
    """

    most: int
    overlap: int


MOST, OVERLAP = "max_chunk_size_tokens", "chunk_overlap_tokens"
"""What the two are called where they are kept, and on the OpenAI wire."""


def kept(stored: Mapping[str, int] | None) -> Cutting | None:
    """The cutting of a document's row."""
    return Cutting(stored[MOST], stored[OVERLAP]) if stored else None
