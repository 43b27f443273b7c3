"""Stored files."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class StoredFile(Base):
    """Bytes that a user gave us; the content lies in storage under its SHA-256.

    A file that was uploaded by itself has a `purpose`, and stays until it is deleted, even beside
    another one of that content. One that came with a document has none, and goes with its last.
    """

    __tablename__ = "file"
    __table_args__ = (
        Index(
            "uq_file_of_documents",
            "owner_id",
            "sha256",
            unique=True,
            postgresql_where=text("purpose IS NULL"),
        ),
        Index("ix_file_owner_id", "owner_id", "id"),
        Index("ix_file_sha256", "sha256"),
    )

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    sha256: Mapped[bytes]
    size: Mapped[int]
    filename: Mapped[str]
    media_type: Mapped[str]
    purpose: Mapped[str | None]
    created_at: Mapped[datetime] = created()
