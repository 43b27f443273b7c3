"""Vectors that bring texts with the same words together."""

import math
import re
from hashlib import blake2b


def bag_of_words(text: str, dimensions: int) -> list[float]:
    """Unit vector: every word adds its own direction, the same in every process."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or ["(nothing)"]:
        digest = blake2b(word.encode(), digest_size=8).digest()
        place = int.from_bytes(digest[:4], "big") % dimensions
        vector[place] += 1.0 if digest[4] & 1 else -1.0
    norm = math.hypot(*vector)
    if norm == 0:  # its words cancelled out
        return [1.0] + [0.0] * (dimensions - 1)
    return [component / norm for component in vector]
