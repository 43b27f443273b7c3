"""`/invitations/`: administrators invite people, one account a link."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, invitation_queries, invitations
from aiconvokit.accounts.administrators import require_administrator
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.schemas import InvitationOut, NewInvitation, NewInvitationOut
from aiconvokit.accounts.tables import Invitation
from aiconvokit.acting import as_owner
from aiconvokit.errors import NotFound
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields, stamp
from aiconvokit.rest.lists import MAX_ID, answer, window
from aiconvokit.rest.openapi import LIST, describe
from aiconvokit.rest.urls import absolute
from aiconvokit.services import Services

# The rows are nobody's: behind the wall they are seen at the door only, where one is used.


@post(
    "/invitations/",
    guards=[require_user],
    operation_class=describe(NewInvitation, errors=(403,)),
)
async def create_invitation(
    request: ApiRequest, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> NewInvitationOut:
    """Make an invitation; its link is shown this once."""
    async with services.sessions() as session:  # that one may not is said first
        await require_administrator(session, user_id)
    wanted = read_fields(await read_body(request, services.settings.limits), NewInvitation)
    async with services.sessions.begin() as session:
        user = await require_administrator(session, user_id)
        async with as_owner(session):
            made = await invitations.invite(session, user.username, wanted.days)
    shown = show_invitation(made.row)
    return NewInvitationOut(
        id=shown.id,
        hint=shown.hint,
        invited_by=shown.invited_by,
        created_at=shown.created_at,
        expires_at=shown.expires_at,
        used_at=shown.used_at,
        user_id=shown.user_id,
        invitation=made.secret,
        link=absolute(request, invitations.path_of(made.secret)),
    )


@get(
    "/invitations/",
    guards=[require_user],
    operation_class=describe(query=LIST, errors=(403,)),
)
async def list_invitations(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[InvitationOut]]:
    """All invitations, oldest first, without their secrets."""
    await require_administrator(session, user_id)
    wanted = window(request)
    async with as_owner(session):
        rows = await invitation_queries.page_of(session, wanted)
    return answer(request, rows, show_invitation, wanted)


@delete(
    "/invitations/{invitation_id:int}/",
    status_code=204,
    guards=[require_user],
    operation_class=describe(errors=(403,)),
)
async def delete_invitation(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    invitation_id: FromPath[int],
) -> None:
    """Take an invitation back; an account that was made with it stays."""
    await require_administrator(session, user_id)
    known = 0 <= invitation_id <= MAX_ID
    async with as_owner(session):
        if not known or not await invitation_queries.remove(session, invitation_id):
            raise NotFound.of("Invitation")
    await audit.note(session, "invitation.deleted", "invitation", invitation_id)


def show_invitation(row: Invitation) -> InvitationOut:
    """An invitation without its secret."""
    return InvitationOut(
        id=row.id,
        hint=row.hint,
        invited_by=row.invited_by,
        created_at=stamp(row.created_at),
        expires_at=stamp(row.expires_at),
        used_at=stamp(row.used_at) if row.used_at else None,
        user_id=row.user_id,
    )


HANDLERS: list[Any] = [create_invitation, list_invitations, delete_invitation]
"""The routes of this module."""
