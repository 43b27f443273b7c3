"""`/threads/{id}/runs/{id}/steps`: how a run went."""

from typing import Any
from urllib.parse import parse_qs

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.cursors import CURSOR, Cursor, Page, page, read_cursor, unknown_cursor
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.steps import StepOut, steps_of
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe

CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
"""What `include[]` asks for."""
INCLUDE = {"include[]": {"type": "array", "items": {"type": "string"}}}


@get(
    "/threads/{thread_id:str}/runs/{run_id:str}/steps",
    operation_class=describe(query={**CURSOR, **INCLUDE}),
)
async def list_steps(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> Page[StepOut]:
    """A run's steps: the search and the answer."""
    wanted = read_cursor(request)
    steps = await _steps(request, session, user_id, thread_id, run_id)
    if wanted.order == "desc":
        steps.reverse()
    shown, has_more = _cut(steps, wanted)
    return page(shown, has_more=has_more)


@get(
    "/threads/{thread_id:str}/runs/{run_id:str}/steps/{step_id:str}",
    operation_class=describe(query=INCLUDE),
)
async def get_step(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
    step_id: FromPath[str],
) -> StepOut:
    """One step of a run."""
    for step in await _steps(request, session, user_id, thread_id, run_id):
        if step.id == step_id:
            return step
    raise lookup.unknown("run step", step_id)


async def _steps(
    request: ApiRequest, session: AsyncSession, user_id: int, thread_id: str, run_id: str
) -> list[StepOut]:
    """A run's steps, the search first."""
    thread = await lookup.thread(session, user_id, thread_id)
    row = await run_queries.run_of(session, thread.id, run_id)
    if row is None:
        raise lookup.unknown("run", run_id)
    return await steps_of(session, thread.public_id, row, with_content=_wants_content(request))


def _wants_content(request: ApiRequest) -> bool:
    query = parse_qs(bytes(request.scope["query_string"]).decode("latin-1"))
    return CONTENT in [*query.get("include[]", []), *query.get("include", [])]


def _cut(steps: list[StepOut], wanted: Cursor) -> tuple[list[StepOut], bool]:
    ids = [step.id for step in steps]
    for name, cursor in (("after", wanted.after), ("before", wanted.before)):
        if cursor is not None and cursor not in ids:
            raise unknown_cursor(name, cursor)
    start = ids.index(wanted.after) + 1 if wanted.after in ids else 0
    end = ids.index(wanted.before) if wanted.before in ids else len(steps)
    return steps[start : min(start + wanted.limit, end)], end > start + wanted.limit


HANDLERS: list[Any] = [list_steps, get_step]
