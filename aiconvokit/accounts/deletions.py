"""What a DELETE removed, kept for its owner: the answer's `Location` says where to read it."""

from collections.abc import Mapping
from typing import Literal, cast

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, queries
from aiconvokit.accounts.audit import Action
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.tables import Deletion
from aiconvokit.errors import NotFound
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import Timestamp, stamp
from aiconvokit.rest.lists import MAX_ID
from aiconvokit.rest.urls import deletion_url

Kind = Literal[
    "assistant",
    "document",
    "chat",
    "token",
    "widget",
    "thread",
    "message",
    "file",
    "vector_store",
]
AUDITED: Mapping[str, Action] = {
    "assistant": "assistant.deleted",
    "document": "document.deleted",
    "file": "file.deleted",
    "vector_store": "vector_store.deleted",
    "token": "token.revoked",
    "widget": "widget.deleted",
}
"""Deletions that the audit trail tells of; chats are between a user and the assistant."""


class Removed(Struct):
    """Ids of what went, and how much; `redacted_answers` cited one of the documents."""

    assistants: list[int] = []
    documents: list[int] = []
    chats: list[int] = []
    tokens: list[int] = []
    messages: int = 0
    pages: int = 0
    passages: int = 0
    files: int = 0
    redacted_answers: int = 0


class DeletionOut(Struct):
    """A deletion on the wire."""

    id: int
    kind: Kind
    object_id: int
    removed: Removed
    created_at: Timestamp


async def keep(
    session: AsyncSession,
    user_id: int,
    kind: Kind,
    object_id: int,
    removed: Removed,
    *,
    public_id: str | None = None,
) -> Deletion:
    """Write down a deletion in its own transaction; `public_id` is its object's on `/v1`."""
    if kind in AUDITED:
        await audit.note(session, AUDITED[kind], kind, object_id)
    deletion = Deletion(
        owner_id=user_id,
        kind=kind,
        object_id=object_id,
        public_id=public_id,
        removed=msgspec.to_builtins(removed),
    )
    session.add(deletion)
    await session.flush()
    return deletion


def answer(request: ApiRequest, deletion: Deletion) -> Response[None]:
    """The 204 of every DELETE."""
    return Response(None, status_code=204, headers={"Location": deletion_url(request, deletion.id)})


@get("/deletions/{deletion_id:int}/", guards=[require_user])
async def get_deletion(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    deletion_id: FromPath[int],
) -> DeletionOut:
    """What one of one's own deletions removed."""
    known = 0 <= deletion_id <= MAX_ID
    found = await queries.deletion_of(session, user_id, deletion_id) if known else None
    if found is None:
        raise NotFound.of("Deletion")
    return DeletionOut(
        id=found.id,
        kind=cast("Kind", found.kind),
        object_id=found.object_id,
        removed=msgspec.convert(found.removed, Removed),
        created_at=stamp(found.created_at),
    )
