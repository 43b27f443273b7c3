"""Every statement on users and tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.tables import Deletion, Token, User
from aiconvokit.rest.lists import Window

TOUCH_AFTER = timedelta(minutes=10)
"""How stale `last_used_at` may get: one write in ten minutes, not one a request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose request it is."""

    user_id: int
    token_id: int
    is_active: bool
    needs_touch: bool


async def insert_user(
    session: AsyncSession, username: str, email: str, password_hash: str
) -> User | None:
    """The new user, or None when the name is taken."""
    statement = (
        insert(User)
        .values(username=username, email=email, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[User.username])
        .returning(User)
    )
    return (await session.scalars(statement)).one_or_none()


async def user_by_name(session: AsyncSession, username: str) -> User | None:
    """The user of that exact name."""
    return await session.scalar(select(User).where(User.username == username))


async def set_password_hash(session: AsyncSession, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    await session.execute(
        update(User).where(User.id == user_id).values(password_hash=password_hash)
    )


async def insert_token(session: AsyncSession, user_id: int, digest: bytes, hint: str) -> None:
    """Store a new token's digest."""
    session.add(Token(user_id=user_id, digest=digest, hint=hint))
    await session.flush()


async def drop_surplus_tokens(session: AsyncSession, user_id: int, keep: int) -> None:
    """Delete all but the `keep` most recently used tokens of a user."""
    kept = (
        select(Token.id)
        .where(Token.user_id == user_id)
        .order_by(Token.last_used_at.desc(), Token.id.desc())
        .limit(keep)
    )
    await session.execute(delete(Token).where(Token.user_id == user_id, Token.id.not_in(kept)))


async def principal_by_digest(
    session: AsyncSession, digest: bytes, idle_days: int
) -> Principal | None:
    """Whose token it is, unless it was not used for `idle_days`."""
    row = (
        await session.execute(
            select(User.id, Token.id, User.is_active, Token.last_used_at < func.now() - TOUCH_AFTER)
            .join(Token, Token.user_id == User.id)
            .where(
                Token.digest == digest,
                Token.last_used_at > func.now() - timedelta(days=idle_days),
            )
        )
    ).one_or_none()
    return Principal(*row) if row else None


async def touch_token(session: AsyncSession, token_id: int) -> None:
    """Note that a token was used now."""
    await session.execute(update(Token).where(Token.id == token_id).values(last_used_at=func.now()))


async def tokens_of(session: AsyncSession, user_id: int, wanted: Window) -> Sequence[Token]:
    """A user's tokens, oldest first; one more than asked for when there are more."""
    return (
        await session.scalars(
            select(Token)
            .where(Token.user_id == user_id, Token.id > (wanted.after or 0))
            .order_by(Token.id)
            .limit(wanted.limit + 1)
        )
    ).all()


async def token_of(session: AsyncSession, user_id: int, token_id: int) -> Token | None:
    """One token of a user."""
    return await session.scalar(select(Token).where(Token.user_id == user_id, Token.id == token_id))


async def delete_token(session: AsyncSession, token_id: int) -> None:
    """Revoke a token."""
    await session.execute(delete(Token).where(Token.id == token_id))


async def deletion_of(session: AsyncSession, user_id: int, deletion_id: int) -> Deletion | None:
    """One deletion of a user."""
    return await session.scalar(
        select(Deletion).where(Deletion.owner_id == user_id, Deletion.id == deletion_id)
    )


async def users(session: AsyncSession) -> Sequence[User]:
    """All users, oldest first."""
    return (await session.scalars(select(User).order_by(User.id))).all()


async def set_admin(session: AsyncSession, user_id: int) -> None:
    """Make a user an administrator."""
    await session.execute(update(User).where(User.id == user_id).values(is_admin=True))


async def suspend(session: AsyncSession, user_id: int) -> None:
    """Keep a user out: the tokens stay, and are refused."""
    await session.execute(update(User).where(User.id == user_id).values(is_active=False))


async def delete_user(session: AsyncSession, user_id: int) -> None:
    """Remove a user whose documents are gone; tokens, threads and deletions go too."""
    await session.execute(delete(User).where(User.id == user_id))
