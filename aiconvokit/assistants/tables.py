"""Assistants and the collections they read."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from aiconvokit.accounts.tables import UsageDay
from ingestion.tables import Base, created, identity


class Assistant(Base):
    """Stored instructions; `query_count` is how many questions were answered, whoever asked."""

    __tablename__ = "assistant"

    id: Mapped[int] = identity()
    openai_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    company_name: Mapped[str]
    instructions: Mapped[str]
    glossary: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """The owner's own; null: the built-in one."""
    description: Mapped[str | None]
    model: Mapped[str | None]
    """What an OpenAI client calls for; the configured model answers."""
    searches: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether it reads its documents at all."""
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """What an OpenAI client set besides, as it came."""
    metadata_: Mapped[dict[str, str]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    """The owner's own. The name itself is SQLAlchemy's."""
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()
    query_count: Mapped[int] = column_property(
        select(cast(func.coalesce(func.sum(UsageDay.questions), 0), BigInteger))
        .where(UsageDay.assistant_id == id)  # noqa: A003  # the column above
        .correlate_except(UsageDay)
        .scalar_subquery()
    )


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
