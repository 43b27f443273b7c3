"""Widgets, their visitors' sessions and conversations, and what they spent."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class Widget(Base):
    """What an owner shows on web sites: an assistant, how it looks, where it may be, its budgets.

    `key` (`acw_pk_…`) stands in the sites' sources; it starts visitors' sessions and nothing else.
    `origins` are exact; none means nowhere. Budgets are per day (UTC), of all visitors and of one.
    """

    __tablename__ = "widget"

    id: Mapped[int] = identity()
    key: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    assistant_id: Mapped[int] = mapped_column(
        ForeignKey("assistant.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str]
    color: Mapped[str]
    greeting: Mapped[str]
    suggestions: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    language: Mapped[str]
    origins: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    shows_pictures: Mapped[bool]
    is_paused: Mapped[bool]
    messages_per_day: Mapped[int] = mapped_column(Integer)
    tokens_per_day: Mapped[int]
    visitor_messages_per_day: Mapped[int] = mapped_column(Integer)
    visitor_tokens_per_day: Mapped[int]
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()


class WidgetSession(Base):
    """A visitor's session: only the SHA-256 of its token is kept.

    `visitor` is what a browser calls itself, a random text that says nothing about a person.
    `expires_at` moves with each use, up to `ends_at`. Without a chat nothing was asked yet.
    """

    __tablename__ = "widget_session"

    id: Mapped[int] = identity()
    digest: Mapped[bytes] = mapped_column(unique=True)
    widget_id: Mapped[int] = mapped_column(ForeignKey("widget.id", ondelete="CASCADE"), index=True)
    visitor: Mapped[str]
    chat_id: Mapped[int | None] = mapped_column(
        ForeignKey("chat.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = created()
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]


class WidgetChat(Base):
    """A visitor's conversation, for the owner to read."""

    __tablename__ = "widget_chat"
    __table_args__ = (Index("ix_widget_chat_widget_id", "widget_id", "chat_id"),)

    chat_id: Mapped[int] = mapped_column(
        ForeignKey("chat.id", ondelete="CASCADE"), primary_key=True
    )
    widget_id: Mapped[int] = mapped_column(ForeignKey("widget.id", ondelete="CASCADE"))
    visitor: Mapped[str]


class WidgetUsage(Base):
    """What was spent on one day (UTC) by one visitor; by all of them where `visitor` is ""."""

    __tablename__ = "widget_usage"

    widget_id: Mapped[int] = mapped_column(
        ForeignKey("widget.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(primary_key=True)
    messages: Mapped[int]
    tokens: Mapped[int]
