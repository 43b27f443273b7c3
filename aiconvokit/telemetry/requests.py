"""HTTP requests: each gets an id, is counted, timed, logged and traced. No address is kept."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from aiconvokit import request_id
from aiconvokit.acting import acting
from aiconvokit.telemetry import tracing
from aiconvokit.telemetry.instruments import OPEN_STREAMS, REQUEST_SECONDS, REQUESTS, THROTTLED

UNMATCHED = "unmatched"
"""The route of a path that there is not: what a caller made up is no label."""
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_PROBES = frozenset(["/health/live", "/health/ready", "/metrics"])
"""Asked every few seconds; told in the log only when they fail, and in no trace."""
_STREAM = b"text/event-stream"
_GONE = 499
"""Of a request that nothing was sent to: its caller had left."""
_REFUSED = 429

logger = logging.getLogger("aiconvokit.requests")
"""A line for each request; `telemetry.logs` turns it on with JSON."""


@dataclass(slots=True)
class Seen:
    """A request as it goes on."""

    id: str
    route: str = UNMATCHED
    status: int = _GONE
    user_id: int | None = None
    is_stream: bool = False

    def answered(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The head of its answer is sent; whoever it acts for is known by now."""
        self.status = status
        self.user_id = acting() if acting() > 0 else None
        if not self.is_stream and any(value.startswith(_STREAM) for _, value in headers):
            self.is_stream = True
            OPEN_STREAMS.inc()


_seen: ContextVar[Seen | None] = ContextVar("seen", default=None)


class Routed:
    """The innermost ASGI layer: learns which route there is for a request.

    The layers between may give the router another scope than the outermost one has.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if (seen := _seen.get()) is not None:
                seen.route = scope.get("path_template") or UNMATCHED


@contextmanager
def observed(scope: Mapping[str, Any]) -> Iterator[Seen]:
    """The block answers a request (ASGI's scope of it), which is counted when the block ends."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    given = next((value for name, value in headers if name == request_id.HEADER), None)
    seen = Seen(request_id.taken(given) or request_id.new())
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    token = _seen.set(seen)
    begun = time.perf_counter()
    is_probe = scope["path"].rstrip("/") in _PROBES
    with request_id.named(seen.id), tracing.request(() if is_probe else headers) as span:
        try:
            yield seen
        except Exception:
            seen.status = 500
            raise
        finally:
            _seen.reset(token)
            _count(seen, method, time.perf_counter() - begun)
            span.name(f"{method} {seen.route}", _attributes(seen, method), seen.status)


def _count(seen: Seen, method: str, seconds: float) -> None:
    REQUESTS.labels(seen.route, method, str(seen.status)).inc()
    REQUEST_SECONDS.labels(seen.route, method).observe(seconds)
    if seen.status == _REFUSED:
        THROTTLED.inc()
    if seen.is_stream:
        OPEN_STREAMS.dec()
    if logger.isEnabledFor(logging.INFO) and (seen.route not in _PROBES or seen.status >= 400):
        told = {
            "method": method,
            "route": seen.route,
            "status": seen.status,
            "duration_ms": round(seconds * 1000, 1),
            "user_id": seen.user_id,
        }
        logger.info("%s %s %s", method, seen.route, seen.status, extra={"told": told})


def _attributes(seen: Seen, method: str) -> tracing.Attributes:
    found: dict[str, str | int | float] = {
        "http.request.method": method,
        "http.route": seen.route,
        "http.response.status_code": seen.status,
        "aiconvokit.request_id": seen.id,
    }
    if seen.user_id is not None:
        found["aiconvokit.user_id"] = seen.user_id
    return found
