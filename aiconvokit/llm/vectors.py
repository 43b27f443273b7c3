"""Checks and means of vectors."""

import math
from collections.abc import Sequence

import numpy as np

from aiconvokit.llm.errors import BadEmbeddings
from ingestion.types import Vectors

_SMALLEST_NORM = 1e-6


def unit_rows(rows: Sequence[Sequence[float]] | Vectors, *, count: int) -> Vectors:
    """Check what an embedder answered and bring every row to unit length.

    Args:
        rows: one vector a text.
        count: how many texts were asked for.

    Returns:
        float32 of shape (count, dimensions).

    Raises:
        BadEmbeddings: another count, rows of unequal length, or a row that is zero or not finite.
    """
    if len(rows) != count:
        raise BadEmbeddings(f"The embedder gave {len(rows)} vectors for {count} texts.")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise BadEmbeddings(f"The embedder gave vectors of unequal dimensions: {sorted(lengths)}.")
    # double: a norm of large float32 components would overflow to infinity
    matrix = np.array(rows, dtype=np.float64).reshape(count, lengths.pop() if lengths else 0)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused below
        norms = np.sqrt(np.vecdot(matrix, matrix))
    told = norms.tolist()
    if not all(map(math.isfinite, told)):
        raise BadEmbeddings("The embedder gave a vector with a component that is not a number.")
    if min(told, default=1.0) < _SMALLEST_NORM:
        raise BadEmbeddings("The embedder gave a vector of length zero.")
    unit: Vectors = (matrix / norms[:, None]).astype(np.float32)
    return unit


def pooled(vectors: Vectors, owners: Sequence[int], weights: Sequence[int]) -> Vectors:
    """Weighted mean of the windows of each text, again of unit length.

    Args:
        vectors: one row a window.
        owners: the text each window belongs to, 0..n-1, ascending, each at least once.
        weights: how much each window counts (its length), at least 1.

    Returns:
        float32 of shape (n, dimensions).
    """
    count = owners[-1] + 1 if owners else 0
    if count == len(vectors):
        return vectors
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, list(owners), vectors * np.array(weights, dtype=np.float32)[:, None])
    return unit_rows(sums, count=count)
