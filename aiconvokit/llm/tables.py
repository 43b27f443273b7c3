"""What model servers were found to be like."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ingestion.tables import Base


class Endpoint(Base):
    """One model at one address; the address holds no credentials."""

    __tablename__ = "endpoint"
    __table_args__ = (CheckConstraint("kind IN ('chat', 'embedding')"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    traits: Mapped[dict[str, Any]] = mapped_column(JSONB)
    learnt_at: Mapped[datetime] = mapped_column(server_default=func.now())
