"""Assistants on `/v1`: the same ones as on `/api/v1`, in OpenAI's shape."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.answer import EXTRACTIVE
from aiconvokit.errors import InvalidFields
from aiconvokit.ids import public_id
from aiconvokit.openai_api import tools
from aiconvokit.openai_api.assistants import queries
from aiconvokit.openai_api.assistants.queries import Attached
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.threads import vector_store
from aiconvokit.openai_api.tool_resources import (
    MAX_STORES,
    Resources,
    ResourcesOut,
    StoreIds,
    stores_of,
)
from aiconvokit.openai_api.tools import Tools
from aiconvokit.rest.fields import JsonBody, LongText
from aiconvokit.services import Services

SHOWS_OWN = "shows_own"
"""The option that says that a client named the assistant's own vector store."""

Name = Annotated[str, Meta(max_length=256)]
Description = Annotated[str, Meta(max_length=512)]
Model = Annotated[str, Meta(min_length=1, max_length=256)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(ge=0, le=1)]


class ResponseFormat(Struct, omit_defaults=True):
    """How an answer is to be written; it is kept and shown."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


Format = Literal["auto"] | ResponseFormat
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class _Options(JsonBody):
    """What can be said of an assistant; null is as if it had never been."""

    name: Name | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    instructions: LongText | UnsetType | None = UNSET
    tools: Tools | UnsetType | None = UNSET
    tool_resources: Resources | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    top_p: TopP | UnsetType | None = UNSET
    response_format: Format | UnsetType | None = UNSET
    reasoning_effort: Effort | UnsetType | None = UNSET


class NewAssistant(_Options, kw_only=True):
    """A new assistant."""

    model: Model


class AssistantUpdate(_Options, kw_only=True):
    """What changes of an assistant; what is not there stays."""

    model: Model | UnsetType | None = UNSET


class AssistantOut(Struct):
    """OpenAI's assistant object."""

    id: str
    created_at: int
    name: str | None
    description: str | None
    model: str
    instructions: str | None
    tools: list[dict[str, Any]]
    tool_resources: ResourcesOut
    metadata: dict[str, str]
    temperature: float | None
    top_p: float | None
    response_format: str | dict[str, Any]
    reasoning_effort: str | None
    object: Literal["assistant"] = "assistant"


class AssistantDeleted(Struct):
    """An assistant that is gone."""

    id: str
    object: Literal["assistant.deleted"] = "assistant.deleted"
    deleted: Literal[True] = True


async def show_assistants(
    services: Services, session: AsyncSession, found: Sequence[Assistant]
) -> list[AssistantOut]:
    """Some assistants on the wire."""
    attached = await queries.attached_to(session, [one.id for one in found])
    return [_show(services, one, attached.get(one.id, [])) for one in found]


def _show(services: Services, assistant: Assistant, attached: Sequence[Attached]) -> AssistantOut:
    options = assistant.options
    shown = [
        one.public_id
        for one in attached
        if one.position or one.has_documents or options.get(SHOWS_OWN)
    ]
    return AssistantOut(
        id=assistant.openai_id,
        created_at=seconds(assistant.created_at),
        name=assistant.name or None,
        description=assistant.description,
        model=assistant.model or own_model(services),
        instructions=assistant.instructions or None,
        tools=tools.tools_of(assistant),
        tool_resources=ResourcesOut(StoreIds(shown)),
        metadata=assistant.metadata_,
        temperature=options.get("temperature"),
        top_p=options.get("top_p"),
        response_format=options.get("response_format") or "auto",
        reasoning_effort=options.get("reasoning_effort"),
    )


def own_model(services: Services) -> str:
    """The name of what answers on this server."""
    return services.chat_model.name if services.chat_model else EXTRACTIVE


async def make(
    services: Services, session: AsyncSession, user_id: int, wanted: NewAssistant
) -> Assistant:
    """Make an assistant in the caller's transaction.

    Raises:
        NotFound: a vector store or a file is none of the user's.
        InvalidFields: a tool is not offered.
    """
    values = {"name": "", "instructions": "", **_values(wanted, {}), "company_name": ""}
    values.setdefault("searches", False)
    values["options"].setdefault("tools", [])
    assistant = Assistant(openai_id=public_id("asst"), owner_id=user_id, **values)
    await queries.insert(session, assistant)
    await audit.note(session, "assistant.created", "assistant", assistant.id)
    await _attach(services, session, assistant, wanted.tool_resources)
    return assistant


async def change(
    services: Services, session: AsyncSession, assistant: Assistant, wanted: AssistantUpdate
) -> None:
    """Change an assistant that is held, in the caller's transaction.

    Raises:
        NotFound: a vector store or a file is none of its owner's.
        InvalidFields: a tool is not offered.
    """
    await queries.change(session, assistant, _values(wanted, assistant.options))
    await _attach(services, session, assistant, wanted.tool_resources)


def _values(wanted: _Options, kept: dict[str, Any]) -> dict[str, Any]:
    """The columns that a body speaks of, and what is kept besides."""
    values: dict[str, Any] = {}
    for name, empty in (("name", ""), ("instructions", ""), ("description", None), ("model", None)):
        given = getattr(wanted, name)
        if given is not UNSET:
            values[name] = empty if given is None else given
    if wanted.metadata is not UNSET:
        values["metadata_"] = wanted.metadata or {}
    options = dict(kept)
    for name in ("temperature", "top_p", "response_format", "reasoning_effort"):
        given = getattr(wanted, name)
        if given is not UNSET:
            options[name] = msgspec.to_builtins(given)
    if wanted.tools is not UNSET:
        options["tools"] = tools.checked(wanted.tools or [])
        values["searches"] = tools.options_in(options["tools"]) is not None
    return {**values, "options": options}


async def _attach(
    services: Services,
    session: AsyncSession,
    assistant: Assistant,
    wanted: Resources | UnsetType | None,
) -> None:
    """Let an assistant read what a body names; all that it names not is detached."""
    stores = stores_of(wanted)
    if stores is None:
        return
    named = await vector_store.named(services, session, assistant.owner_id, stores)
    if len(named) > MAX_STORES:
        why = f"an assistant reads at most {MAX_STORES} vector stores."
        raise InvalidFields({"tool_resources.file_search": [why]})
    await queries.attach(session, assistant.id, [one.id for one in named])
    await queries.change(
        session, assistant, {"options": {**assistant.options, SHOWS_OWN: bool(named)}}
    )
