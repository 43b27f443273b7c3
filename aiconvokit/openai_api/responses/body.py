"""What a response is asked for with."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from msgspec import Meta, Struct

from aiconvokit.errors import InvalidFields
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.completions.body import NO_SHAPE, Tokens
from aiconvokit.openai_api.responses.items import Items
from aiconvokit.openai_api.responses.tools import Tools
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody, LongText

RESULTS = "file_search_call.results"
"""What `include` asks for, of all that it may name."""
INCLUDE = {"include[]": {"type": "array", "items": {"type": "string"}}}
"""The same in a query, for the OpenAPI document."""
Names = Annotated[list[str], Meta(max_length=100)]
KeptName = Annotated[str, Meta(max_length=512)]
"""What is kept and shown again, and changes nothing."""


class Named(Struct):
    """A conversation by its id."""

    id: str


class NewResponse(JsonBody):
    """A response; what is not named here is ignored."""

    model: KeptName
    input: str | Items | None = None
    instructions: LongText | None = None
    previous_response_id: str | None = None
    conversation: str | Named | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    include: Names | None = None
    tools: Tools | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    max_output_tokens: Tokens | None = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    service_tier: KeptName | None = None
    user: KeptName | None = None
    safety_identifier: KeptName | None = None
    prompt_cache_key: KeptName | None = None
    prompt: Any = None

    @property
    def conversation_id(self) -> str | None:
        """The conversation that it goes on in."""
        named = self.conversation
        return named.id if isinstance(named, Named) else named

    @property
    def is_stored(self) -> bool:
        """Whether it is there afterwards."""
        return self.store is not False


def check(body: NewResponse) -> None:
    """Refuse what means something that cannot be done.

    Raises:
        InvalidFields: what excludes each other, a prompt of OpenAI's, or another format than text.
    """
    if body.prompt is not None:
        raise InvalidFields({"prompt": ["no prompts are kept here: name an assistant as model."]})
    if body.conversation is not None and body.previous_response_id is not None:
        why = "it cannot be used together with conversation."
        raise InvalidFields({"previous_response_id": [why]})
    if body.background and not body.is_stored:
        raise InvalidFields({"background": ["it needs store to be true."]})
    wanted = (body.text or {}).get("format") or {}
    if not isinstance(wanted, dict) or wanted.get("type", "text") != "text":
        raise InvalidFields({"text.format": [NO_SHAPE]})


def included(request: ApiRequest) -> list[str]:
    """What the query of a request asks to be told besides."""
    query = parse_qs(bytes(request.scope["query_string"]).decode("latin-1"))
    return [*query.get("include[]", []), *query.get("include", [])]


def wants_results(include: Sequence[str]) -> bool:
    """Whether a search is to be told with what it found."""
    return RESULTS in include
