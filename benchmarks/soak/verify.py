"""Whether a database holds what a folder's files say: neither less nor more, and in one space."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import dict_row

from benchmarks.turns.vectors import embed
from ingestion.chunk import chunk_document
from ingestion.documents import Chunk
from ingestion.errors import IngestionError
from ingestion.load import sniff
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse

NEAR = 1e-3
"""Halves have eleven bits: a unit vector's numbers are off by less than that."""

_PASSAGES = """
SELECT c.ordinal, c.page, c.start_offset, c.end_offset, c.content, c.context, v.embedding
FROM document d JOIN chunk c ON c.collection_id = d.collection_id AND c.document_id = d.id
LEFT JOIN {vectors} v ON v.collection_id = c.collection_id AND v.chunk_id = c.id
WHERE d.id = %s ORDER BY c.ordinal
"""

_SUMS = """
SELECT (SELECT count(*) FROM chunk) AS chunks, (SELECT chunk_count FROM collection) AS counted,
       (SELECT count(*) FROM chunk_stage) AS staged, (SELECT count(*) FROM {vectors}) AS vectors,
       (SELECT count(*) FROM bm25) AS weighed
"""


def differences(url: str, folder: Path, paths: Sequence[Path], model: str) -> Iterator[str]:
    """Each thing that is not as the files and the model say, in a sentence.

    Args:
        url: of the database; it holds this folder and nothing else.
        folder: where the names of documents begin.
        paths: the files.
        model: that all passages must be embedded with.
    """
    with psycopg.connect(url, row_factory=dict_row) as connection:
        register_vector(connection)
        spaces = connection.execute("SELECT id, model FROM embedding_space").fetchall()
        used = connection.execute("SELECT space_id FROM collection").fetchall()
        space = next((one["id"] for one in spaces if one["model"] == model), None)
        if [one["space_id"] for one in used] != [space]:
            yield f"the collection's space is {used}, and {model} is {space}"
            return
        rows = connection.execute("SELECT id, filename, status FROM document").fetchall()
        known = {row["filename"]: row for row in rows}
        names = {path.relative_to(folder).as_posix(): path for path in paths}
        yield from (f"{name} is no file" for name in known.keys() - names.keys())
        total = 0
        for name, path in names.items():
            wanted = _wanted(path)
            total += len(wanted)
            yield from _differs(connection, f"vec_{space}", name, known.get(name), wanted)
        counted = connection.execute(_SUMS.format(vectors=f"vec_{space:d}").encode()).fetchone()
        must = {"chunks": total, "counted": total, "staged": 0, "vectors": total, "weighed": total}
        if counted != must:
            yield f"there are {counted}, and should be {must}"


def _wanted(path: Path) -> list[Chunk]:
    """The passages of a file; none when it cannot be read."""
    data = path.read_bytes()
    try:
        media_type = sniff(path.name, data)
        return chunk_document(parse(data, media_type, path.name, Limits()))
    except IngestionError:
        return []


def _differs(
    connection: psycopg.Connection[dict[str, Any]],
    vectors: str,
    name: str,
    document: dict[str, Any] | None,
    wanted: Sequence[Chunk],
) -> Iterator[str]:
    status = document and document["status"]
    if document is None or status != ("ready" if wanted else "failed"):
        yield f"{name} is {status} and has {len(wanted)} passages"
        return
    found = connection.execute(
        _PASSAGES.format(vectors=vectors).encode(), [document["id"]]
    ).fetchall()
    if len(found) != len(wanted):
        yield f"{name} has {len(found)} passages instead of {len(wanted)}"
        return
    for row, chunk in zip(found, wanted, strict=True):
        place = (row["ordinal"], row["page"], row["start_offset"], row["end_offset"])
        if place != (chunk.ordinal, chunk.page, chunk.start, chunk.end):
            yield f"{name}: passage {chunk.ordinal} stands at {place}"
        elif (row["content"], row["context"]) != (chunk.text, chunk.context):
            yield f"{name}: passage {chunk.ordinal} says something else"
        elif row["embedding"] is None:
            yield f"{name}: passage {chunk.ordinal} has no vector"
        else:
            off = np.abs(row["embedding"].to_numpy() - embed(chunk.embedded_text)).max()
            if off > NEAR:
                yield f"{name}: passage {chunk.ordinal} has the vector of another text"
