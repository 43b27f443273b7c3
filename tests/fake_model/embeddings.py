"""Embedding answers, well or badly."""

import math
from typing import Any

from fake_model.connection import Connection
from fake_model.modes import Mode, error
from fake_model.quirks import extra_input
from fake_model.vectors import bag_of_words

DEFAULT_TOO_LARGE = 200
DEFAULT_CUT = 400


async def answer_embeddings(
    connection: Connection, body: dict[str, Any], dimensions: int, mode: Mode
) -> None:
    """Answer one request."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if refusal := _refused(body, texts, mode):
        status, message = refusal
        await connection.send(error(message), status=status)
        return
    rows = [
        {
            "object": "embedding",
            "index": index,
            "embedding": bag_of_words(_read(text, mode), dimensions),
        }
        for index, text in enumerate(texts)
    ]
    await connection.send(
        {
            "object": "list",
            "data": _spoiled(rows, mode),
            "model": body["model"],
            "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
        }
    )


def _read(text: str, mode: Mode) -> str:
    """What is read of a text: `cuts` ignores the rest, and nothing tells."""
    if mode.name != "cuts":
        return text
    return " ".join(text.split()[: int(mode.value or DEFAULT_CUT)])


def _refused(body: dict[str, Any], texts: list[str], mode: Mode) -> tuple[int, str] | None:
    limit = DEFAULT_TOO_LARGE if mode.value is None else mode.value
    match mode.name:
        case "too_large" | "too_large_500" if max(map(len, texts)) > limit:
            status = 500 if mode.name.endswith("500") else 400
            return status, "input is too large to process. increase the physical batch size"
        case "batch_limit" if len(texts) > limit:
            return 422, f"batch size {len(texts)} > maximum allowed batch size {limit:g}"
        case "batch_limit_unsaid" if len(texts) > limit:
            return 400, "input array too large"
        case "minimal" if "encoding_format" in body:
            return 422, extra_input("encoding_format")
        case _:
            return None


def _spoiled(rows: list[dict[str, Any]], mode: Mode) -> list[dict[str, Any]]:
    vector: list[float] = rows[-1]["embedding"]
    match mode.name:
        case "wrong_count":
            return rows[:-1]
        case "shuffled":
            return rows[::-1]
        case "no_index":
            return [{"embedding": row["embedding"]} for row in rows]
        case "bad_index":
            rows[-1]["index"] = 99
        case "dims_change":
            vector.append(0.0)
        case "nan":
            vector[0] = math.nan
        case "overflow":
            vector[0] = 1e308
        case "zero":
            vector[:] = [0.0] * len(vector)
        case _:
            pass
    return rows
