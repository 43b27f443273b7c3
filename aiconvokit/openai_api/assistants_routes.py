"""`/v1`: assistants."""

from typing import Any

HANDLERS: list[Any] = []
