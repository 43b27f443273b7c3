"""`…/citations/{n}/picture/` and `…/marks/`: the cited page, where the owner shows it."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from aiconvokit.assistants.picture_routes import PNG, width_of
from aiconvokit.errors import NotFound
from aiconvokit.files import documents, pictures
from aiconvokit.files.pictures import Content, MarksOut, NoPicture, NotDrawable, Pictures
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services
from aiconvokit.web.widget import sessions, visitor_queries
from ingestion.tables import PageText


@dataclass(frozen=True, slots=True)
class Cited:
    """A cited page: what it is drawn from, its text, where the quote stands."""

    content: Content
    page: PageText
    start: int
    end: int
    whose: str
    """For whom it is drawn: all visitors of a widget together, as anybody can be many of them."""


async def provide_cited(
    request: ApiRequest,
    services: NamedDependency[Services],
    key: FromPath[str],
    message_id: FromPath[str],
    number: FromPath[int],
) -> Cited:
    """The page of a citation in the visitor's own conversation, and no other page.

    Raises:
        SessionEnded, Paused, Throttled: as elsewhere.
        NotFound: no such citation there.
        NoPicture: the owner shows none, or the page cannot be drawn.
    """
    sessions.check_caller(request)
    visit = await sessions.enter(request, services, key)
    if not visit.widget.shows_pictures:
        raise NoPicture
    await sessions.throttle(
        services, request, "page", sessions.PAGES_BURST, sessions.PAGES_PER_MINUTE
    )
    chat_id = visit.session.chat_id
    known = chat_id is not None and message_id.isascii() and message_id.isprintable()
    async with services.sessions() as session:
        message = (
            await visitor_queries.answer_of(session, chat_id or 0, message_id) if known else None
        )
        is_whole = message is not None and message.status != "redacted"
        cited = (message.citations or []) if message is not None and is_whole else []
        stored = next((one for one in cited if one["index"] == number), None)
        if stored is None:
            raise NotFound.of("Citation")
        document = await visitor_queries.document_of(session, stored["document_id"])
        if document is None:
            raise NoPicture
        content = await pictures.content_of(session, document, stored["version"])
        page = await documents.page(session, document, stored["page"], stored["version"])
    return Cited(content, page, stored["start"], stored["end"], f"widget:{visit.widget.id}")


@get("/picture/", media_type=PNG)
async def get_picture(
    request: ApiRequest, cited: NamedDependency[Cited], drawn: NamedDependency[Pictures]
) -> Response[bytes]:
    """The cited page as a picture."""
    width = width_of(request)
    try:
        picture = await drawn.picture(cited.content, cited.page.number, width, whose=cited.whose)
    except NotDrawable as error:  # why is the owner's to know
        raise NoPicture from error
    return Response(picture, media_type=PNG)


@get("/marks/")
async def get_marks(cited: NamedDependency[Cited], drawn: NamedDependency[Pictures]) -> MarksOut:
    """Where the quoted words stand on that picture."""
    try:
        return await drawn.marks(
            cited.content, cited.page, cited.start, cited.end, whose=cited.whose
        )
    except NotDrawable as error:
        raise NoPicture from error


HANDLERS: list[Any] = [get_picture, get_marks]
DEPENDENCIES = {"cited": Provide(provide_cited)}
