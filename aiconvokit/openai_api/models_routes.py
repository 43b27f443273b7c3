"""`/v1`: models."""

from typing import Any

HANDLERS: list[Any] = []
