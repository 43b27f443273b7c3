"""`/embed/{key}/…`: what visitors' browsers call from the widget's own page, and nothing more."""

from typing import Any

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from aiconvokit.accounts.streams import streams_of
from aiconvokit.errors import AIConvoKitError, NotFound
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.sse import EventStream, while_listening
from aiconvokit.services import Services
from aiconvokit.web.widget import asking, keys, picture_routes, sessions, visitor_queries
from aiconvokit.web.widget.problems import draw
from aiconvokit.web.widget.reading import read_visitors
from aiconvokit.web.widget.schemas import (
    HistoryOut,
    NewSession,
    Nothing,
    Question,
    SessionOut,
    Thumb,
)
from aiconvokit.web.widget.show import show_look, show_messages

HISTORY_MESSAGES = 30
"""Shown again after a reload, the newest: fifteen questions. Their HTML is drawn each time."""
NO_VISITOR = "Enter 16 to 64 letters, digits, - or _."
NO_THUMB = "Enter 1, -1 or null."


@post("/session/", status_code=200)
async def begin_session(
    request: ApiRequest, services: NamedDependency[Services], key: FromPath[str]
) -> SessionOut:
    """Begin a visitor's session, where the key may be."""
    sessions.check_caller(request)
    limits = services.settings.limits
    checks = {"visitor": _check_visitor}
    wanted = await read_visitors(request, limits, NewSession, checks)
    begun = await sessions.begin(request, services, key, wanted)
    return SessionOut(
        token=begun.token,
        visitor=begun.visitor,
        expires_at=stamp(begun.expires_at),
        widget=show_look(begun.widget),
        messages=[],
    )


def _check_visitor(visitor: str | None) -> list[str]:
    return [] if visitor is None or keys.is_visitor(visitor) else [NO_VISITOR]


@post("/messages/", status_code=200)
async def ask(
    request: ApiRequest, services: NamedDependency[Services], key: FromPath[str]
) -> Response[Any]:
    """Ask; the answer comes as events."""
    sessions.check_caller(request)
    visit = await sessions.enter(request, services, key)
    wanted = await read_visitors(request, services.settings.limits, Question)
    await sessions.throttle(
        services, request, "message", sessions.MESSAGES_BURST, sessions.MESSAGES_PER_MINUTE
    )
    events = asking.answered(services, streams_of(request), visit, wanted.input)
    started = await while_listening(request, anext(events))
    return EventStream(asking.told(request, visit.widget, started, events), asking.failed)


@get("/messages/")
async def list_messages(
    request: ApiRequest, services: NamedDependency[Services], key: FromPath[str]
) -> HistoryOut:
    """What was said in the session's conversation, and how the widget looks now."""
    sessions.check_caller(request)
    visit = await sessions.enter(request, services, key)
    await sessions.throttle(
        services, request, "history", sessions.HISTORIES_BURST, sessions.HISTORIES_PER_MINUTE
    )
    look = show_look(visit.widget)
    if visit.session.chat_id is None:
        return HistoryOut(widget=look, messages=[])
    async with services.sessions() as session:
        found = await visitor_queries.messages_of(session, visit.session.chat_id, HISTORY_MESSAGES)
    return HistoryOut(widget=look, messages=await show_messages(visit.widget, found))


@put("/messages/{message_id:str}/rating/", status_code=204)
async def rate(
    request: ApiRequest,
    services: NamedDependency[Services],
    key: FromPath[str],
    message_id: FromPath[str],
) -> None:
    """Give an answer a thumb, or take it back."""
    sessions.check_caller(request)
    visit = await sessions.enter(request, services, key)
    limits = services.settings.limits
    wanted = await read_visitors(request, limits, Thumb, {"rating": _check_thumb})
    await _throttle_click(services, request)
    chat_id = visit.session.chat_id
    known = chat_id is not None and message_id.isascii() and message_id.isprintable()
    async with services.sessions.begin() as session:
        if not known or not await visitor_queries.rate(
            session, chat_id or 0, message_id, wanted.rating
        ):
            raise NotFound.of("Message")


def _check_thumb(rating: int | None) -> list[str]:
    return [NO_THUMB] if rating == 0 else []


@post("/restart/", status_code=204)
async def restart(
    request: ApiRequest, services: NamedDependency[Services], key: FromPath[str]
) -> None:
    """Begin a new conversation; the owner keeps what was said."""
    sessions.check_caller(request)
    visit = await sessions.enter(request, services, key)
    await read_visitors(request, services.settings.limits, Nothing)
    await _throttle_click(services, request)
    async with services.sessions.begin() as session:
        await visitor_queries.forget_chat(session, visit.session.id)


async def _throttle_click(services: Services, request: ApiRequest) -> None:
    await sessions.throttle(
        services, request, "click", sessions.CLICKS_BURST, sessions.CLICKS_PER_MINUTE
    )


def router() -> Router:
    """The routes of this feature; they are no part of the documented API."""
    cited = Router(
        "/messages/{message_id:str}/citations/{number:int}",
        route_handlers=picture_routes.HANDLERS,
        dependencies=picture_routes.DEPENDENCIES,
    )
    handlers: list[Any] = [begin_session, ask, list_messages, rate, restart, cited]
    return Router(
        "/embed/{key:str}",
        route_handlers=handlers,
        exception_handlers={AIConvoKitError: draw},
        include_in_schema=False,
    )
