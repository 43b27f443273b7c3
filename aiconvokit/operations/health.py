"""`/health/live` and `/health/ready`: for whoever starts the process, and whoever sends it work."""

import asyncio
from typing import Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.jobs import STALLED_AFTER_SECONDS
from aiconvokit.services import Services
from aiconvokit.telemetry import models

CHECK_SECONDS = 3
"""A part that does not answer within this is away; probes give up soon after."""

State = Literal["ok", "unavailable"]
ModelState = Literal["ok", "unavailable", "unknown", "not configured"]

_WORKERS = text(
    "SELECT coalesce(max(last_heartbeat) > now() - make_interval(secs => :seconds), false)"
    " FROM procrastinate_workers"
)


class Live(Struct):
    """The process answers."""

    status: State = "ok"


class Checks(Struct):
    """What was looked at; a server without a worker answers, but reads no new documents.

    Models are not looked at: theirs is what this process's last call of them said, if it made one.
    """

    database: State
    storage: State
    worker: State
    chat_model: ModelState
    embedder: ModelState


class Ready(Struct):
    """Whether requests can be answered: the database and the storage are needed for that."""

    status: State
    checks: Checks


@get("/live", security=[{}])
async def live() -> Live:
    """The process runs; whether its parts do is not asked."""
    return Live()


@get(
    "/ready",
    security=[{}],
    responses={503: ResponseSpec(Ready, generate_examples=False, description="A part is away.")},
)
async def ready(services: NamedDependency[Services]) -> Response[Ready]:
    """Whether requests can be answered now: 200, or 503 and which part is away."""
    worker = await _worker(services)
    checks = Checks(
        database="unavailable" if worker is None else "ok",
        storage="ok" if await _can_store(services) else "unavailable",
        worker="ok" if worker else "unavailable",
        chat_model=_chat_model(services),
        embedder=models.state("embedder", services.embedder.model),
    )
    is_ready = checks.database == checks.storage == "ok"
    answer = Ready("ok" if is_ready else "unavailable", checks)
    return Response(answer, status_code=200 if is_ready else 503)


def _chat_model(services: Services) -> ModelState:
    model = services.chat_model
    return "not configured" if model is None else models.state("chat", model.name)


async def _worker(services: Services) -> bool | None:
    """Whether any worker is alive; None when the database is away."""
    try:
        async with asyncio.timeout(CHECK_SECONDS), services.sessions() as session:
            return bool(await session.scalar(_WORKERS, {"seconds": STALLED_AFTER_SECONDS}))
    except (SQLAlchemyError, TimeoutError):
        return None


async def _can_store(services: Services) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await services.storage.check()
    except OSError:  # TimeoutError is one
        return False
    return True


def router() -> Router:
    """The routes of this feature."""
    return Router("/health", route_handlers=[live, ready], tags=["health"])
