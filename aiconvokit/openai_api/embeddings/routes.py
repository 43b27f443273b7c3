"""`/v1/embeddings`: the configured embedder, for whoever brings a search of their own."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import post
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from aiconvokit.config import Limits
from aiconvokit.errors import InvalidFields, UnsupportedMediaType
from aiconvokit.llm.text import token_counts
from aiconvokit.openai_api import bodies
from aiconvokit.openai_api.embeddings.tokens import text_of
from aiconvokit.openai_api.models.names import UnknownModel
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.openapi import MODEL_ERRORS, describe
from aiconvokit.rest.sse import while_listening
from aiconvokit.retrieval.queries import space_of
from aiconvokit.services import Services
from ingestion.embed import Embedder
from ingestion.types import Vectors

HARD_WIRED = frozenset(
    ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"]
)
"""Names that programs have in their code: the configured embedder answers, under its own name."""
MAX_INPUTS = 2_048
MAX_TOKENS = 300_000
"""Of all inputs together; both as OpenAI has them."""
BODY_FACTOR = 8
"""A body of `MAX_TOKENS` is larger than other JSON: about 4 MB as words, 2 MB as tokens."""


class EmbeddingsBody(JsonBody):
    """What is to be embedded, as texts or as tokens of cl100k_base.

    `input_type` tells models that embed questions and texts differently which of them it is.
    """

    model: str
    input: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    input_type: Literal["passage", "query"] = "passage"


class EmbeddingOut(Struct):
    """A vector of unit length: numbers, or base64 of float32 in little-endian order."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingUsage(Struct):
    """Tokens of the inputs, as we count them."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Struct):
    """One vector for each input, in their order."""

    data: list[EmbeddingOut]
    model: str
    usage: EmbeddingUsage
    object: Literal["list"] = "list"


@post(
    "/embeddings",
    status_code=200,
    operation_class=describe(EmbeddingsBody, errors=(404, *MODEL_ERRORS)),
    partly="fewer dimensions than the model has",
)
async def create_embeddings(
    request: ApiRequest, services: NamedDependency[Services]
) -> EmbeddingList:
    """Embed texts with the server's own embedder."""
    wanted = await _read(request, services.settings.limits)
    embedder = services.embedder
    if wanted.model not in {embedder.model, *HARD_WIRED}:
        raise UnknownModel(wanted.model)
    texts = await asyncio.to_thread(_texts, wanted.input)
    tokens = sum(await token_counts(texts))
    if tokens > MAX_TOKENS:
        raise _wrong(f"all of it together has no more than {MAX_TOKENS} tokens.")
    vectors = await while_listening(request, _made(services, texts, wanted))
    shown = await asyncio.to_thread(_shown, vectors, wanted.encoding_format or "float")
    return EmbeddingList(shown, embedder.model, EmbeddingUsage(tokens, tokens))


async def _read(request: ApiRequest, limits: Limits) -> EmbeddingsBody:
    larger = limits.model_copy(update={"max_json_bytes": BODY_FACTOR * limits.max_json_bytes})
    body = await read_body(request, larger)
    if body.is_form:
        raise UnsupportedMediaType("This endpoint reads JSON: send Content-Type: application/json.")
    return await asyncio.to_thread(bodies.convert, body.values, EmbeddingsBody)


def _texts(given: str | Sequence[str | int | list[int]]) -> list[str]:
    """The inputs as texts.

    Raises:
        InvalidFields: they are of different kinds, too many, empty, or no tokens.
    """
    inputs: Sequence[Any] = [given] if isinstance(given, str) else given
    if all(isinstance(one, int) for one in inputs):
        inputs = [inputs]  # one text, as tokens
    if len({type(one) for one in inputs}) > 1:
        raise _wrong("it must be texts or lists of tokens, all of one kind.")
    if len(inputs) > MAX_INPUTS:
        raise _wrong(f"it must be no more than {MAX_INPUTS}.")
    try:
        texts = [one if isinstance(one, str) else text_of(one) for one in inputs]
    except ValueError as error:
        raise _wrong(f"{error} is no token of cl100k_base.") from error
    if not all(texts):
        raise _wrong("it must not be empty.")
    return texts


def _wrong(why: str) -> InvalidFields:
    return InvalidFields({"input": [why]})


async def _made(services: Services, texts: Sequence[str], wanted: EmbeddingsBody) -> Vectors:
    """Embed texts, once it is sure that their vectors are as long as they are wanted.

    Raises:
        InvalidFields: they would not be.
    """
    embedder = services.embedder
    if wanted.dimensions is not None:
        known = await _dimensions(services, texts[0])
        if wanted.dimensions != known:
            why = f"the vectors of {embedder.model} have {known} dimensions."
            raise InvalidFields({"dimensions": [why]})
    return await _embedded(embedder, texts, wanted.input_type)


async def _dimensions(services: Services, text: str) -> int:
    """How long the embedder's vectors are: as those of documents, before the first as that text's.

    Nothing is paid for a request that is refused, or one text.
    """
    embedder = services.embedder
    async with services.pool.lend() as transaction:
        space = await space_of(transaction, embedder.provider, embedder.model)
    return space.dim if space else (await embedder.embed_passages([text])).shape[1]


async def _embedded(embedder: Embedder, texts: Sequence[str], kind: str) -> Vectors:
    if kind == "query":
        return await embedder.embed_queries(texts)
    return await embedder.embed_passages(texts)


def _shown(vectors: Vectors, form: str) -> list[EmbeddingOut]:
    if form == "float":
        return [EmbeddingOut(index, row) for index, row in enumerate(vectors.tolist())]
    return [
        EmbeddingOut(index, base64.b64encode(row.tobytes()).decode())
        for index, row in enumerate(vectors.astype("<f4"))
    ]


HANDLERS: list[Any] = [create_embeddings]
