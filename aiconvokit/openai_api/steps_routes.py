"""`/v1`: steps."""

from typing import Any

HANDLERS: list[Any] = []
