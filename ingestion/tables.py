"""Tables of the ground floor: collections, documents, pages and their passages.

The schema itself is made by `migrations/`; a test compares the two. Chunks and vectors are
hash-partitioned by `collection_id`, and every query on them names it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector import HalfVector, SparseVector
from pgvector.sqlalchemy import HALFVEC, SPARSEVEC
from sqlalchemy import (
    BigInteger,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PARTITIONS = 32
"""Leaves of chunk and of every vector table: one index per leaf stays small for a tenant, while 500
partial indexes, one a tenant, cost 1.2 ms of planning (measured)."""


class Base(DeclarativeBase):
    """All tables of the product share this metadata."""

    type_annotation_map = {
        int: BigInteger,
        str: Text,
        float: Float,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
    }


def identity() -> Mapped[int]:
    """An id that the database gives."""
    return mapped_column(Identity(), primary_key=True)


def created() -> Mapped[datetime]:
    """When the row was made, by the database's clock."""
    return mapped_column(server_default=func.now())


class EmbeddingSpace(Base):
    """One model's vectors; table `vec_<id>` holds them. Spaces are never mixed in one query."""

    __tablename__ = "embedding_space"
    __table_args__ = (UniqueConstraint("provider", "model", "dim"),)

    id: Mapped[int] = mapped_column(SmallInteger, Identity(), primary_key=True)
    provider: Mapped[str]
    model: Mapped[str]
    dim: Mapped[int] = mapped_column(Integer)
    cosine_sd: Mapped[float | None]
    """Standard deviation of the cosines between its vectors, measured once there are enough."""


class Collection(Base):
    """Documents that are searched together; `space_id` is the space that queries use."""

    __tablename__ = "collection"
    __table_args__ = (
        Index(
            "ix_collection_last_active_at",
            "last_active_at",
            postgresql_where=text("expires_after_days IS NOT NULL"),
        ),
    )

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    space_id: Mapped[int | None] = mapped_column(SmallInteger, ForeignKey("embedding_space.id"))
    language: Mapped[str | None]
    """Text search configuration of its passages; null until the first document is in."""
    indexed_space_id: Mapped[int | None] = mapped_column(
        SmallInteger, ForeignKey("embedding_space.id")
    )
    """The space whose vectors of this collection have an index: see `ingestion.vector_index`."""
    removed_since_indexed: Mapped[int] = mapped_column(server_default=text("0"))
    """Vectors that went since that index was built."""
    next_space_id: Mapped[int | None] = mapped_column(
        SmallInteger, ForeignKey("embedding_space.id")
    )
    """The space that is being filled to take the place of `space_id`."""
    previous_space_id: Mapped[int | None] = mapped_column(
        SmallInteger, ForeignKey("embedding_space.id")
    )
    """The space before `space_id`, whose vectors are still there."""
    chunk_count: Mapped[int] = mapped_column(server_default=text("0"))
    metadata_: Mapped[dict[str, str]] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'")
    )
    """The owner's own. The name itself is SQLAlchemy's."""
    expires_after_days: Mapped[int | None] = mapped_column(Integer)
    """Days after `last_active_at`; null: never."""
    last_active_at: Mapped[datetime] = created()
    created_at: Mapped[datetime] = created()


class Document(Base):
    """A file in a collection; a replaced one keeps its id and raises `version`.

    `version` is the newest one uploaded, `ready_version` the one that is searched (null: none).
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("collection_id", "filename"),
        UniqueConstraint("collection_id", "id"),
        Index(
            "ix_document_waiting",
            "collection_id",
            "id",
            postgresql_where=text("status IN ('queued', 'processing')"),
        ),
    )

    id: Mapped[int] = identity()
    public_id: Mapped[str] = mapped_column(unique=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    file_id: Mapped[int] = mapped_column(ForeignKey("file.id"), index=True)
    filename: Mapped[str]
    media_type: Mapped[str]
    title: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    ready_version: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(server_default=text("'queued'"))
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    page_count: Mapped[int | None] = mapped_column(Integer)
    chunk_count: Mapped[int] = mapped_column(server_default=text("0"))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """The owner's own: flat, text, numbers and booleans; searches filter by them."""
    chunking: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    """How its passages are to be cut; null: as we choose."""
    password: Mapped[str | None] = mapped_column(deferred=True)
    """What opens the file; read only by who opens it."""
    names: Mapped[str] = mapped_column(TSVECTOR, server_default=text("''"))
    """What questions may call it: weight A in its title and file name, D in its first lines."""
    created_at: Mapped[datetime] = created()
    updated_at: Mapped[datetime] = created()


