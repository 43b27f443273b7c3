"""What a program can have done: list the assistants, search one's documents, ask it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from aiconvokit.accounts.streams import answering
from aiconvokit.assistants import access
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.chat.answer import run_turn, to_the_end
from aiconvokit.chat.chats import new_chat
from aiconvokit.chat.schemas import AnswerOut
from aiconvokit.chat.show import show_answer
from aiconvokit.chat.turn import Asked
from aiconvokit.db import in_transaction
from aiconvokit.mcp_api.asking import Asking
from aiconvokit.mcp_api.pages import address
from aiconvokit.mcp_api.schemas import (
    AskArguments,
    Assistants,
    AssistantShown,
    FoundPassage,
    FoundPassages,
    ListArguments,
    SearchArguments,
)
from aiconvokit.rest.body import Body
from aiconvokit.rest.ending import unless_ended
from aiconvokit.rest.fields import read_fields
from aiconvokit.rest.lists import DEFAULT_LIMIT, Window
from aiconvokit.retrieval.glossary import entries_of
from aiconvokit.retrieval.schemas import show_passage
from aiconvokit.retrieval.search import Question, Scope, search

PURPOSE_CHARACTERS = 300
"""Of an assistant's instructions: enough to choose among assistants."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a tool answers: for a model to read, and for a program."""

    text: str
    structured: Struct


async def list_assistants(asking: Asking, wanted: ListArguments) -> Told:
    """List the assistants that can be asked, with their ids."""
    shared = asking.services.settings.shared_assistants
    window = Window(DEFAULT_LIMIT, wanted.after)
    async with asking.services.sessions() as session:
        rows = await assistant_queries.visible_assistants(
            session, asking.user_id, window, shared=shared
        )
    shown = [
        AssistantShown(one.id, one.name, one.company_name, one.instructions[:PURPOSE_CHARACTERS])
        for one in rows[: window.limit]
    ]
    more = shown[-1].id if len(rows) > window.limit else None
    lines = [f"{one.id}: {one.name} ({one.company_name})" for one in shown]
    return Told("\n".join(lines) or "There are no assistants.", Assistants(shown, more))


async def search_documents(asking: Asking, wanted: SearchArguments) -> Told:
    """Find the passages of an assistant's documents that answer a question, word for word."""
    services = asking.services
    assistant = await access.to_search(services, asking.user_id, wanted.assistant_id)
    scope = Scope(None, entries_of(assistant.glossary))
    found = await search(
        services, assistant.collections, Question(wanted.query), wanted.limit, scope
    )
    shown = [
        FoundPassage(
            **msgspec.structs.asdict(show_passage(one)),
            uri=address(wanted.assistant_id, one.document_id, one.page),
        )
        for one in found.passages
    ]
    told = [f"{one.filename}, page {one.page} <{one.uri}>\n{one.text}" for one in shown]
    return Told("\n\n".join(told) or "Nothing was found.", FoundPassages(shown))


async def ask_assistant(asking: Asking, wanted: AskArguments) -> Told:
    """Ask an assistant; the answer names the pages and the words that it rests on."""
    chat_id = wanted.chat_id
    if chat_id is None:
        chat_id = await _new_chat(asking, wanted.assistant_id)
    asked = Asked(asking.user_id, chat_id, wanted.assistant_id, wanted.question)
    async with answering(asking.request, asking.services, asking.user_id):
        done = await unless_ended(
            asking.request.scope, to_the_end(run_turn(asking.services, asked))
        )
    return _told(show_answer(asking.request, asked, done))


async def _new_chat(asking: Asking, assistant_id: int) -> int:
    async with in_transaction(asking.services.pool) as transaction:
        return (await new_chat(asking.services, transaction, asking.user_id, assistant_id)).id


def _told(answer: AnswerOut) -> Told:
    sources = [
        f"[{one.index}] {one.filename}, page {one.page}: “{one.quote}”" for one in answer.citations
    ]
    return Told("\n".join([answer.output, *([""] if sources else []), *sources]), answer)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, as the protocol describes it: its name and its sentence are the function's."""

    run: Callable[[Asking, Any], Awaitable[Told]]
    arguments: type[Struct]
    result: type[Struct]
    only_reads: bool

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def description(self) -> str:
        return (self.run.__doc__ or "").split("\n")[0]

    async def call(self, asking: Asking, arguments: dict[str, Any]) -> Told:
        """Run it.

        Raises:
            InvalidFields: the arguments are not as `arguments` says.
        """
        return await self.run(asking, read_fields(Body(arguments, is_form=False), self.arguments))


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(list_assistants, ListArguments, Assistants, only_reads=True),
        Tool(search_documents, SearchArguments, FoundPassages, only_reads=True),
        Tool(ask_assistant, AskArguments, AnswerOut, only_reads=False),  # the chat is stored
    )
}


def schema(shape: type[Struct]) -> dict[str, Any]:
    """A shape as JSON Schema with an object at its root, as the protocol wants it."""
    (_,), parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    root: dict[str, Any] = parts.pop(shape.__name__)
    return {**root, "$defs": parts} if parts else root
