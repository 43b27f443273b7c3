"""Errors: the contract's bodies on `/api/v1`, OpenAI's on `/v1`; our own and the framework's."""

import errno
import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from psycopg.errors import DeadlockDetected, DiskFull
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aiconvokit.database_faults import is_database_away
from aiconvokit.db import PoolBusy
from aiconvokit.errors import (
    AIConvoKitError,
    DatabaseAway,
    InvalidFields,
    NotAuthenticated,
    NotFound,
    StorageFull,
    TooLarge,
    Unavailable,
)
from aiconvokit.rest.openai_errors import draw_openai, is_v1, wire_error
from aiconvokit.rest.sse import ClientGone
from aiconvokit.rest.urls import API

logger = logging.getLogger(__name__)

AUTH_FAILURE = "aiconvokit_auth_failure"
"""Where the request's scope keeps why its credentials were refused."""

OPEN_PATHS = (f"{API}/users", f"{API}/tokens")
"""Where one registers and logs in: asked there, nobody is sent to log in first."""
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for it; there is none in the standard."""

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
"""No room on the disk, over a quota, over what the process may write into a file."""

# Statuses of the documented API whose bodies are `detail` alone, to the byte.
_WITHOUT_CODE = {400, 401, 404, 405, 415, 429, 500}


def draw(error: AIConvoKitError, path: str = API) -> Response[Any]:
    """One of our errors in the shape of the surface that a path belongs to."""
    return draw_openai(error) if is_v1(path) else _draw_contract(error)


def _draw_contract(error: AIConvoKitError) -> Response[Any]:
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Token"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if isinstance(error, InvalidFields):
        content: dict[str, Any] = error.fields
    elif error.status in _WITHOUT_CODE and not error.is_addition:
        content = {"detail": error.detail}
    else:
        content = {"detail": error.detail, "code": error.code}
    return Response(content, status_code=error.status, headers=headers)


def on_our_error(request: Request[Any, Any, Any], error: AIConvoKitError) -> Response[Any]:
    """Handler for everything in our own tree."""
    return draw(error, request.scope["path"])


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Handler for what the framework itself refuses."""
    if error.status_code >= 500:
        return on_crash(request, error)
    path, status = request.scope["path"], error.status_code
    if isinstance(error, MethodNotAllowedException):
        return _on_wrong_method(request, error)
    if status == NotFound.status:
        return draw(NotFound(_unknown_route(request)), path)
    if status == TooLarge.status:
        return draw(TooLarge("The body is larger than this server accepts."), path)
    body = wire_error(error.detail, status) if is_v1(path) else {"detail": error.detail}
    return Response(body, status_code=status)


def _unknown_route(request: Request[Any, Any, Any]) -> str:
    path = request.scope["path"]
    if not is_v1(path):
        return "Not found."
    return f"This server has no {request.method} {path}. docs/openai.md lists what it offers."


def _on_wrong_method(
    request: Request[Any, Any, Any], error: MethodNotAllowedException
) -> Response[Any]:
    refused = request.scope.get(AUTH_FAILURE)
    is_open = str(request.scope["path"]).rstrip("/").endswith(OPEN_PATHS)
    if isinstance(refused, NotAuthenticated) and not is_open:  # credentials come before the method
        return draw(refused, request.scope["path"])
    detail = f'Method "{request.method}" not allowed.'
    allowed = {word.strip() for word in (error.headers or {}).get("allow", "").split(",")}
    if "GET" in allowed:
        allowed.add("HEAD")  # answered like GET, see Edge
    headers = {"Allow": ", ".join(sorted(allowed))}
    path = request.scope["path"]
    body = wire_error(f"{detail[:-1]} on {path}.", 405) if is_v1(path) else {"detail": detail}
    return Response(body, status_code=405, headers=headers)


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Handler for our own faults."""
    return draw(as_ours(request, error), request.scope["path"])


def on_client_gone(_: Request[Any, Any, Any], __: ClientGone) -> Response[Any]:
    """Handler for work that was given up; nobody reads the answer."""
    return Response(None, status_code=CLIENT_CLOSED_REQUEST)


def as_ours(request: Request[Any, Any, Any], error: Exception) -> AIConvoKitError:
    """Any error as one of our tree: our own faults are logged with the request's path."""
    if isinstance(error, AIConvoKitError):
        return error
    if isinstance(error, PoolBusy | PoolTimeout) or is_deadlock(error):
        return Unavailable("The server is busy. Try again in a moment.", code="server_busy")
    if is_full(error):
        logger.error("%s %s found no room", request.method, request.scope["path"])
        return StorageFull()
    if is_database_away(error):
        return DatabaseAway()
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return AIConvoKitError()


def is_full(error: BaseException) -> bool:
    """Whether there was no room for a file, be it the database's."""
    fault = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(fault, DiskFull) or (isinstance(fault, OSError) and fault.errno in _FULL)


def is_deadlock(error: BaseException) -> bool:
    """Whether two transactions waited for each other, and this one was ended; nothing is lost."""
    fault = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(fault, DeadlockDetected)
