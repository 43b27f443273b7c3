"""What sites load: `/widget.js`, the page in the frame, and a page to try a widget on."""

from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from aiconvokit.services import Services
from aiconvokit.web.assets import answer, assets
from aiconvokit.web.page import fill
from aiconvokit.web.widget import keys, visitor_queries
from aiconvokit.web.widget.tables import Widget

LOADER = "widget/loader.js"
PAGE = "widget/embed.html"
PREVIEW = "widget/preview.html"

LOADER_HEADERS = {
    "Cache-Control": "public, max-age=3600",  # sites name it without a version
    "Access-Control-Allow-Origin": "*",  # for sites that check its integrity, or ask for CORS
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
)
_PREVIEW_POLICY = _POLICY + "frame-src 'self'; frame-ancestors 'self'"


@get("/widget.js", sync_to_thread=False)
def loader(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The script that a site's snippet names."""
    return answer(request, assets().files[LOADER], LOADER_HEADERS)


@get("/embed/{key:str}")
async def page(services: NamedDependency[Services], key: FromPath[str]) -> Response[str]:
    """The page in the frame: the same for every key, only that a browser shows it where it may be.

    On this server it may always be, for the owner's preview. An unknown key is one without sites.
    """
    widget: Widget | None = None
    if keys.is_key(key):
        async with services.sessions() as session:
            widget = await visitor_queries.widget_by_key(session, key)
    listed = widget.origins if widget else []
    look = _look(widget) if widget and listed else ""
    headers = {"Content-Security-Policy": _POLICY + " ".join(["frame-ancestors 'self'", *listed])}
    html = fill(assets(), PAGE, {"widget": look})
    return Response(html, headers=headers, media_type="text/html")


def _look(widget: Widget) -> str:
    """What the page is painted with before it asks for anything."""
    shown = {"title": widget.title, "color": widget.color, "language": widget.language}
    return msgspec.json.encode(shown).decode()


@get("/widget/preview", sync_to_thread=False)
def preview() -> Response[str]:
    """A page of nobody's that shows a widget, `?key=`, as a site would."""
    headers = {"Content-Security-Policy": _PREVIEW_POLICY}
    return Response(fill(assets(), PREVIEW, {}), headers=headers, media_type="text/html")


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [loader, page, preview]
    return Router("/", route_handlers=handlers, include_in_schema=False)