class PageText(Base):
    """What citations point into; text of an old version stays while an answer cites it."""

    __tablename__ = "page"

    document_id: Mapped[int] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    label: Mapped[str | None]
    text: Mapped[str]


class ChunkRow(Base):
    """A passage that can be found: page text from `start_offset` to `end_offset`."""

    __tablename__ = "chunk"
    __table_args__ = (
        ForeignKeyConstraint(
            ["collection_id", "document_id"],
            ["document.collection_id", "document.id"],
            ondelete="CASCADE",
        ),
        Index("ix_chunk_document", "collection_id", "document_id", "ordinal"),
        Index("ix_chunk_digest", "collection_id", "digest"),
        {"postgresql_partition_by": "HASH (collection_id)"},
    )

    collection_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    document_id: Mapped[int]
    version: Mapped[int] = mapped_column(Integer)
    ordinal: Mapped[int] = mapped_column(Integer)
    page: Mapped[int] = mapped_column(Integer)
    start_offset: Mapped[int] = mapped_column(Integer)
    end_offset: Mapped[int] = mapped_column(Integer)
    heading: Mapped[str]
    context: Mapped[str]
    content: Mapped[str]
    number_density: Mapped[float]
    tokens: Mapped[int | None] = mapped_column(Integer)
    """None: it was put in before they were kept."""
    digest: Mapped[UUID | None]
    """The first half of the SHA-256 of what was embedded; None: as above."""
    tsv: Mapped[str] = mapped_column(TSVECTOR)


class Bm25(Base):
    """A chunk's words for the lexical leg: see `bm25_weights` in the migration."""

    __tablename__ = "bm25"
    __table_args__ = (
        Index("ix_bm25_document", "collection_id", "document_id"),
        {"postgresql_partition_by": "HASH (collection_id)"},
    )

    collection_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chunk_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document_id: Mapped[int]
    weights: Mapped[SparseVector] = mapped_column(SPARSEVEC)


class LexicalBlock(Base):
    """Passages that are scored together, by id: see docs/decisions/0005.

    Slot i of both arrays is place i of the block's columns; it is NULL once its passage went.
    """

    __tablename__ = "lexical_block"
    __table_args__ = ({"postgresql_partition_by": "HASH (collection_id)"},)

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last_chunk_id: Mapped[int]
    live: Mapped[int] = mapped_column(Integer)
    """How many slots are not NULL."""
    chunk_ids: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    document_ids: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))


class LexicalColumn(Base):
    """The weights of one dimension of `bm25` in all passages of a block."""

    __tablename__ = "lexical_column"
    __table_args__ = ({"postgresql_partition_by": "HASH (collection_id)"},)

    collection_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    dimension: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    weights: Mapped[SparseVector] = mapped_column(SPARSEVEC)


class Lexeme(Base):
    """In how many of a collection's chunks a lexeme occurs."""

    __tablename__ = "lexeme"
    __table_args__ = ({"postgresql_partition_by": "HASH (collection_id)"},)

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    lexeme: Mapped[str] = mapped_column(primary_key=True)
    chunks: Mapped[int]


class StagedChunk(Base):
    """Passages on their way in; logged, so that a killed job can be told from a finished one."""

    __tablename__ = "chunk_stage"

    document_id: Mapped[int] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    space_id: Mapped[int] = mapped_column(SmallInteger)
    page: Mapped[int] = mapped_column(Integer)
    start_offset: Mapped[int] = mapped_column(Integer)
    end_offset: Mapped[int] = mapped_column(Integer)
    heading: Mapped[str]
    context: Mapped[str]
    content: Mapped[str]
    number_density: Mapped[float]
    tokens: Mapped[int | None] = mapped_column(Integer)
    lexical: Mapped[str]
    """What its tsv is made of: see `ingestion.lexical`."""
    digest: Mapped[UUID | None]
    embedding: Mapped[HalfVector] = mapped_column(HALFVEC)
