"""Cursor lists: `?limit=&order=&after=&before=` with public ids, and the page that answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.lists import query_value, whole_number

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
CURSOR: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "order": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
    "after": {"type": "string"},
    "before": {"type": "string"},
}
"""The query parameters of every list, for the OpenAPI document."""


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which objects of a list are wanted; `after` and `before` are public ids in its order."""

    limit: int = DEFAULT_LIMIT
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


def read_cursor(
    request: ApiRequest, *, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT
) -> Cursor:
    """Read the query string of a list.

    Raises:
        InvalidFields: a limit out of range, or an order that is none.
    """
    order = query_value(request, "order") or "desc"
    if order not in {"asc", "desc"}:
        raise InvalidFields({"order": ["it must be asc or desc."]})
    return Cursor(
        limit=whole_number(request, "limit", 1, most) or default,
        order="asc" if order == "asc" else "desc",
        after=query_value(request, "after") or None,
        before=query_value(request, "before") or None,
    )


def page(shown: Sequence[Item], *, has_more: bool) -> dict[str, Any]:
    """The list object of some shown ones."""
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
        "has_more": has_more,
    }


def seconds(moment: datetime) -> int:
    """A time as the wire has it: Unix seconds."""
    return int(moment.timestamp())
