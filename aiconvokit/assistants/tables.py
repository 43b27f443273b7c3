"""Assistants and the collections they read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class Assistant(Base):
    """Stored instructions; `query_count` counts answered questions."""

    __tablename__ = "assistant"

    id: Mapped[int] = identity()
    openai_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    company_name: Mapped[str]
    instructions: Mapped[str]
    glossary: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """The owner's own; null: the built-in one."""
    query_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()


class AssistantCollection(Base):
    """Which collections an assistant reads; `position` 0 is its own, where uploads go."""

    __tablename__ = "assistant_collection"

    assistant_id: Mapped[int] = mapped_column(
        ForeignKey("assistant.id", ondelete="CASCADE"), primary_key=True
    )
    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int] = mapped_column(server_default=text("0"))
