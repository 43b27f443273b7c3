"""Metadata filters: which documents a search may look into."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over `document d` with its parameters."""

    sql: str
    parameters: dict[str, Any]
