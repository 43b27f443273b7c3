"""Visitors' sessions: begun with a key on a listed site, used with a token, ended by themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.dismissal import answer_for
from aiconvokit.accounts.throttle import address_of, count_request
from aiconvokit.accounts.tokens import digest
from aiconvokit.acting import act_for
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services
from aiconvokit.web.widget import keys, origins, queries, visitor_queries
from aiconvokit.web.widget.problems import SCHEME, NotHere, Paused, SessionEnded
from aiconvokit.web.widget.schemas import NewSession
from aiconvokit.web.widget.tables import Widget, WidgetSession
from aiconvokit.web.widget.visitor_queries import Times

TIMES = Times(idle=timedelta(minutes=15), whole=timedelta(hours=12))
"""A tab that is left open keeps nothing; a working day is one conversation."""
SESSIONS_BURST, SESSIONS_PER_MINUTE = 30, 20
"""By address: an office behind one opens its tabs at once, and then no page a second."""
MESSAGES_BURST, MESSAGES_PER_MINUTE = 20, 20
"""By address: people read what they are answered."""
HISTORIES_BURST, HISTORIES_PER_MINUTE = 60, 60
"""By address: every page of a site that is opened in a tab with a conversation asks for it once."""
CLICKS_BURST, CLICKS_PER_MINUTE = 60, 60
"""By address: thumbs, and conversations begun anew. A thumb is given, changed and taken back."""
PAGES_BURST, PAGES_PER_MINUTE = 60, 60
"""By address: a source takes two, its picture and its marks."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking, and where."""

    widget: Widget
    session: WidgetSession


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that was begun: its secret is told once."""

    widget: Widget
    token: str
    visitor: str
    expires_at: datetime


def check_caller(request: ApiRequest) -> None:
    """Let in what our own page calls, and what is no browser.

    Raises:
        NotHere: a page of another origin calls by itself.
    """
    said = request.headers.get("origin")
    if said is not None and not is_own(request, said):
        raise NotHere


def is_own(request: ApiRequest, origin: str) -> bool:
    """Whether an origin is this server: by the request's Host, or by the configured address."""
    found = origins.normal(origin)
    if found is None:
        return False
    base = request.app.state.settings.base_url
    if base and found == origin_of(base):
        return True
    return origins.is_host(found, request.headers.get("host", ""))


def origin_of(address: str) -> str | None:
    """The origin of an address."""
    scheme, _, rest = address.partition("://")
    return origins.normal(f"{scheme}://{rest.partition('/')[0]}")


async def begin(request: ApiRequest, services: Services, key: str, wanted: NewSession) -> Begun:
    """Begin a session.

    Raises:
        NotHere: unknown key, or a site that is not listed.
        Paused: the owner has paused it.
        Throttled: too many from this address.
    """
    await throttle(services, request, "session", SESSIONS_BURST, SESSIONS_PER_MINUTE)
    visitor, token = wanted.visitor or keys.new_visitor(), keys.new_token()
    async with services.sessions.begin() as session:
        known = await _widget(session, key)
        # Asked of the row that is held: what its owner changes now waits, or is seen.
        widget = await queries.hold_widget(session, known.id, "use")
        if widget is None or not _is_listed(request, widget, wanted.origin):
            raise NotHere
        if widget.is_paused:
            raise Paused
        await visitor_queries.sweep(session, widget.id)
        expires_at = await visitor_queries.insert_session(
            session, widget.id, digest(token), visitor, TIMES
        )
    return Begun(widget, token, visitor, expires_at)


def _is_listed(request: ApiRequest, widget: Widget, origin: str) -> bool:
    """Whether a widget may be on a site; on this server's own preview it always may."""
    found = origins.normal(origin)
    return found is not None and (found in widget.origins or is_own(request, found))


async def enter(request: ApiRequest, services: Services, key: str) -> Visit:
    """The session of a request's token, which lives on for being used.

    Raises:
        SessionEnded: no token, an unknown one, one that ran out, or one of another widget.
        Paused: the owner has paused the widget meanwhile.
    """
    token = _token(request)
    async with services.sessions.begin() as session:
        widget = await visitor_queries.widget_by_key(session, key) if keys.is_key(key) else None
        if widget is None:
            raise SessionEnded
        found = await visitor_queries.touch_session(session, widget.id, digest(token), TIMES)
    if found is None:
        raise SessionEnded
    if widget.is_paused:
        raise Paused
    act_for(widget.owner_id)
    answer_for(request, widget.owner_id)
    return Visit(widget, found)


def _token(request: ApiRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != SCHEME.lower() or not keys.is_token(token.strip()):
        raise SessionEnded
    return token.strip()


async def _widget(session: AsyncSession, key: str) -> Widget:
    found = await visitor_queries.widget_by_key(session, key) if keys.is_key(key) else None
    if found is None:
        raise NotHere
    return found


async def throttle(
    services: Services, request: ApiRequest, what: str, burst: int, per_minute: float
) -> None:
    """Count a request of an address.

    Raises:
        Throttled: too many.
    """
    key = f"widget:{what}:ip:{address_of(request)}"
    await count_request(services, [key], burst=burst, per_minute=per_minute)
