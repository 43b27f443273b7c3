"""`/v1`: embeddings."""

from typing import Any

HANDLERS: list[Any] = []
