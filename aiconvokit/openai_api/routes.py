"""All of `/v1`, put together."""

from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from aiconvokit.accounts.auth import require_user
from aiconvokit.errors import NotFound
from aiconvokit.openai_api.assistants import routes as assistants_routes
from aiconvokit.openai_api.completions import routes as completions_routes
from aiconvokit.openai_api.conversations import items_routes as conversation_items_routes
from aiconvokit.openai_api.conversations import routes as conversations_routes
from aiconvokit.openai_api.embeddings import routes as embeddings_routes
from aiconvokit.openai_api.files import routes as files_routes
from aiconvokit.openai_api.messages import routes as messages_routes
from aiconvokit.openai_api.models import routes as models_routes
from aiconvokit.openai_api.originals import routes as originals_routes
from aiconvokit.openai_api.responses import routes as responses_routes
from aiconvokit.openai_api.runs import routes as runs_routes
from aiconvokit.openai_api.runs import steps_routes, submit_routes
from aiconvokit.openai_api.runs import thread_routes as thread_runs_routes
from aiconvokit.openai_api.threads import routes as threads_routes
from aiconvokit.openai_api.vector_stores import batches_routes as file_batches_routes
from aiconvokit.openai_api.vector_stores import files_routes as vector_store_files_routes
from aiconvokit.openai_api.vector_stores import routes as vector_stores_routes
from aiconvokit.rest.openai_errors import V1
from ingestion.storable import why_unstorable

GROUPS = (
    *(models_routes, responses_routes, conversations_routes, conversation_items_routes),
    *(completions_routes, embeddings_routes),
    *(files_routes, vector_stores_routes, vector_store_files_routes, file_batches_routes),
    *(assistants_routes, threads_routes, messages_routes),
    *(runs_routes, thread_runs_routes, submit_routes, steps_routes),
)


def router() -> Router:
    """The routes of the OpenAI surface; links to originals bring their own credentials."""
    handlers: list[Any] = [one for group in GROUPS for one in group.HANDLERS]
    guarded = Router("/", route_handlers=handlers, guards=[require_user, require_ids])
    return Router(V1, route_handlers=[guarded, *originals_routes.HANDLERS], tags=["openai"])


async def require_ids(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: an id in the path that no text of the database can be is unknown."""
    # async, though it awaits nothing: see `require_user`
    if any(why_unstorable(str(one)) for one in connection.path_params.values()):
        raise NotFound("Nothing has such an id.")
