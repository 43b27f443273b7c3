"""All of `/v1`, put together."""

from typing import Any

from litestar import Router

from aiconvokit.accounts.auth import require_user
from aiconvokit.openai_api import (
    assistants_routes,
    completions_routes,
    embeddings_routes,
    file_batches_routes,
    files_routes,
    messages_routes,
    models_routes,
    runs_routes,
    steps_routes,
    threads_routes,
    vector_store_files_routes,
    vector_stores_routes,
)
from aiconvokit.rest.openai_errors import V1

GROUPS = (
    *(models_routes, completions_routes, embeddings_routes),
    *(files_routes, vector_stores_routes, vector_store_files_routes, file_batches_routes),
    *(assistants_routes, threads_routes, messages_routes, runs_routes, steps_routes),
)


def router() -> Router:
    """The routes of the OpenAI surface."""
    handlers: list[Any] = [one for group in GROUPS for one in group.HANDLERS]
    return Router(V1, route_handlers=handlers, guards=[require_user], tags=["openai"])
