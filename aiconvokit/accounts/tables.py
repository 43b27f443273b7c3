"""Users, tokens, and what is kept about requests."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, func, text
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
    """A credential of a user: only its SHA-256 is kept; `hint` is its last four characters.

    One that was made for a program has a `name`, and may end at `expires_at`.
    """

    __tablename__ = "token"

    id: Mapped[int] = identity()
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    name: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created()
    last_used_at: Mapped[datetime] = created()


class Deletion(Base):
    """What one DELETE removed: numbers and ids, never names or contents.

    `public_id` is what it was called on the OpenAI wire, where lists go on behind it.
    """

    __tablename__ = "deletion"
    __table_args__ = (
        Index(
            "ix_deletion_public_id",
            "owner_id",
            "public_id",
            postgresql_where=text("public_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = identity()
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    object_id: Mapped[int]
    public_id: Mapped[str | None]
    removed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = created()


class RateBucket(Base):
    """A token bucket of `rate_limit.py`: how full it was at `updated_at`."""

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float]
    updated_at: Mapped[datetime] = created()


class UsageDay(Base):
    """What one user asked one assistant on one day (UTC), summed up; it outlives the assistant."""

    __tablename__ = "usage_day"

    owner_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    assistant_id: Mapped[int] = mapped_column(primary_key=True, index=True)
    questions: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]


class Idempotency(Base):
    """The first answer to a request with an Idempotency-Key; without a status it is in work.

    `assistant_id` is whom the answer tells of: it is no reference, since users stand below
    assistants.
    """

    __tablename__ = "idempotency"

    owner_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    assistant_id: Mapped[int | None] = mapped_column(index=True)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AuditEvent(Base):
    """That somebody did something: who, what, to which object; never contents, never tokens.

    `actor_id` is no reference, and `actor` the name at that time: what somebody did stays when
    their account is deleted. Without an `actor_id` it was the operator, or nobody logged in.
    """

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_actor_id", "actor_id", "id"),)

    id: Mapped[int] = identity()
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    actor_id: Mapped[int | None]
    actor: Mapped[str]
    action: Mapped[str]
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None]
    address: Mapped[str | None]
    request_id: Mapped[str | None]


class Invitation(Base):
    """One account may be made with it: only the SHA-256 of its secret is kept, and a hint."""

    __tablename__ = "invitation"

    id: Mapped[int] = identity()
    digest: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    invited_by: Mapped[str]
    created_at: Mapped[datetime] = created()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
