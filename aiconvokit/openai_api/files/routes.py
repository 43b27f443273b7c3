"""`/v1/files`."""

import io
from dataclasses import dataclass
from typing import Any, cast

from litestar import Response, delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.openapi.spec import (
    OpenAPIMediaType,
    Operation,
    RequestBody,
    Schema,
)
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.errors import InvalidFields, NotFound, StorageFull, UnsupportedMediaType
from aiconvokit.files import documents, originals
from aiconvokit.files.documents import Incoming
from aiconvokit.files.download import download
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.cursors import CURSOR, Page, page, read_cursor
from aiconvokit.openai_api.files.queries import files_of
from aiconvokit.openai_api.files.schemas import PURPOSES, FileDeleted, FileOut, show_file
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.vector_stores import work
from aiconvokit.rest.body import ApiRequest, Body, read_body
from aiconvokit.rest.lists import query_value
from aiconvokit.rest.openapi import describe, error_answers
from aiconvokit.services import Services

MOST_FILES = 10_000
"""Of a list, and so many without a limit: who never turned a page must not miss any."""
LISTED = {
    **CURSOR,
    "limit": {**CURSOR["limit"], "maximum": MOST_FILES, "default": MOST_FILES},
    "purpose": {"type": "string"},
}
FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"type": "string", "enum": list(PURPOSES)},
    },
    "required": ["file", "purpose"],
}


@dataclass
class _Upload(Operation):
    """A form with one file, which no Struct describes."""

    def __post_init__(self) -> None:
        form = OpenAPIMediaType(schema=cast("Schema", FORM))  # drawn as it is
        self.request_body = RequestBody(content={"multipart/form-data": form}, required=True)
        told = error_answers((403, *repeats.ERRORS, StorageFull.status))
        self.responses = {**(self.responses or {}), **told}


@post(
    "/files",
    status_code=200,
    operation_class=_Upload,
    partly="purposes are assistants, user_data and evals; expires_after is refused",
)
async def create_file(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[FileOut]:
    """Upload a file, which stays until it is deleted."""
    body = await read_body(request, services.settings.limits)
    upload, purpose = _read(body)
    attempt = await once.take(body)
    if (made := repeats.made(attempt)) is not None:
        async with services.sessions() as session:
            (file,) = await lookup.files(session, user_id, [made.id])
        return repeats.answer(attempt, show_file(file))
    async with (
        attempt,
        documents.received(services, [Incoming.of(upload)]) as intake,
        services.sessions.begin() as session,
    ):
        (file,) = await originals.keep(services, session, user_id, intake, purpose)
        await repeats.keep(attempt, session, Made(file.public_id))
    return repeats.answer(attempt, show_file(file))


def _read(body: Body) -> tuple[UploadFile, str]:
    if not body.is_form:
        raise UnsupportedMediaType("This endpoint reads multipart/form-data.")
    values = body.values
    mistakes = {name: ["it is required."] for name in ("file", "purpose") if name not in values}
    if mistakes:
        raise InvalidFields(mistakes)
    if any(name.startswith("expires_after") for name in values):
        why = "files do not expire on this server; vector stores do."
        raise InvalidFields({"expires_after": [why]})
    purpose = values["purpose"]
    if purpose not in PURPOSES:
        raise InvalidFields({"purpose": [f"it must be one of {', '.join(PURPOSES)}."]})
    return _file(values["file"]), purpose


def _file(given: Any) -> UploadFile:
    """The one file of a form."""
    files = given if isinstance(given, list) else []
    if not files or not all(isinstance(one, UploadFile) for one in files):
        raise InvalidFields({"file": ["it must be a file with a name."]})
    if len(files) > 1:
        raise InvalidFields({"file": ["it must be one file."]})
    if files[0].file.seek(0, io.SEEK_END) == 0:
        raise InvalidFields({"file": ["it is empty."]})
    files[0].file.seek(0)
    return cast("UploadFile", files[0])


@get("/files", operation_class=describe(query=LISTED))
async def list_files(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
) -> Page[FileOut]:
    """One's own files, newest first; those of documents are shown as assistants'."""
    wanted = read_cursor(request, default=MOST_FILES, most=MOST_FILES)
    purpose = query_value(request, "purpose") or None
    if purpose is not None and purpose not in PURPOSES:
        return page([], has_more=False)
    found = await files_of(session, user_id, purpose, wanted)
    return page([show_file(one) for one in found.rows], has_more=found.has_more)


@get("/files/{file_id:str}")
async def get_file(
    session: NamedDependency[AsyncSession], user_id: NamedDependency[int], file_id: FromPath[str]
) -> FileOut:
    """One file."""
    return show_file((await lookup.files(session, user_id, [file_id]))[0])


@get("/files/{file_id:str}/content", operation_class=describe(download=True))
async def get_file_content(
    services: NamedDependency[Services], user_id: NamedDependency[int], file_id: FromPath[str]
) -> Stream:
    """A file's bytes as they were uploaded."""
    async with services.sessions.begin() as session:
        (file,) = await lookup.files(session, user_id, [file_id])
    gone = NotFound(f"The bytes of '{file_id}' are not in storage.")
    return await download(
        services, file, filename=file.filename, media_type=file.media_type, gone=gone
    )


@delete("/files/{file_id:str}", status_code=200)
async def delete_file(
    services: NamedDependency[Services], user_id: NamedDependency[int], file_id: FromPath[str]
) -> FileDeleted:
    """Delete a file, and what was made of it in all vector stores."""
    removed = Removed()
    async with services.sessions.begin() as session:
        (file,) = await lookup.files(session, user_id, [file_id])
        unused = await work.remove_file(session, file, removed)
    await documents.discard(services, unused)
    return FileDeleted(file_id)


HANDLERS: list[Any] = [create_file, list_files, get_file, get_file_content, delete_file]
