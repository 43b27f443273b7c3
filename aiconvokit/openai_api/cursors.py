"""Cursor lists: `?limit=&order=&after=&before=` with public ids, and the page that answers them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

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

POLL = {"openai-poll-after-ms": "200"}
"""When the client's helpers look again at what is in work."""


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Identified)


class Page(Struct, Generic[Item]):
    """A page of a list."""

    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"


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
        InvalidFields: a limit out of range, an order that is none, or what no id can be.
    """
    order = query_value(request, "order") or "desc"
    if order not in {"asc", "desc"}:
        raise InvalidFields({"order": ["it must be asc or desc."]})
    return Cursor(
        limit=_limit(request, most) or default,
        order="asc" if order == "asc" else "desc",
        after=query_value(request, "after") or None,
        before=query_value(request, "before") or None,
    )


def _limit(request: ApiRequest, most: int) -> int | None:
    """The limit; None where nothing is given, as other empty parameters are nothing."""
    return whole_number(request, "limit", 1, most) if query_value(request, "limit") else None


def unknown_cursor(name: str, cursor: str) -> InvalidFields:
    """The error about an id that is none of a list's."""
    return InvalidFields({name: [f"there is no object with id '{cursor}' in this list."]})


def page(shown: list[Item], *, has_more: bool) -> Page[Item]:
    """The list object of some shown ones."""
    first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
    return Page(shown, first, last, has_more)


def seconds(moment: datetime) -> int:
    """A time as the wire has it: Unix seconds."""
    return int(moment.timestamp())
