"""Every statement of visitors: their sessions, what they say, what they spend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.tables import User
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat import queries as chat_queries
from aiconvokit.chat.tables import WIDGET, Chat, Message, Receipt
from aiconvokit.web.widget.tables import Widget, WidgetChat, WidgetSession
from ingestion.store import driver_connection
from ingestion.tables import Document

SWEPT = 100
"""Rows that one new session clears away: more than it adds, so that nothing piles up."""


async def widget_by_key(session: AsyncSession, key: str) -> Widget | None:
    """The widget of a key, unless its owner is suspended."""
    return await session.scalar(
        select(Widget)
        .join(User, User.id == Widget.owner_id)
        .where(Widget.key == key, User.is_active)
    )


async def insert_session(
    session: AsyncSession, widget_id: int, digest: bytes, visitor: str, times: "Times"
) -> datetime:
    """A new session of a visitor; when it runs out."""
    statement = (
        WidgetSession.__table__.insert()  # type: ignore[attr-defined]  # a Table, typed as a clause
        .values(
            widget_id=widget_id,
            digest=digest,
            visitor=visitor,
            expires_at=func.now() + times.idle,
            ends_at=func.now() + times.whole,
        )
        .returning(WidgetSession.expires_at)
    )
    return cast("datetime", (await session.execute(statement)).scalar_one())


@dataclass(frozen=True, slots=True)
class Times:
    """How long a session lives without being used, and at most."""

    idle: timedelta
    whole: timedelta


async def touch_session(
    session: AsyncSession, widget_id: int, digest: bytes, times: Times
) -> WidgetSession | None:
    """The session of a token, which lives on for being used; None when it ran out, or never was."""
    found = await session.scalars(
        update(WidgetSession)
        .where(
            WidgetSession.digest == digest,
            WidgetSession.widget_id == widget_id,
            WidgetSession.expires_at > func.now(),
        )
        .values(expires_at=func.least(func.now() + times.idle, WidgetSession.ends_at))
        .returning(WidgetSession)
    )
    return found.one_or_none()


async def hold_session(session: AsyncSession, session_id: int) -> WidgetSession | None:
    """A session as it is now, kept so until the transaction ends."""
    found = await session.scalars(
        select(WidgetSession)
        .where(WidgetSession.id == session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def insert_chat(session: AsyncSession, widget: Widget, of: WidgetSession) -> int:
    """A conversation for a session that is held and has none."""
    transaction = await driver_connection(session)
    chat = await chat_queries.insert_chat(transaction, widget.owner_id, widget.assistant_id, WIDGET)
    session.add(WidgetChat(chat_id=chat.id, widget_id=widget.id, visitor=of.visitor))
    of.chat_id = chat.id
    await session.flush()
    return chat.id


async def length_of_instructions(session: AsyncSession, assistant_id: int) -> int:
    """How many characters an assistant is told before every question."""
    length = select(func.length(Assistant.instructions)).where(Assistant.id == assistant_id)
    return await session.scalar(length) or 0


async def forget_chat(session: AsyncSession, session_id: int) -> None:
    """Let a session begin anew; what was said stays for the owner."""
    await session.execute(
        update(WidgetSession).where(WidgetSession.id == session_id).values(chat_id=None)
    )


_SWEEP_SESSIONS = text(
    "DELETE FROM widget_session WHERE id IN (SELECT id FROM widget_session"
    " WHERE expires_at < now() ORDER BY expires_at LIMIT :most FOR UPDATE SKIP LOCKED)"
)
# Yesterday's stay: a turn that began before midnight is counted there.
_SWEEP_USAGE = text(
    "DELETE FROM widget_usage WHERE ctid = ANY(ARRAY(SELECT ctid FROM widget_usage"
    " WHERE widget_id = :widget AND visitor <> '' AND day < timezone('UTC', now())::date - 1"
    " LIMIT :most FOR UPDATE SKIP LOCKED))"
)


async def sweep(session: AsyncSession, widget_id: int) -> None:
    """Clear away some sessions that ran out, and what single visitors spent on former days."""
    await session.execute(_SWEEP_SESSIONS, {"most": SWEPT})
    await session.execute(_SWEEP_USAGE, {"widget": widget_id, "most": SWEPT})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be spent on a day, in messages and in tokens."""

    messages: int
    tokens: int


