"""`/v1`: vector_store_files."""

from typing import Any

HANDLERS: list[Any] = []
