"""`/v1`: vector_stores."""

from typing import Any

HANDLERS: list[Any] = []