_SPEND = text(
    """
    INSERT INTO widget_usage AS u (widget_id, day, visitor, messages, tokens)
    VALUES (:widget, timezone('UTC', now())::date, :visitor, 1, :tokens)
    ON CONFLICT (widget_id, day, visitor) DO UPDATE
    SET messages = u.messages + 1, tokens = u.tokens + excluded.tokens
    WHERE u.messages < :most_messages AND u.tokens < :most_tokens
    RETURNING u.day
    """
)


async def spend(
    session: AsyncSession, widget_id: int, visitor: str, tokens: int, bounds: Bounds
) -> date | None:
    """Count one message and its tokens of today (UTC), unless today's are spent.

    One visitor's before everybody's (`ALL`), always: two that lock both rows never wait for
    each other in a circle.

    Returns:
        the day it is counted on; None: nothing was counted.
    """
    keys = {"widget": widget_id, "visitor": visitor, "tokens": tokens}
    most = {"most_messages": bounds.messages, "most_tokens": bounds.tokens}
    return cast("date | None", await session.scalar(_SPEND, {**keys, **most}))


_CORRECT = text(
    "UPDATE widget_usage SET messages = messages + :messages, tokens = tokens + :tokens"
    " WHERE widget_id = :widget AND day = :day AND visitor = :visitor"
)


async def correct(
    session: AsyncSession, spent: Mapping[str, Any], *, messages: int, tokens: int
) -> None:
    """Add to what was counted, or take from it; `spent` has `widget`, `day` and `visitor`."""
    more = {"messages": messages, "tokens": tokens}
    await session.execute(_CORRECT, {**spent, **more})


async def messages_of(session: AsyncSession, chat_id: int, most: int) -> Sequence[Message]:
    """The newest messages of a conversation, oldest first."""
    found = await session.scalars(
        select(Message)
        .join(Chat, Chat.thread_id == Message.thread_id)
        .where(Chat.id == chat_id)
        .order_by(Message.id.desc())
        .limit(most)
    )
    return found.all()[::-1]


async def answer_of(session: AsyncSession, chat_id: int, message_id: str) -> Message | None:
    """One answer of a conversation."""
    return await session.scalar(
        select(Message)
        .join(Chat, Chat.thread_id == Message.thread_id)
        .where(Chat.id == chat_id, Message.public_id == message_id, Message.role == "assistant")
    )


async def document_of(session: AsyncSession, document_id: int) -> Document | None:
    """A document that an answer cites, unless it was deleted."""
    return await session.get(Document, document_id)


async def rate(session: AsyncSession, chat_id: int, message_id: str, rating: int | None) -> bool:
    """Give an answer of a conversation a thumb, or take it back; False: no such answer."""
    thread = select(Chat.thread_id).where(Chat.id == chat_id).scalar_subquery()
    done = await session.execute(
        update(Message)
        .where(
            Message.thread_id == thread,
            Message.public_id == message_id,
            Message.role == "assistant",
        )
        .values(rating=rating)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", done).rowcount > 0


async def with_receipt(
    session: AsyncSession, message_id: str
) -> tuple[Message, Receipt | None] | None:
    """An answer and how it came about."""
    row = (
        await session.execute(
            select(Message, Receipt)
            .outerjoin(Receipt, Receipt.message_id == Message.id)
            .where(Message.public_id == message_id)
        )
    ).one_or_none()
    return cast("tuple[Message, Receipt | None] | None", row)
