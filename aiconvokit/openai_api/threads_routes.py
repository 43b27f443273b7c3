"""`/v1`: threads."""

from typing import Any

HANDLERS: list[Any] = []
