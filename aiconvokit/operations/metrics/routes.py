"""`GET /metrics`, in Prometheus' text form, for who has the token; without one, for this machine.

Nothing in it is a user's: no id, no name, no word.
"""

import hmac
import ipaddress
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from prometheus_client import generate_latest

from aiconvokit.config import Settings
from aiconvokit.errors import NotAuthenticated, NotFound
from aiconvokit.operations.metrics.gauges import Gauges
from aiconvokit.operations.metrics.readings import Readings
from aiconvokit.services import Services
from aiconvokit.telemetry.instruments import REGISTRY

_CONTENT_TYPE = "text/plain; version=0.0.4"
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
"""With one of them a proxy on this machine asks, for somebody who may be anywhere."""


def router(services: Services) -> Router:
    """The route, on some open services."""
    readings = Readings(services)

    @get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """All instruments of this process, and what database and pools say now."""
        _ensure_allowed(request, services.settings)
        gauges = Gauges(services, await readings.now())
        text = generate_latest(REGISTRY) + generate_latest(gauges)
        return Response(text, media_type=_CONTENT_TYPE)

    return Router("/", route_handlers=[metrics])


def _ensure_allowed(request: Request[Any, Any, Any], settings: Settings) -> None:
    """Refuse who may not read them.

    Raises:
        NotAuthenticated: there is a token, and this is not it.
        NotFound: there is none, and who asks is elsewhere: as if there were no such route.
    """
    if settings.metrics_token is None:
        if not _is_here(request):
            raise NotFound("Not found.")
        return
    token = settings.metrics_token.get_secret_value().strip()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated("Authentication credentials were not provided.")
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise NotAuthenticated("Invalid token.")


def _is_here(request: Request[Any, Any, Any]) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
