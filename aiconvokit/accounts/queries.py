"""Every statement on users, tokens, deletions and usage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, Delete, cast, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.tables import Deletion, Token, UsageDay, User
from aiconvokit.db import Transaction
from aiconvokit.rest.lists import Window
from aiconvokit.statements import Prepared, statement

TOUCH_AFTER = timedelta(minutes=10)
"""How stale `last_used_at` may get: one write in ten minutes, not one a request."""

_TODAY = cast(func.timezone("UTC", func.now()), Date)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose request it is, by which token; `digest` is what is kept of that (32 bytes)."""

    user_id: int
    token_id: int
    is_active: bool
    needs_touch: bool
    digest: bytes = field(repr=False)


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


async def user_by_id(session: AsyncSession, user_id: int) -> User | None:
    """The user of that id."""
    return await session.get(User, user_id)


async def hold_user(session: AsyncSession, user_id: int) -> User | None:
    """A user as it is now, held until the transaction ends; what is theirs may still be added."""
    held = select(User).where(User.id == user_id).with_for_update(key_share=True)
    return await session.scalar(held)


async def set_password_hash(session: AsyncSession, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    await session.execute(
        update(User).where(User.id == user_id).values(password_hash=password_hash)
    )


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a token: its SHA-256 (32 bytes) and its last letters."""

    digest: bytes
    hint: str


async def insert_token(session: AsyncSession, user_id: int, secret: Secret) -> Token:
    """Store a new login's token."""
    token = Token(user_id=user_id, digest=secret.digest, hint=secret.hint)
    session.add(token)
    await session.flush()
    return token


async def insert_named_token(
    session: AsyncSession, user_id: int, secret: Secret, name: str, days: int | None
) -> Token:
    """Store a token for a program; it ends after so many days, or not by itself."""
    expires_at = None if days is None else func.now() + timedelta(days=days)
    statement = (
        insert(Token)
        .values(
            user_id=user_id,
            digest=secret.digest,
            hint=secret.hint,
            name=name,
            expires_at=expires_at,
        )
        .returning(Token)
    )
    return (await session.scalars(statement)).one()


async def count_named_tokens(session: AsyncSession, user_id: int) -> int:
    """How many tokens with a name a user has, also those that have ended."""
    named = select(func.count()).where(Token.user_id == user_id, Token.name.is_not(None))
    return (await session.execute(named)).scalar_one()


async def drop_surplus_tokens(session: AsyncSession, user_id: int, keep: int) -> None:
    """Delete all but the `keep` most recently used logins of a user; tokens with a name stay."""
    kept = (
        select(Token.id)
        .where(Token.user_id == user_id, Token.name.is_(None))
        .order_by(Token.last_used_at.desc(), Token.id.desc())
        .limit(keep)
    )
    surplus = _logins_of(user_id).where(Token.id.not_in(kept))
    await session.execute(surplus)


async def drop_other_logins(session: AsyncSession, user_id: int, token_id: int) -> None:
    """Delete a user's logins but the one of this token; tokens with a name stay."""
    await session.execute(_logins_of(user_id).where(Token.id != token_id))


async def drop_all_tokens(session: AsyncSession, user_id: int) -> list[int]:
    """Delete a user's tokens, those with a name as well; their ids."""
    gone = delete(Token).where(Token.user_id == user_id).returning(Token.id)
    return sorted(await session.scalars(gone))


def _logins_of(user_id: int) -> Delete:
    return delete(Token).where(Token.user_id == user_id, Token.name.is_(None))


_PRINCIPAL = """
SELECT user_id, token_id, is_active, last_used_at < now() - CAST(:touch_after AS interval), digest
FROM {bearer}
WHERE CASE WHEN name IS NULL THEN last_used_at > now() - CAST(:idle AS interval)
           ELSE expires_at IS NULL OR expires_at > now() END
"""
_BY_DIGEST = Prepared(_PRINCIPAL.format(bearer="bearer(:digest)"))
_BY_TOKEN = Prepared(
    _PRINCIPAL.format(
        bearer="(SELECT b.* FROM token t, bearer(t.digest) b WHERE t.id = :token) AS found"
    )
)
_TOUCH = "UPDATE token SET last_used_at = now() WHERE id = %(token)s"


async def principal_by_digest(
    transaction: Transaction, digest: bytes, idle_days: int
) -> Principal | None:
    """Whose token it is; a login ends when it was not used for `idle_days`, a named one by date."""
    return await _principal(transaction, _BY_DIGEST, {"digest": digest}, idle_days)


async def principal_by_token(
    transaction: Transaction, token_id: int, idle_days: int
) -> Principal | None:
    """The same by the token's row."""
    return await _principal(transaction, _BY_TOKEN, {"token": token_id}, idle_days)


async def _principal(
    transaction: Transaction, asked: Prepared, keys: Mapping[str, Any], idle_days: int
) -> Principal | None:
    times = {"idle": timedelta(days=idle_days), "touch_after": TOUCH_AFTER}
    row = await asked.row(transaction, {**keys, **times})
    return Principal(*row) if row else None


async def touch_token(transaction: Transaction, token_id: int) -> None:
    """Note that a token was used now."""
    await transaction.execute(_TOUCH, {"token": token_id})


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


COUNT_QUESTION = """
INSERT INTO usage_day AS u (owner_id, day, assistant_id, questions, prompt_tokens,
                            completion_tokens)
SELECT CAST(:owner AS bigint), timezone('UTC', now())::date, CAST(:assistant AS bigint),
       CAST(:questions AS bigint), CAST(:prompt AS bigint), CAST(:completion AS bigint) {}
ON CONFLICT (owner_id, day, assistant_id) DO UPDATE SET
    questions = u.questions + excluded.questions,
    prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = u.completion_tokens + excluded.completion_tokens
"""
"""`add_usage` as a part of another statement: the gap is for what it depends on."""
_ADD_USAGE = statement(COUNT_QUESTION.format(""))


NO_ASSISTANT = 0
"""Of usage that no assistant had: the chat model was asked by itself."""


async def add_usage(
    transaction: Transaction,
    owner_id: int,
    assistant_id: int,
    *,
    prompt_tokens: int,
    completion_tokens: int,
    questions: int = 1,
) -> None:
    """Count one answered question of today (UTC, by the database's clock).

    Args:
        transaction: the caller's; the row stays locked until it ends.
        owner_id: who asked.
        assistant_id: which assistant, or NO_ASSISTANT.
        prompt_tokens: what the models read for it.
        completion_tokens: what they wrote.
        questions: 0 for one that was counted before, and went on.
    """
    counted = {
        "prompt": prompt_tokens,
        "completion": completion_tokens,
        "questions": questions,
    }
    keys = {"owner": owner_id, "assistant": assistant_id}
    await transaction.execute(_ADD_USAGE, {**keys, **counted})


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Which rows of usage are wanted: days from `first` to `last`, of one assistant or of all.

    Of `last` itself only assistants after `window.after`: lists go on within a day.
    """

    first: date
    last: date
    assistant_id: int | None
    window: Window


async def usage_of(session: AsyncSession, user_id: int, wanted: UsagePage) -> Sequence[UsageDay]:
    """A user's usage, newest day first; one more than asked for when there are more."""
    after = -1 if wanted.window.after is None else wanted.window.after
    statement = (
        select(UsageDay)
        .where(
            UsageDay.owner_id == user_id,
            UsageDay.day.between(wanted.first, wanted.last),
            or_(UsageDay.day < wanted.last, UsageDay.assistant_id > after),
        )
        .order_by(UsageDay.day.desc(), UsageDay.assistant_id)
        .limit(wanted.window.limit + 1)
    )
    if wanted.assistant_id is not None:
        statement = statement.where(UsageDay.assistant_id == wanted.assistant_id)
    return (await session.scalars(statement)).all()


async def today(session: AsyncSession) -> date:
    """The day that `add_usage` counts on."""
    return (await session.execute(select(_TODAY))).scalar_one()


async def users(session: AsyncSession) -> Sequence[User]:
    """All users, oldest first."""
    return (await session.scalars(select(User).order_by(User.id))).all()


async def set_admin(session: AsyncSession, user_id: int) -> None:
    """Make a user an administrator."""
    await session.execute(update(User).where(User.id == user_id).values(is_admin=True))


async def set_active(session: AsyncSession, user_id: int, *, is_active: bool) -> None:
    """Let a user in, or keep them out: the tokens stay, and are refused."""
    await session.execute(update(User).where(User.id == user_id).values(is_active=is_active))


_LEFT = text(
    """
    SELECT count(DISTINCT t.id), count(m.id)
    FROM thread t LEFT JOIN message m ON m.thread_id = t.id WHERE t.owner_id = :user
    """
)


async def conversations_of(session: AsyncSession, user_id: int) -> tuple[int, int]:
    """How many threads a user has, and how many messages are in them."""
    threads, messages = (await session.execute(_LEFT, {"user": user_id})).one()
    return threads, messages


async def delete_user(session: AsyncSession, user_id: int) -> None:
    """Remove a user whose documents are gone; tokens, threads and deletions go too."""
    await session.execute(delete(User).where(User.id == user_id))
