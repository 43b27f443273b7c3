"""`/v1`: runs."""

from typing import Any

HANDLERS: list[Any] = []
