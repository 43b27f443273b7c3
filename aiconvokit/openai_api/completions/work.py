"""Who answers a chat completion: an assistant, the plain chat model, or nobody's model.

All of them tell what they come to as the events of a turn. What came with the request is not
stored; only that an assistant was asked is counted. A request that names a thread is a turn of it.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

from aiconvokit.accounts.queries import NO_ASSISTANT, add_usage
from aiconvokit.chat.answer import Called, Event, TextDelta, answer, carry_on
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.sources import find_sources
from aiconvokit.chat.telling import unstored
from aiconvokit.chat.thread_turn import AskedInThread, begin_in_thread
from aiconvokit.chat.turn import StoredTurn, count_answered
from aiconvokit.chat.turn_queries import Persona, Saying
from aiconvokit.chat.turn_state import Answer, Turn
from aiconvokit.db import Transaction, in_transaction
from aiconvokit.errors import InvalidFields
from aiconvokit.llm.chat_model import ChatMessage, ChatModel, Delta, Restarted
from aiconvokit.llm.functions import AUTO, Offered
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.completions import queries
from aiconvokit.openai_api.completions.body import ChatBody, Conversation, check, check_format
from aiconvokit.openai_api.completions.body import conversation as read_conversation
from aiconvokit.openai_api.completions.calling import offering
from aiconvokit.openai_api.completions.front_ends import Job, recognised, stand_in
from aiconvokit.openai_api.models import names as models
from aiconvokit.openai_api.models.names import UnknownModel
from aiconvokit.retrieval.types import SearchedCollection
from aiconvokit.services import Services

NOT_IN_THREADS = "in a thread functions are called by runs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An answer in work: nothing is done before the first of its `events` is asked for.

    `asked` are the request's messages. `answer` and `trace` are filled as the events come.
    `assistant_id` is whose documents are cited, `thread_id` whose turn it is.
    """

    events: AsyncGenerator[Event]
    asked: Sequence[ChatMessage]
    answer: Answer
    trace: Trace
    assistant_id: int | None = None
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was read, and where its answer is noted."""

    services: Services
    user_id: int
    body: ChatBody
    conversation: Conversation
    offered: Offered | None = None
    answer: Answer = field(default_factory=Answer)
    trace: Trace = field(default_factory=Trace)

    def work(
        self,
        events: AsyncGenerator[Event],
        assistant_id: int | None = None,
        thread_id: str | None = None,
    ) -> Work:
        return Work(
            events=events,
            asked=self.conversation.messages,
            answer=self.answer,
            trace=self.trace,
            assistant_id=assistant_id,
            thread_id=thread_id,
        )


async def prepare(services: Services, user_id: int, body: ChatBody) -> Work:
    """Find out who is asked.

    Raises:
        InvalidFields: it cannot be answered as it is wanted.
        NotFound: the thread is unknown.
        UnknownModel: so is the model.
    """
    check(body)
    asked = _Asked(services, user_id, body, read_conversation(body.messages), body.offered)
    assistant_id = await models.resolve(services, user_id, body.model)
    job = recognised(asked.conversation.messages)
    if job is not None:
        model = services.chat_model
        return asked.work(
            _done_without(asked, job) if model is None else _plain(asked, model, None)
        )
    check_format(body)
    if assistant_id is None and body.thread_id is not None:
        raise InvalidFields({"metadata.thread_id": ["only an assistant answers in a thread."]})
    if assistant_id is None:
        make = partial(_plain, asked, _configured(services, body.model))
        return asked.work(offering(services, asked.offered, make))
    if body.thread_id is not None:
        if asked.offered is not None and asked.offered.choice != AUTO:
            raise InvalidFields({"tool_choice": [NOT_IN_THREADS]})
        return await _in_thread(asked, assistant_id, body.thread_id)
    return await _by_itself(asked, assistant_id)


def _configured(services: Services, name: str) -> ChatModel:
    if services.chat_model is None:
        raise UnknownModel(name)
    return services.chat_model


async def _done_without(asked: _Asked, job: Job) -> AsyncGenerator[Event]:
    asked.answer.finish_reason = "stop"
    yield TextDelta(stand_in(job, asked.conversation.messages))


async def _plain(asked: _Asked, model: ChatModel, offered: Offered | None) -> AsyncGenerator[Event]:
    """The chat model by itself, told what the caller says and nothing else."""
    said = asked.answer
    asked.trace.messages = asked.conversation.messages
    stream = model.stream(
        asked.trace.messages, max_tokens=asked.body.bounds.answer_tokens, offered=offered
    )
    async with aclosing(stream) as events:
        async for event in events:
            if isinstance(event, Delta):
                yield TextDelta(event.text)
            elif isinstance(event, Restarted):
                yield event
            else:
                said.finish_reason, said.usage = event.finish_reason, event.usage
                if event.calls:
                    yield Called(event.calls)
    async with in_transaction(asked.services.pool) as transaction:
        await add_usage(
            transaction,
            asked.user_id,
            NO_ASSISTANT,
            prompt_tokens=said.usage.prompt_tokens if said.usage else 0,
            completion_tokens=said.usage.completion_tokens if said.usage else 0,
            questions=0 if asked.conversation.rounds else 1,
        )


async def _by_itself(asked: _Asked, assistant_id: int) -> Work:
    """A turn of the conversation that came with the request."""
    question = asked.conversation.question
    persona, collections = await _found(asked, assistant_id)
    own = (persona.instructions, asked.conversation.instructions)
    turn = Turn(
        question=question,
        persona=replace(persona, instructions="\n\n".join(filter(None, own))),
        collections=collections,
        history=asked.conversation.history,
        bounds=asked.body.bounds,
        rounds=asked.conversation.rounds,
        trace=asked.trace,
        answer=asked.answer,
    )
    make = partial(_turn, asked, turn)
    return asked.work(offering(asked.services, asked.offered, make), assistant_id)


async def _found(asked: _Asked, assistant_id: int) -> tuple[Persona, list[SearchedCollection]]:
    shared = asked.services.settings.shared_assistants
    async with in_transaction(asked.services.pool) as transaction:
        found = await queries.asked(transaction, asked.user_id, assistant_id, shared=shared)
    if found is None:
        raise UnknownModel(asked.body.model)
    return found


async def _turn(asked: _Asked, begun: Turn, offered: Offered | None) -> AsyncGenerator[Event]:
    services, turn = asked.services, replace(begun, offered=offered)
    with unstored(turn):
        sources = await find_sources(services, turn)
        async with aclosing(answer(services, turn, sources)) as events:
            async for event in events:
                yield event
        async with in_transaction(services.pool) as transaction:
            await count_answered(transaction, asked.user_id, turn)


async def _in_thread(asked: _Asked, assistant_id: int, thread_id: str) -> Work:
    async with asked.services.sessions() as session:
        thread = await lookup.thread(session, asked.user_id, thread_id)
    wanted = AskedInThread(
        user_id=asked.user_id,
        thread_id=thread.id,
        assistant_id=assistant_id,
        more_instructions=asked.conversation.instructions,
        said_first=[Saying("user", asked.conversation.question)],
        bounds=asked.body.bounds,
    )
    return asked.work(_stored_turn(asked, wanted), assistant_id, thread_id)


async def _stored_turn(asked: _Asked, wanted: AskedInThread) -> AsyncGenerator[Event]:
    begun = await begin_in_thread(asked.services, wanted, _nothing_else)
    turn = replace(begun, trace=asked.trace, answer=asked.answer)
    async with aclosing(carry_on(asked.services, turn)) as events:
        async for event in events:
            yield event


async def _nothing_else(_: Transaction, __: StoredTurn) -> None:
    """With the turn begins nothing that were to be stored."""
