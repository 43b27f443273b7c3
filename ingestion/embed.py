"""The Embedder protocol and how texts are put into batches."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from ingestion.types import Vectors


class Embedder(Protocol):
    """Turns texts into unit vectors of one embedding space.

    The space is (provider, model, dimensions): two models with equal dimensions are still two
    spaces. Both methods return float32 of shape (len(texts), dimensions) with rows of unit length,
    in the order of the texts, and raise an `EmbeddingFailed` when the answer cannot be trusted.
    """

    @property
    def provider(self) -> str:
        """Who computes: "local", or the host and port of an HTTP server."""
        ...

    @property
    def model(self) -> str:
        """The model's name as its provider spells it."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed what is to be found."""
        ...

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed what is asked; goes ahead of passages that wait."""
        ...

    async def close(self) -> None:
        """Release the child process or the connections."""
        ...


class Embedders(Protocol):
    """The embedder of every space that this installation can still embed for."""

    @property
    def configured(self) -> Embedder:
        """The one that new collections are embedded with."""
        ...

    async def of(self, provider: str, model: str) -> Embedder:
        """The embedder of a space.

        Raises:
            EmbeddingFailed: `embedding_model_changed`: the settings lead to no such model.
        """
        ...


def batches(sizes: Sequence[int], *, max_items: int, max_size: int) -> Iterator[range]:
    """Cut a list of texts into consecutive batches.

    Args:
        sizes: one size a text, in tokens.
        max_items: most texts in a batch.
        max_size: most tokens in a batch; a text larger than that stands alone.

    Yields:
        ranges of indices that together cover `sizes` in order.
    """
    start = total = 0
    for index, size in enumerate(sizes):
        full = index - start >= max_items or total + size > max_size
        if index > start and full:
            yield range(start, index)
            start, total = index, 0
        total += size
    if start < len(sizes):
        yield range(start, len(sizes))
