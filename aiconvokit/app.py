"""The ASGI application: routes, dependencies, error handlers, OpenAPI."""

import logging
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from aiconvokit import __version__
from aiconvokit.accounts import routes as accounts
from aiconvokit.accounts.auth import Authentication, provide_user_id
from aiconvokit.accounts.dismissal import Dismissals
from aiconvokit.accounts.idempotency import provide_once
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.request_rates import RequestRates
from aiconvokit.accounts.streams import Streams
from aiconvokit.assistants import document_routes, picture_routes, retrieval_routes
from aiconvokit.assistants import routes as assistants
from aiconvokit.chat import routes as chat
from aiconvokit.errors import AIConvoKitError
from aiconvokit.files.pictures import open_pictures
from aiconvokit.mcp_api.mount import mcp
from aiconvokit.openai_api import routes as openai
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.operations import health
from aiconvokit.operations.metrics.routes import router as metrics
from aiconvokit.operations.reference import docs
from aiconvokit.rest.edge import Edge
from aiconvokit.rest.network import Network
from aiconvokit.rest.openapi import ContractJson
from aiconvokit.rest.problems import on_client_gone, on_crash, on_http_error, on_our_error
from aiconvokit.rest.sse import ClientGone
from aiconvokit.rest.urls import API
from aiconvokit.services import Services, provide_session
from aiconvokit.telemetry.requests import Routed
from aiconvokit.web.assets import asset, assets
from aiconvokit.web.page import page
from aiconvokit.web.widget import embed, owner_routes, visitor_routes

CLOSED = (
    "Registration is closed. Make users with `aiconvokit users create NAME`, or let anyone "
    "register with AICONVOKIT_REGISTRATION=open."
)

logger = logging.getLogger(__name__)


def create_app(services: Services) -> Litestar:
    """Put the application together on services that are open already."""
    hasher, drawn = Passwords(), open_pictures(services)
    dismissals = Dismissals(services.owner_sessions)
    runs = Runs(services, dismissals)
    streams = Streams(services)
    assets()  # read and compressed now, not by the first visitor
    features = (
        *(accounts, assistants, document_routes, picture_routes, retrieval_routes, chat),
        owner_routes,
    )
    handlers: dict[Any, Any] = {
        AIConvoKitError: on_our_error,
        ClientGone: on_client_gone,
        HTTPException: on_http_error,
        Exception: on_crash,
    }
    if services.settings.registration == "closed":
        logger.info(CLOSED)
    api = Router(API, route_handlers=[one.router() for one in features])
    surfaces: list[ControllerRouterHandler] = [api, openai.router(), mcp(services)]
    widgets = [embed.router(), visitor_routes.router()]
    app = Litestar(
        route_handlers=[*surfaces, health.router(), metrics(services), docs, page, asset, *widgets],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "hasher": Provide(lambda: hasher, sync_to_thread=False),
            "session": Provide(provide_session),
            "user_id": Provide(provide_user_id, sync_to_thread=False),
            "once": Provide(provide_once, sync_to_thread=False),
            "drawn": Provide(lambda: drawn, sync_to_thread=False),
            "runs": Provide(lambda: runs, sync_to_thread=False),
        },
        exception_handlers=handlers,
        openapi_config=_openapi(),
        request_max_body_size=services.settings.limits.max_request_bytes,
        state=State(
            {
                "settings": services.settings,
                "runs": runs,
                "streams": streams,
                "dismissals": dismissals,
            }
        ),
        logging_config=None,  # the commands decide where logs go
    )
    # Around the router, not inside of it: see each.
    counted = RequestRates(Routed(app.asgi_handler), services)
    known = Authentication(counted, services, dismissals)
    app.asgi_handler = Edge(Network(known, services.settings))
    return app


def _openapi() -> OpenAPIConfig:
    token = SecurityScheme(
        type="apiKey",
        name="Authorization",
        security_scheme_in="header",
        description="`Token <token>`, from POST /api/v1/tokens/",
    )
    return OpenAPIConfig(
        title="AIConvoKit",
        version=__version__,
        components=Components(security_schemes={"token": token}),
        security=[{"token": []}],
        use_handler_docstrings=True,
        render_plugins=[ContractJson()],
    )
