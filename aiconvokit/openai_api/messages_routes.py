"""`/v1`: messages."""

from typing import Any

HANDLERS: list[Any] = []
