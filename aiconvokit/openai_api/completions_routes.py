"""`/v1`: completions."""

from typing import Any

HANDLERS: list[Any] = []
