"""`…/documents/{id}/pages/{n}/picture/` and `…/marks/`: a page, and where a quote stands on it."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from aiconvokit.accounts.auth import require_user
from aiconvokit.assistants import access, queries
from aiconvokit.errors import InvalidFields, NotFound
from aiconvokit.files import documents, pictures
from aiconvokit.files.pictures import Content, MarksOut, Pictures
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import REQUIRED
from aiconvokit.rest.lists import whole_number
from aiconvokit.rest.openapi import VERSION, describe
from aiconvokit.services import Services
from ingestion.tables import Document

PNG = "image/png"
MIN_WIDTH, MAX_WIDTH, DEFAULT_WIDTH = 200, 2_400, 1_000
WIDTH_STEP = 200
"""Widths are rounded up to it: every window has its own, and each is drawn once."""
MAX_OFFSET = 2**31 - 1

_WIDTH = {"type": "integer", "minimum": MIN_WIDTH, "maximum": MAX_WIDTH, "default": DEFAULT_WIDTH}
_OFFSET = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that somebody may see: its document, and what it is drawn from."""

    document: Document
    content: Content
    number: int
    version: int
    names_version: bool
    whose: str
    """For whom it is drawn."""


async def provide_asked(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
    number: FromPath[int],
) -> Asked:
    """The page of a request, with `?version=` an older one while its bytes are there.

    Raises:
        NotFound: unknown, somebody else's, or beyond what documents may have.
        NoPicture: it cannot be drawn.
    """
    given = whole_number(request, "version", 1, 2**31 - 1)
    async with services.sessions.begin() as session:
        await access.to_ask(services, session, user_id, assistant_id)
        ids = await queries.citable_ids(
            session, user_id, assistant_id, shared=services.settings.shared_assistants
        )
        document = (await documents.find(session, ids, document_id)).document
        version = given or document.ready_version or document.version
        content = await pictures.content_of(session, document, version)
    if not 0 < number <= services.settings.limits.max_pages:
        raise NotFound("Not found.")
    whose = f"user:{user_id}"
    return Asked(document, content, number, version, given is not None, whose)


@get(
    "/picture/",
    media_type=PNG,
    operation_class=describe(download=True, query={**VERSION, "width": _WIDTH}, errors=(422, 429)),
)
async def get_picture(
    request: ApiRequest, asked: NamedDependency[Asked], drawn: NamedDependency[Pictures]
) -> Response[bytes]:
    """A page of a PDF as a picture."""
    width = width_of(request)
    tag = pictures.tag(asked.content, asked.number, width)
    headers = {
        "ETag": tag,
        # Without a version it is another picture once the document is replaced.
        "Cache-Control": "private, max-age=86400" if asked.names_version else "private, no-cache",
        "Vary": "Authorization",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    picture = await drawn.picture(asked.content, asked.number, width, whose=asked.whose)
    return Response(picture, media_type=PNG, headers=headers)


@get(
    "/marks/",
    operation_class=describe(
        query={**VERSION, "start": _OFFSET, "end": _OFFSET}, errors=(422, 429)
    ),
)
async def get_marks(
    request: ApiRequest,
    services: NamedDependency[Services],
    asked: NamedDependency[Asked],
    drawn: NamedDependency[Pictures],
) -> MarksOut:
    """Where the words from `start` to `end` of a page's text stand on its picture."""
    start, end = _words(request)
    async with services.sessions.begin() as session:
        page = await documents.page(session, asked.document, asked.number, asked.version)
    return await drawn.marks(asked.content, page, start, end, whose=asked.whose)


def width_of(request: ApiRequest) -> int:
    """How wide a picture is to be, in pixels.

    Raises:
        InvalidFields: no integer, or out of range.
    """
    wanted = whole_number(request, "width", MIN_WIDTH, MAX_WIDTH) or DEFAULT_WIDTH
    return -(-wanted // WIDTH_STEP) * WIDTH_STEP


def _words(request: ApiRequest) -> tuple[int, int]:
    """The offsets that are asked for.

    Raises:
        InvalidFields: one is missing, is no integer, or they are in the wrong order.
    """
    start = whole_number(request, "start", 0, MAX_OFFSET)
    end = whole_number(request, "end", start or 0, MAX_OFFSET)
    if start is None or end is None:
        given = {"start": start, "end": end}
        raise InvalidFields({name: [REQUIRED] for name, value in given.items() if value is None})
    return start, end


def router() -> Router:
    """The routes of pages as pictures."""
    handlers: list[Any] = [get_picture, get_marks]
    return Router(
        "/assistants/{assistant_id:int}/documents/{document_id:int}/pages/{number:int}",
        route_handlers=handlers,
        dependencies={"asked": Provide(provide_asked)},
        guards=[require_user],
        tags=["documents"],
    )
