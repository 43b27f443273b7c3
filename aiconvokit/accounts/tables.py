"""Users and tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base, created, identity


class User(Base):
    """Whoever may log in; `password_hash` is argon2id in PHC form."""

    __tablename__ = "user"

    id: Mapped[int] = identity()
    username: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = created()


class Token(Base):
    """A credential of a user: only its SHA-256 is kept; `hint` is its last four characters."""

    __tablename__ = "token"

    id: Mapped[int] = identity()
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    created_at: Mapped[datetime] = created()
    last_used_at: Mapped[datetime] = created()


class Deletion(Base):
    """What one DELETE removed: numbers and ids, never names or contents."""

    __tablename__ = "deletion"

    id: Mapped[int] = identity()
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    object_id: Mapped[int]
    removed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = created()


class RateBucket(Base):
    """A token bucket of `rate_limit.py`: how full it was at `updated_at`."""

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float]
    updated_at: Mapped[datetime] = created()
