"""`/v1`: file_batches."""

from typing import Any

HANDLERS: list[Any] = []
