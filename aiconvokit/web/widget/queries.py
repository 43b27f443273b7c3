"""Every statement of owners on their widgets, and on what visitors said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Date, and_, delete, func, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat import queries as chat_queries
from aiconvokit.chat.queries import FIRST_QUESTION
from aiconvokit.rest.lists import Window
from aiconvokit.web.widget.tables import Widget, WidgetSession, WidgetUsage

ALL = ""
"""The visitor of the row that counts everybody."""

_TODAY = sql_cast(func.timezone("UTC", func.now()), Date)


@dataclass(frozen=True, slots=True)
class WidgetRow:
    """A widget with what was spent today."""

    widget: Widget
    messages: int
    tokens: int

    @property
    def id(self) -> int:
        """The widget's."""
        return self.widget.id


async def insert_widget(
    session: AsyncSession, owner_id: int, key: str, values: Mapping[str, Any]
) -> WidgetRow:
    """A new widget."""
    widget = Widget(owner_id=owner_id, key=key, **values)
    session.add(widget)
    await session.flush()
    await session.refresh(widget)
    return WidgetRow(widget, 0, 0)


async def widgets_of(session: AsyncSession, owner_id: int, wanted: Window) -> list[WidgetRow]:
    """A user's widgets, oldest first; one more than asked for when there are more."""
    statement = (
        _with_usage()
        .where(Widget.owner_id == owner_id, Widget.id > (wanted.after or 0))
        .order_by(Widget.id)
        .limit(wanted.limit + 1)
    )
    return [WidgetRow(*row) for row in await session.execute(statement)]


async def widget_of(session: AsyncSession, owner_id: int, widget_id: int) -> WidgetRow | None:
    """One widget of a user."""
    statement = _with_usage().where(Widget.owner_id == owner_id, Widget.id == widget_id)
    row = (await session.execute(statement)).one_or_none()
    return WidgetRow(*row) if row else None


def _with_usage() -> Any:
    spent = and_(
        WidgetUsage.widget_id == Widget.id, WidgetUsage.day == _TODAY, WidgetUsage.visitor == ALL
    )
    return select(
        Widget, func.coalesce(WidgetUsage.messages, 0), func.coalesce(WidgetUsage.tokens, 0)
    ).outerjoin(WidgetUsage, spent)


async def hold_widget(
    session: AsyncSession, widget_id: int, purpose: Literal["use", "change", "delete"]
) -> Widget | None:
    """A widget as it is now, kept so until the transaction ends; None when it was deleted.

    Its assistant is held before it: deleting that deletes both in this order. What "use" keeps out
    is a change as well as a deletion; many use it at once.
    """
    found = await session.scalars(
        select(Widget)
        .where(Widget.id == widget_id)
        .with_for_update(read=purpose == "use", key_share=purpose == "change")
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def update_widget(session: AsyncSession, widget_id: int, values: Mapping[str, Any]) -> None:
    """Change some of a widget's columns."""
    await session.execute(
        update(Widget)
        .where(Widget.id == widget_id)
        .values(**values, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def end_sessions(session: AsyncSession, widget_id: int) -> None:
    """End all sessions of a widget; the conversations stay."""
    await session.execute(delete(WidgetSession).where(WidgetSession.widget_id == widget_id))


_CHATS = text(
    "SELECT c.id, c.thread_id, (SELECT count(*) FROM message m WHERE m.thread_id = c.thread_id)"
    " FROM widget_chat w JOIN chat c ON c.id = w.chat_id WHERE w.widget_id = :id ORDER BY c.id"
)


async def delete_widget(session: AsyncSession, widget_id: int) -> tuple[list[int], int]:
    """Remove a widget that is held, with its visitors' conversations.

    Returns:
        ids of the chats, and the number of their messages.
    """
    chats = (await session.execute(_CHATS, {"id": widget_id})).all()
    await chat_queries.delete_threads(session, [row[1] for row in chats])
    await session.execute(delete(Widget).where(Widget.id == widget_id))
    return [row[0] for row in chats], sum(row[2] for row in chats)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A visitor's conversation, summed up; `id` is the chat's, `asked` its first question."""

    id: int
    visitor: str
    title: str | None
    asked: str | None
    messages: int
    thumbs_up: int
    thumbs_down: int
    created_at: datetime
    updated_at: datetime


_TRANSCRIPTS = text(
    """
    SELECT c.id, w.visitor, t.title, first.content AS asked, sums.messages, sums.thumbs_up,
           sums.thumbs_down, c.created_at, coalesce(sums.newest, c.created_at) AS updated_at
    FROM widget_chat w
    JOIN chat c ON c.id = w.chat_id
    JOIN thread t ON t.id = c.thread_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS messages, count(*) FILTER (WHERE m.rating = 1) AS thumbs_up,
               count(*) FILTER (WHERE m.rating = -1) AS thumbs_down, max(m.created_at) AS newest
        FROM message m WHERE m.thread_id = t.id
    ) AS sums
    LEFT JOIN LATERAL (
        SELECT left(m.content, :letters) AS content FROM message m
        WHERE m.thread_id = t.id AND m.role = 'user' ORDER BY m.id LIMIT 1
    ) AS first ON true
    WHERE w.widget_id = :widget AND w.chat_id < :before
    ORDER BY w.chat_id DESC LIMIT :limit
    """
)
_NEWEST = 2**63 - 1


async def transcripts_of(session: AsyncSession, widget_id: int, wanted: Window) -> list[Transcript]:
    """A widget's conversations, newest first; one more than asked for when there are more."""
    before = _NEWEST if wanted.after is None else wanted.after
    keys = {"widget": widget_id, "before": before, "limit": wanted.limit + 1}
    rows = await session.execute(_TRANSCRIPTS, {**keys, "letters": FIRST_QUESTION})
    return [Transcript(*row) for row in rows]
