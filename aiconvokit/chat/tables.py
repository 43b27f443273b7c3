"""Threads, chats and messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity

API, WIDGET = "api", "widget"
"""Where threads come from."""
RESPONSE_THREAD = "rthread"
"""What the public id of a thread begins with that holds one response of `/v1`: it is no chat."""


class Thread(Base):
    """A conversation; needs no assistant. The lease says whose turn is in work and until when.

    Without a `title` it is called by its first question. `origin` is api or widget: what visitors
    of a web site say is not among its owner's own chats.
    """

    __tablename__ = "thread"

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str | None]
    origin: Mapped[str] = mapped_column(server_default=text("'api'"))
    metadata_: Mapped[dict[str, str]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    """The owner's own. The name itself is SQLAlchemy's."""
    collection_id: Mapped[int | None] = mapped_column(
        ForeignKey("collection.id", ondelete="SET NULL")
    )
    """What is read in this thread besides what its assistants read."""
    lease_token: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created()

    __table_args__ = (
        Index(
            "ix_thread_lease_expires_at",
            "lease_expires_at",
            postgresql_where=text("lease_token IS NOT NULL"),
        ),
        Index(
            "ix_thread_collection_id",
            "collection_id",
            postgresql_where=text("collection_id IS NOT NULL"),
        ),
    )


class Chat(Base):
    """A thread with an assistant, under the integer id of the documented API."""

    __tablename__ = "chat"

    id: Mapped[int] = identity()
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), unique=True)
    assistant_id: Mapped[int] = mapped_column(
        ForeignKey("assistant.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = created()


class Message(Base):
    """One side of a turn.

    `role` is user or assistant. `status` of an answer goes from `in_progress` to `complete`,
    `failed` or `interrupted`, and to `redacted` when a document that it cites is deleted; a user's
    message is `complete` from the start.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_thread_id_id", "thread_id", "id"),
        Index(
            "ix_message_in_progress",
            "thread_id",
            postgresql_where=text("status = 'in_progress'"),
        ),
        Index(
            "ix_message_citations",
            "citations",
            postgresql_using="gin",
            postgresql_ops={"citations": "jsonb_path_ops"},
        ),
    )

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    role: Mapped[str]
    status: Mapped[str]
    content: Mapped[str]
    model: Mapped[str | None]
    finish_reason: Mapped[str | None]
    error_code: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    citations: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    claims: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    milliseconds: Mapped[dict[str, float] | None] = mapped_column(JSONB)
    """By part; see `Trace`."""
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    """A thumb up (1) or down (-1) for an answer."""
    metadata_: Mapped[dict[str, str]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    attachments: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """Files that came with a question, as an OpenAI client named them.

    Of a message without words: another item of a conversation of `/v1` (`responses.items`)."""
    created_at: Mapped[datetime] = created()


class Receipt(Base):
    """How an answer came about; `document_ids` are the documents whose text it holds."""

    __tablename__ = "receipt"
    __table_args__ = (Index("ix_receipt_document_ids", "document_ids", postgresql_using="gin"),)

    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True
    )
    document_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
