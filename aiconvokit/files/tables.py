"""Stored files."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class StoredFile(Base):
    """Bytes that a user gave us; the content lies in storage under its SHA-256."""

    __tablename__ = "file"
    __table_args__ = (UniqueConstraint("owner_id", "sha256"),)

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    sha256: Mapped[bytes]
    size: Mapped[int]
    filename: Mapped[str]
    media_type: Mapped[str]
    created_at: Mapped[datetime] = created()
