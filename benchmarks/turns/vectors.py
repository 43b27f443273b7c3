"""Embeddings that cost next to nothing: hashed words, the same for the fill and for the fake model.

Texts that share words are near each other, so that a search finds what a question was taken from.
"""

import re
import zlib
from collections import Counter
from functools import lru_cache

import numpy as np

from ingestion.types import Vectors

DIMENSIONS = 384
MODEL = "fake-embed"
_WORD = re.compile(r"[a-z0-9]+")


@lru_cache(maxsize=100_000)
def _places(word: str) -> tuple[int, float, int, float]:
    """Two dimensions with a sign each."""
    hashed = zlib.crc32(word.encode()) * 2_654_435_761
    first, second = hashed & 0xFFFF, hashed >> 16 & 0xFFFF
    return (
        first % DIMENSIONS,
        1.0 if hashed & 0x1_0000_0000 else -1.0,
        second % DIMENSIONS,
        1.0 if hashed & 0x2_0000_0000 else -1.0,
    )


def embed(text: str) -> Vectors:
    """The unit vector of a text, float32, shape (384,)."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    for word, count in Counter(_WORD.findall(text.lower())).items():
        first, sign, second, other = _places(word)
        weight = float(count) ** 0.5
        vector[first] += sign * weight
        vector[second] += other * weight
    length = float(np.sqrt(vector @ vector))
    if length == 0.0:
        vector[0] = length = 1.0
    return vector / np.float32(length)
