"""A visitor's question: counted, then answered as a turn of the widget's owner."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from aiconvokit.accounts.quotas import TokensSpent, check_tokens
from aiconvokit.accounts.streams import WIDGETS, Streams
from aiconvokit.assistants import access
from aiconvokit.chat.answer import Event, Started, run_turn
from aiconvokit.chat.tables import WIDGET
from aiconvokit.chat.turn import Asked, Done
from aiconvokit.errors import AIConvoKitError, ChatBusy, InvalidFields, NotFound
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.problems import as_ours
from aiconvokit.rest.sse import event
from aiconvokit.services import Services
from aiconvokit.web.widget import budget, queries, visitor_queries
from aiconvokit.web.widget.budget import Spending
from aiconvokit.web.widget.problems import BudgetSpent, Paused, SessionEnded, as_told
from aiconvokit.web.widget.sessions import Visit
from aiconvokit.web.widget.show import show_event
from aiconvokit.web.widget.tables import Widget


@dataclass(frozen=True, slots=True)
class Admitted:
    """A question that was counted, in the conversation where it is asked."""

    asked: Asked
    spending: Spending


async def answered(
    services: Services, streams: Streams, visit: Visit, question: str
) -> AsyncGenerator[Event]:
    """Answer a question; what it cost is counted before `Done`, and however else it ends.

    Raises:
        BudgetSpent, Paused, SessionEnded: it is not taken, and no model is asked.
        TooManyStreams: the widget's visitors are being answered as often as may be.
        SessionEnded: also in the middle of an answer, when its conversation was deleted.
        AIConvoKitError: as `run_turn` does.
    """
    async with (
        streams.taken(visit.widget.id, WIDGETS),
        aclosing(_answered(services, visit, question)) as events,
    ):
        async for one in events:
            yield one


async def _answered(services: Services, visit: Visit, question: str) -> AsyncGenerator[Event]:
    await _check_owner(services, visit.widget.owner_id)
    admitted = await _admit(services, visit, question)
    message_id: str | None = None
    is_settled = False
    try:
        async with aclosing(run_turn(services, admitted.asked)) as events:
            async for one in events:
                if isinstance(one, Started):
                    message_id = one.message_id
                if isinstance(one, Done):
                    await budget.settle(services, admitted.spending, message_id)
                    is_settled = True
                yield one
    except (ChatBusy, InvalidFields, NotFound) as error:
        if message_id is None:  # it did not begin
            is_settled = True
            await asyncio.shield(budget.give_back(services, admitted.spending))
        if isinstance(error, NotFound):  # its owner deleted the conversation, or all around it
            raise SessionEnded from error
        raise
    finally:
        if not is_settled:
            await asyncio.shield(budget.settle(services, admitted.spending, message_id))


async def _check_owner(services: Services, owner_id: int) -> None:
    """Refuse where its owner, who pays, has no tokens left today."""
    try:
        await check_tokens(services, owner_id)
    except TokensSpent as error:
        raise BudgetSpent from error


async def _admit(services: Services, visit: Visit, question: str) -> Admitted:
    """Count a question, all or nothing; the first one begins the session's conversation.

    Locks are taken in one order: assistant, widget, session, what was spent.
    """
    async with services.sessions.begin() as session:
        try:
            await access.hold(session, visit.widget.assistant_id, "ask")
        except NotFound as error:
            raise SessionEnded from error
        widget = await queries.hold_widget(session, visit.widget.id, "use")
        found = await visitor_queries.hold_session(session, visit.session.id)
        if widget is None or found is None or widget.assistant_id != visit.widget.assistant_id:
            raise SessionEnded
        if widget.is_paused:
            raise Paused
        rewriting = budget.rewriting(services, question, is_first=found.chat_id is None)
        chat_id = found.chat_id or await visitor_queries.insert_chat(session, widget, found)
        instructions = await visitor_queries.length_of_instructions(session, widget.assistant_id)
        tokens = budget.set_aside(services, instructions + len(question))
        spending = await budget.take(session, widget, found.visitor, tokens)
    asked = Asked(widget.owner_id, chat_id, widget.assistant_id, question, WIDGET)
    return Admitted(asked, replace(spending, rewriting=rewriting))


async def told(
    request: ApiRequest, widget: Widget, first: Event, rest: AsyncGenerator[Event]
) -> AsyncGenerator[bytes]:
    """A turn as server-sent events; what goes wrong on the way is the last of them.

    Args:
        request: the visitor's.
        widget: whose.
        first: the first event: `Started`.
        rest: those after it.
    """
    message_id = first.message_id if isinstance(first, Started) else ""
    try:
        async with aclosing(rest):
            yield await show_event(widget, message_id, first)
            async for one in rest:
                yield await show_event(widget, message_id, one)
    except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with a word on it
        yield failed(as_ours(request, error))


def failed(error: AIConvoKitError) -> bytes:
    """The last event of a turn that came to no answer."""
    shown = as_told(error)
    return event("error", {"code": shown.code, "detail": shown.detail})
