"""`/usage/`: what one has asked, summed up by day and assistant."""

import re
from datetime import date, timedelta
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import queries
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.queries import UsagePage
from aiconvokit.accounts.schemas import UsageOut
from aiconvokit.accounts.tables import UsageDay
from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import MAX_INTEGER
from aiconvokit.rest.lists import MAX_ID, next_link, query_value, whole_number, window
from aiconvokit.rest.openapi import LIST, describe

DEFAULT_DAYS = 30
MAX_DAYS = 366
"""A leap year; older ones are asked for by themselves."""
NO_DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY = {"type": "string", "format": "date"}
QUERY: dict[str, dict[str, Any]] = {
    "from": _DAY,
    "to": _DAY,
    "assistant_id": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_INTEGER},
    **LIST,
}


@get("/usage/", guards=[require_user], operation_class=describe(query=QUERY))
async def list_usage(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[UsageOut]]:
    """What one has asked, by day (UTC) and assistant, newest day first."""
    wanted = _wanted(request, await queries.today(session))
    rows = await queries.usage_of(session, user_id, wanted)
    shown = rows[: wanted.window.limit]
    headers = _next_link(request, wanted, shown[-1]) if len(rows) > len(shown) else {}
    return Response([_show(row) for row in shown], headers=headers)


def _wanted(request: ApiRequest, today: date) -> UsagePage:
    """Read the query string: the last days when it says none.

    Raises:
        InvalidFields: a value of it cannot be read, or the days are none, or too many.
    """
    page = window(request)
    assistant_id = whole_number(request, "assistant_id", 0, MAX_ID)
    last = _day(request, "to") or today
    first = _day(request, "from") or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if first > last:
        raise InvalidFields({"from": [f"Ensure this date is not after {last}."]})
    if (last - first).days >= MAX_DAYS:
        earliest = last - timedelta(days=MAX_DAYS - 1)
        raise InvalidFields({"from": [f"Ensure this date is not before {earliest}."]})
    return UsagePage(first, last, assistant_id, page)


def _day(request: ApiRequest, name: str) -> date | None:
    given = query_value(request, name)
    if given is None:
        return None
    try:
        if _DATE.fullmatch(given):  # other forms are read as well, such as 2026-W01-1
            return date.fromisoformat(given)
    except ValueError:
        pass
    raise InvalidFields({name: [NO_DATE]})


def _show(row: UsageDay) -> UsageOut:
    return UsageOut(
        row.day, row.assistant_id, row.questions, row.prompt_tokens, row.completion_tokens
    )


def _next_link(request: ApiRequest, wanted: UsagePage, last: UsageDay) -> dict[str, str]:
    """Rows have no id: a list goes on with the day of its last row, after that row's assistant."""
    also = {"from": wanted.first, "to": last.day, "assistant_id": wanted.assistant_id}
    return next_link(request, wanted.window, last.assistant_id, also)
