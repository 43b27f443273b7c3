"""`/metrics` of a process that has no API: a worker of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.exceptions import HTTPException

from aiconvokit.cli.serve import Server
from aiconvokit.errors import AIConvoKitError
from aiconvokit.operations.metrics.routes import router
from aiconvokit.rest.problems import on_crash, on_http_error, on_our_error
from aiconvokit.services import Services

HOST = "127.0.0.1"


def metrics_app(services: Services) -> Litestar:
    """An application that has this one page."""
    handlers: dict[Any, Any] = {
        AIConvoKitError: on_our_error,
        HTTPException: on_http_error,
        Exception: on_crash,
    }
    return Litestar(
        route_handlers=[router(services)],
        exception_handlers=handlers,
        openapi_config=None,
        logging_config=None,
    )


@asynccontextmanager
async def metrics_on(services: Services, port: int | None) -> AsyncIterator[None]:
    """Answer scrapes on a port of this machine as long as the block lasts; None: on none.

    Raises:
        SystemExit: the port is taken.
    """
    if port is None:
        yield
        return
    config = uvicorn.Config(
        metrics_app(services),
        host=HOST,
        port=port,
        http="httptools",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(), name="metrics")
    try:
        yield
    finally:
        server.should_exit = True
        await task
