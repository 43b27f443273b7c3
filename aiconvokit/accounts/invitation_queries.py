"""Every statement on invitations."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.queries import Secret
from aiconvokit.accounts.tables import Invitation
from aiconvokit.rest.lists import Window


async def insert(
    session: AsyncSession, kept: Secret, invited_by: str, valid: timedelta
) -> Invitation:
    """A new invitation."""
    statement = (
        insert_into(Invitation)
        .values(
            digest=kept.digest,
            hint=kept.hint,
            invited_by=invited_by,
            expires_at=func.now() + valid,
        )
        .returning(Invitation)
    )
    return (await session.scalars(statement)).one()


async def hold(session: AsyncSession, digest: bytes) -> Invitation | None:
    """The invitation of a digest, held until the transaction ends; None: used, over, or unknown."""
    found = await session.scalars(
        select(Invitation)
        .where(
            Invitation.digest == digest,
            Invitation.used_at.is_(None),
            Invitation.expires_at > func.now(),
        )
        .with_for_update()
    )
    return found.one_or_none()


async def use(session: AsyncSession, invitation_id: int, user_id: int) -> None:
    """Note whose account was made with it."""
    await session.execute(
        update(Invitation)
        .where(Invitation.id == invitation_id)
        .values(used_at=func.now(), user_id=user_id)
    )


async def page_of(session: AsyncSession, wanted: Window) -> Sequence[Invitation]:
    """All invitations, oldest first; one more than asked for when there are more."""
    statement = (
        select(Invitation)
        .where(Invitation.id > (wanted.after or 0))
        .order_by(Invitation.id)
        .limit(wanted.limit + 1)
    )
    return (await session.scalars(statement)).all()


async def remove(session: AsyncSession, invitation_id: int) -> bool:
    """Delete an invitation; False when there is none."""
    found = await session.scalars(
        delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.id)
    )
    return found.one_or_none() is not None
