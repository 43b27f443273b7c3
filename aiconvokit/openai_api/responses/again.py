"""A response that is told once more, from what is stored of it: waited for, and told at its end."""

from aiconvokit.errors import AIConvoKitError
from aiconvokit.openai_api.responses.asking import own_response
from aiconvokit.openai_api.responses.events import Listening
from aiconvokit.openai_api.responses.queries import ResponseRow
from aiconvokit.openai_api.responses.schemas import ResponseOut, SearchItem
from aiconvokit.openai_api.responses.show import (
    IN_PROGRESS,
    conversation_id,
    response,
    search_id,
    show,
)
from aiconvokit.openai_api.runs.again import events_of
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services


def listening_again(
    request: ApiRequest, services: Services, row: ResponseRow, *, with_results: bool
) -> Listening:
    """What is told of a stored response, or of one that is still in work."""
    run, thread, answer = row

    async def found() -> SearchItem:
        return SearchItem(search_id(run.public_id), "completed", [])

    async def outcome(_: AIConvoKitError | None) -> ResponseOut:
        async with services.sessions() as session:
            now = await own_response(session, thread.owner_id, run.public_id)
            return await show(session, now, with_results=with_results)

    shown = response(
        run, IN_PROGRESS, [], usage=None, conversation=conversation_id(thread.public_id)
    )
    return Listening(
        request=request,
        services=services,
        begun=shown,
        searches=run.parameters["searches"],
        message_id=answer.public_id if answer else "",
        found=found,
        outcome=outcome,
        events=events_of(services, thread, run),
    )
