"""The outermost ASGI layer: what holds for every answer, whoever made it."""

from typing import Any, cast

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from aiconvokit import request_id
from aiconvokit.errors import NotFound
from aiconvokit.rest.multipart import UPLOADS
from aiconvokit.rest.problems import draw
from aiconvokit.telemetry.requests import Seen, observed

# A response may bring its own value (a page its policy); these are what it gets otherwise.
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class Edge:
    """Adds the request's id and security headers, answers HEAD like GET, closes the uploads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        with observed(scope) as seen:
            await self._answer(seen, scope, receive, send)

    async def _answer(self, seen: Seen, scope: HTTPScope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                named = {name.lower() for name, _ in headers}
                headers += [one for one in HEADERS if one[0] not in named]
                headers.append((request_id.HEADER, seen.id.encode()))
                message["headers"] = headers
                seen.answered(message["status"], headers)
            await send(message)

        inner = cast("HTTPScope", dict(scope))  # the server reads its own: HEAD has no body
        if inner["method"] == "HEAD":
            inner["method"] = "GET"
        try:
            if any(_is_odd_integer(segment) for segment in inner["path"].split("/")):
                await respond(
                    draw(NotFound("Not found."), inner["path"]), inner, receive, send_with_headers
                )
            else:
                await self._app(inner, receive, send_with_headers)
        finally:
            for upload in cast("dict[str, Any]", inner).get(UPLOADS, ()):
                upload.file.close()


async def respond(response: Response[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response from outside of the routes."""
    request: Request[Any, Any, Any] = Request(scope)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)


def _is_odd_integer(segment: str) -> bool:
    """Whether Python reads a number that nobody wrote: "1_0", "+1", " 1"."""
    if segment.removeprefix("-").isascii() and segment.removeprefix("-").isdigit():
        return False
    try:
        int(segment)
    except ValueError:
        return False
    return True
