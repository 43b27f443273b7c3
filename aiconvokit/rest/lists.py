"""Lists: a bare array, `?limit=&after=`, and `Link: rel="next"` when there is more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, urlencode

from litestar import Response

from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import MAX_INTEGER, NOT_AN_INTEGER
from aiconvokit.rest.urls import absolute
from ingestion.storable import why_unstorable

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_ID = MAX_INTEGER
"""A larger id in a path is simply unknown."""


class _Identified(Protocol):
    """An item that lists continue after."""

    @property
    def id(self) -> int: ...


Row = TypeVar("Row")
Item = TypeVar("Item", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list are wanted: at most `limit`, beyond the id `after`."""

    limit: int
    after: int | None


def window(request: ApiRequest) -> Window:
    """Read `limit` and `after` from the query string.

    Raises:
        InvalidFields: one of them is no integer or out of range.
    """
    limit = whole_number(request, "limit", 1, MAX_LIMIT)
    return Window(
        DEFAULT_LIMIT if limit is None else limit, whole_number(request, "after", 0, MAX_ID)
    )


def whole_number(request: ApiRequest, name: str, low: int, high: int) -> int | None:
    """An integer of the query string, None when it is not given.

    Raises:
        InvalidFields: it is no integer, or outside of low..high.
    """
    given = query_value(request, name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20):
        raise InvalidFields({name: [NOT_AN_INTEGER]})
    if not low <= int(given) <= high:
        raise InvalidFields({name: [f"Ensure this value is between {low} and {high}."]})
    return int(given)


def query_value(request: ApiRequest, name: str) -> str | None:
    """The last value of a query parameter, None when it is not given.

    Raises:
        InvalidFields: the database cannot hold it.
    """
    # Not request.query_params: those are kept in a cache, however large the query was.
    query = bytes(request.scope["query_string"]).decode("latin-1")
    values = parse_qs(query, keep_blank_values=True).get(name)
    if values and (why := why_unstorable(values[-1])):
        raise InvalidFields({name: [why]})
    return values[-1] if values else None


def answer(
    request: ApiRequest, rows: Sequence[Row], show: Callable[[Row], Item], wanted: Window
) -> Response[list[Item]]:
    """Draw a list from up to `limit + 1` rows, the last of which only says that there is more."""
    shown = [show(row) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit
    return Response(shown, headers=next_link(request, wanted, shown[-1].id) if more else {})


def next_link(
    request: ApiRequest, wanted: Window, last_id: int, also: Mapping[str, object] | None = None
) -> dict[str, str]:
    """The header that says where a list goes on after `last_id`.

    `also` is what else was asked for; None and "" were not.
    """
    asked = {name: value for name, value in (also or {}).items() if value not in {None, ""}}
    query = urlencode({"limit": wanted.limit, "after": last_id, **asked})
    address = absolute(request, f"{request.scope['path'].rstrip('/')}/?{query}")
    return {"Link": f'<{address}>; rel="next"'}
