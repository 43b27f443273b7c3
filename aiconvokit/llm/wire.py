"""What of an OpenAI-compatible answer is read; everything else is ignored.

Decoding checks the types, so that nothing behind it has to.
"""

import json

import msgspec


class TokenUsage(msgspec.Struct):
    """`usage` of a chat answer."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ContentPart(msgspec.Struct):
    """A piece of content that says of what kind it is; reasoning has no `text`."""

    text: str | None = None


class FunctionPiece(msgspec.Struct):
    """What is called; `arguments` are JSON in a string, or, of some servers, an object."""

    name: str | None = None
    arguments: object = None


class CallPiece(msgspec.Struct):
    """A call of a function, whole or a piece of it."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


class Said(msgspec.Struct):
    """What a chunk adds, or a whole message; `reasoning_content` is not among it on purpose."""

    content: str | list[ContentPart] | None = None
    tool_calls: list[CallPiece] | None = None

    @property
    def text(self) -> str:
        """The words of the answer."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class ChatChoice(msgspec.Struct):
    """One alternative; we ask for one. A whole answer has a `message` and no `delta`."""

    delta: Said | None = None
    message: Said | None = None
    finish_reason: str | None = None


class ChatChunk(msgspec.Struct):
    """One event of a streamed chat answer, a whole answer, or an error in its place."""

    choices: list[ChatChoice] | None = None
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


_chunks = msgspec.json.Decoder(ChatChunk)
_embeddings = msgspec.json.Decoder(EmbeddingAnswer)


def read_chunk(payload: bytes) -> ChatChunk:
    """Decode one event or one whole answer.

    Raises:
        ValueError: not JSON, or not of this shape.
    """
    try:
        return _chunks.decode(payload)
    except msgspec.DecodeError:
        return _read_leniently(payload)


def read_embeddings(content: bytes) -> list[EmbeddingRow]:
    """Decode the answer of `/embeddings`.

    Raises:
        ValueError: not JSON, or not of this shape.
    """
    return _embeddings.decode(content).data


def _read_leniently(payload: bytes) -> ChatChunk:
    """Through `json`: msgspec refuses the lone surrogates and broken UTF-8 that models emit."""
    try:
        return msgspec.convert(json.loads(payload.decode("utf-8", errors="replace")), ChatChunk)
    except (RecursionError, msgspec.ValidationError) as error:
        raise ValueError(f"not a chunk of a chat answer: {error}") from error
