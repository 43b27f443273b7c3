"""Where `/mcp` stands in the application: behind the token, for POST alone."""

import asyncio
from typing import TYPE_CHECKING, cast

from litestar import Request
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from aiconvokit.accounts.auth import principal_of, require_user
from aiconvokit.mcp_api.asking import ASKING, Asking
from aiconvokit.rest.urls import MCP
from aiconvokit.services import Services

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


def mcp(services: Services) -> ASGIRouteHandler:
    """The route, on services that are open."""

    @asgi(MCP, guards=[require_user], copy_scope=True)
    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        if (
            cast("HTTPScope", scope)["method"] != "POST"
        ):  # no session is kept, so there is none to listen to or end
            raise MethodNotAllowedException(headers={"allow": "POST"})
        manager = await asyncio.to_thread(_manager, services.settings.limits.max_json_bytes)
        ASKING.set(Asking(services, Request(scope), principal_of(scope).user_id))
        async with manager.run():
            await manager.handle_request(scope, receive, send)  # type: ignore[arg-type]  # ASGI's

    return handler


def _manager(max_bytes: int) -> "StreamableHTTPSessionManager":
    # Imported for who asks first, beside the loop: it takes a second and 24 MB, and most servers
    # are never asked.
    from aiconvokit.mcp_api.server import session_manager  # noqa: PLC0415  # see above

    return session_manager(max_bytes)
