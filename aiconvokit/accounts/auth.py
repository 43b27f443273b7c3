"""Who is asking: the Authorization header, read before the method and the body are looked at."""

from functools import partial
from typing import Any, cast

import psycopg
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from aiconvokit.accounts import audit, queries, tokens
from aiconvokit.accounts.dismissal import Dismissals
from aiconvokit.accounts.dismissal_queries import Asker
from aiconvokit.accounts.queries import Principal
from aiconvokit.acting import DOOR, UNCHANGED, acting_for
from aiconvokit.errors import NotAuthenticated
from aiconvokit.rest.edge import respond
from aiconvokit.rest.ending import watch_by
from aiconvokit.rest.openai_errors import is_v1
from aiconvokit.rest.problems import AUTH_FAILURE, on_crash
from aiconvokit.rest.urls import API, MCP
from aiconvokit.services import Services

PRINCIPAL = "aiconvokit_principal"
NO_CREDENTIALS = "Authentication credentials were not provided."
_SCHEMES = (b"token", b"bearer")


class Authentication:
    """ASGI middleware around the router: finds the principal, or keeps why there is none.

    It stands outside of the routes, so that a wrong method without credentials is told as 401 and
    an unknown route as 404, whoever asks.
    """

    def __init__(self, app: ASGIApp, services: Services, dismissals: Dismissals) -> None:
        self._app = app
        self._services = services
        self._dismissals = dismissals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user_id = DOOR
        if scope["type"] == ScopeType.HTTP and is_guarded(scope["path"]):
            found = cast("dict[str, object]", scope)  # our own keys beside ASGI's
            try:
                found[PRINCIPAL] = principal = await self._principal(scope)
                user_id = principal.user_id
                asker = Asker(user_id, principal.token_id)
                watch_by(scope, partial(self._dismissals.watch, asker))
            except NotAuthenticated as error:
                found[AUTH_FAILURE] = error
            except (psycopg.Error, TimeoutError) as error:  # outside of the app's own handlers
                await respond(on_crash(Request(scope), error), scope, receive, send)
                return
        host, _ = scope.get("client") or (None, 0)
        with acting_for(user_id), audit.coming_from(host):
            await self._app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        token = _token(next((v for k, v in scope["headers"] if k == b"authorization"), None))
        if not tokens.is_well_formed(token):
            raise NotAuthenticated("Invalid token.")
        idle_days = self._services.settings.limits.token_idle_days
        with acting_for(UNCHANGED):
            async with self._services.pool.lend() as transaction:
                digest = tokens.digest(token)
                found = await queries.principal_by_digest(transaction, digest, idle_days)
        if found is None:
            raise NotAuthenticated("Invalid token.")
        if not found.is_active:
            raise NotAuthenticated("User inactive or deleted.")
        if found.needs_touch:
            with acting_for(found.user_id):
                async with self._services.pool.lend() as transaction:
                    await queries.touch_token(transaction, found.token_id)
        return found


def is_guarded(path: str) -> bool:
    """Whether a path belongs to an API, where one has to say who one is."""
    return path.startswith((API, MCP)) or is_v1(path)


def _token(header: bytes | None) -> str:
    parts = (header or b"").split()
    if not parts or parts[0].lower() not in _SCHEMES:
        raise NotAuthenticated(NO_CREDENTIALS)
    if len(parts) == 1:
        raise NotAuthenticated("Invalid token header. No credentials provided.")
    if len(parts) > 2:
        raise NotAuthenticated("Invalid token header. Token string should not contain spaces.")
    return parts[1].decode("latin-1")


async def require_user(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: refuse who is not logged in, before the body is read."""
    # async, though it awaits nothing: the framework sends other guards through a thread
    if not isinstance(connection.scope.get(PRINCIPAL), Principal):
        refused = connection.scope.get(AUTH_FAILURE)
        raise refused if isinstance(refused, NotAuthenticated) else NotAuthenticated(NO_CREDENTIALS)


def provide_user_id(scope: Scope, services: Services) -> int:  # noqa: ARG001  # see below
    """The id of who is asking, behind `require_user`."""
    # `services`, so that it comes after them: what could be found at once gets a task each
    return principal_of(scope).user_id


def principal_of(scope: Scope) -> Principal:
    """Who is asking, behind `require_user`."""
    principal = scope.get(PRINCIPAL)
    if not isinstance(principal, Principal):
        raise NotAuthenticated(NO_CREDENTIALS)
    return principal
