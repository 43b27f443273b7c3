"""`/audit/`: the audit trail, for administrators."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit_queries
from aiconvokit.accounts.administrators import require_administrator
from aiconvokit.accounts.audit_queries import Wanted
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.schemas import AuditOut
from aiconvokit.accounts.tables import AuditEvent
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.lists import next_link, query_value, window
from aiconvokit.rest.openapi import LIST, describe

QUERY: dict[str, dict[str, Any]] = {
    "actor": {"type": "string"},
    "action": {"type": "string"},
    **LIST,
}


@get("/audit/", guards=[require_user], operation_class=describe(query=QUERY, errors=(403,)))
async def list_audit(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[AuditOut]]:
    """Who did what, newest first."""
    await require_administrator(session, user_id)
    page = window(request)
    wanted = Wanted(query_value(request, "actor"), query_value(request, "action"))
    rows = await audit_queries.newest(session, wanted, page)
    shown = [show_event(row) for row in rows[: page.limit]]
    also = {"actor": wanted.actor, "action": wanted.action}
    more = len(rows) > len(shown)
    return Response(shown, headers=next_link(request, page, shown[-1].id, also) if more else {})


def show_event(row: AuditEvent) -> AuditOut:
    """An event as it is told, over the API and by the command."""
    return AuditOut(
        id=row.id,
        at=stamp(row.at),
        actor_id=row.actor_id,
        actor=row.actor,
        action=row.action,
        object_kind=row.object_kind,
        object_id=row.object_id,
        address=row.address,
        request_id=row.request_id,
    )
