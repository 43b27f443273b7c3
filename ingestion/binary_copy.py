"""Rows as COPY wants them in binary.

They are packed here: a driver that looks up the type of each value of each row takes longer.
"""

import struct
from collections.abc import Iterable, Sequence

import numpy as np

from ingestion.types import Vectors

_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_COUNT = struct.Struct("!h")
_SIZE = struct.Struct("!i")
_INT2, _INT4, _INT8, _FLOAT8 = (struct.Struct(f"!{kind}").pack for kind in "hiqd")

int2, int4, int8, float8 = _INT2, _INT4, _INT8, _FLOAT8
"""A value as Postgres' type of that name."""


def halfvecs(vectors: Vectors) -> list[bytes]:
    """Each row of (n, dimensions) as pgvector's halfvec; out of range becomes infinite."""
    head = struct.pack("!hh", vectors.shape[1], 0)
    with np.errstate(over="ignore"):  # Postgres refuses it
        halves = vectors.astype(">f2")
    return [head + row.tobytes() for row in halves]


def packed(rows: Iterable[Sequence[bytes | None]]) -> bytes:
    """A whole COPY of rows whose values are packed; None is null."""
    parts = [_HEAD]
    for row in rows:
        parts.append(_COUNT.pack(len(row)))
        for value in row:
            if value is None:
                parts.append(_NULL)
            else:
                parts += (_SIZE.pack(len(value)), value)
    parts.append(_TAIL)
    return b"".join(parts)
