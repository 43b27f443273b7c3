"""`/v1`: files."""

from typing import Any

HANDLERS: list[Any] = []
