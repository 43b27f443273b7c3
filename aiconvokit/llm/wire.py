"""What of an OpenAI-compatible answer is read; everything else is ignored.

Decoding checks the types, so that nothing behind it has to.
"""

import json

import msgspec


class TokenUsage(msgspec.Struct):
    """`usage` of a chat answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChunkDelta(msgspec.Struct):
    """What a chunk adds; `reasoning_content` is not among it on purpose."""

    content: str | None = None


class ChunkChoice(msgspec.Struct):
    """One alternative; we ask for one."""

    delta: ChunkDelta | None = None
    finish_reason: str | None = None


class ChatChunk(msgspec.Struct):
    """One event of a streamed chat answer, or an error in its place."""

    choices: list[ChunkChoice] | None = None
    usage: TokenUsage | None = None
    model: str | None = None
    error: object = None


class EmbeddingRow(msgspec.Struct):
    """One vector; `index` is missing where a server leaves out zeros."""

    embedding: list[float]
    index: int | None = None


class EmbeddingAnswer(msgspec.Struct):
    """The answer of `/embeddings`."""

    data: list[EmbeddingRow]


def read_chunk(payload: str) -> ChatChunk:
    """Decode one event; through `json`, since msgspec refuses the lone surrogates models emit.

    Raises:
        ValueError: not JSON, or not of this shape.
    """
    try:
        return msgspec.convert(json.loads(payload), ChatChunk)
    except (RecursionError, msgspec.ValidationError) as error:
        raise ValueError(f"not a chunk of a chat answer: {error}") from error
