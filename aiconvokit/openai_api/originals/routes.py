"""`/v1/originals?key=…`: what an answer cites, for a browser."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from aiconvokit.accounts.queries import principal_by_token
from aiconvokit.acting import DOOR, act_for, acting_for
from aiconvokit.assistants import access
from aiconvokit.assistants.queries import citable_ids
from aiconvokit.errors import NotFound
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.download import download
from aiconvokit.openai_api.originals.links import KEY, PATH, Link, read_link
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.lists import MAX_ID, query_value
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

GONE = "This link has ended, or never was one."
PDF = "application/pdf"
POLICY = (
    "default-src 'none'; object-src 'self'; img-src 'self' data:; style-src 'unsafe-inline';"
    " frame-ancestors 'none'"
)
"""What browsers' own viewers of PDF files need; no script may run."""


@get(
    PATH,
    operation_class=describe(
        download=True, query={KEY: {"type": "string", "maxLength": 255}}, errors=(404,)
    ),
    security=[{}],
)
async def get_original(request: ApiRequest, services: NamedDependency[Services]) -> Stream:
    """A file that an answer cites, by the link in its annotation; a PDF opens in the browser."""
    link = read_link(query_value(request, KEY) or "")
    user_id = await _user(services, link) if link is not None else None
    if link is None or user_id is None:
        raise NotFound(GONE)
    act_for(user_id)
    stream = await _stream(services, user_id, link)
    stream.headers["Referrer-Policy"] = "no-referrer"
    if stream.media_type == PDF:
        disposition = stream.headers["Content-Disposition"]
        stream.headers["Content-Disposition"] = disposition.replace("attachment", "inline", 1)
        stream.headers["Content-Security-Policy"] = POLICY
    return stream


async def _user(services: Services, link: Link) -> int | None:
    """Who handed the link on; None: it is not signed, has ended, or their token has."""
    if not 0 <= link.token_id <= MAX_ID:
        return None
    idle_days = services.settings.limits.token_idle_days
    with acting_for(DOOR):  # whatever token comes with the request
        async with services.pool.lend() as transaction:
            found = await principal_by_token(transaction, link.token_id, idle_days)
    if found is None or not found.is_active or not link.is_signed_with(found.digest):
        return None
    return found.user_id


async def _stream(services: Services, user_id: int, link: Link) -> Stream:
    """The bytes, if they are those that were cited, and the user may see them still."""
    original, gone = link.original, NotFound(GONE)
    shared = services.settings.shared_assistants
    try:
        async with services.sessions() as session:
            await access.to_ask(services, session, user_id, original.assistant_id)
            ids = await citable_ids(session, user_id, original.assistant_id, shared=shared)
            row = await documents.find(session, ids, original.document_id)
            file = await file_queries.file_by_id(session, row.document.file_id)
    except NotFound as error:
        raise gone from error
    document = row.document
    if file is None or document.version != original.version:
        raise gone
    return await download(
        services, file, filename=document.filename, media_type=document.media_type, gone=gone
    )


HANDLERS: list[Any] = [get_original]
