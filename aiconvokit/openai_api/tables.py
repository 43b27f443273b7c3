"""What only the OpenAI wire has: runs, and files that were put into a vector store together."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class Run(Base):
    """A turn that was asked for as a run, or as a response (`resp_…`).

    How it stands is how its answer, `message_id`, stands: see `runs.show.standing`.
    `assistant_id` is the public one; the assistant may be deleted before the run. A response that
    no assistant gives has none ("").
    """

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_thread_id", "thread_id", "id"),
        Index("ix_run_message_id", "message_id", unique=True),
    )

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    assistant_id: Mapped[str]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What it was asked for with: model, instructions, tools and bounds."""
    metadata_: Mapped[dict[str, str]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created()


class FileBatch(Base):
    """Files that were put into a collection with one call."""

    __tablename__ = "file_batch"

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collection.id", ondelete="CASCADE"), index=True
    )
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created()


class FileBatchDocument(Base):
    """One document of a batch."""

    __tablename__ = "file_batch_document"

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("file_batch.id", ondelete="CASCADE"), primary_key=True
    )
    document_id: Mapped[int] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True, index=True
    )
