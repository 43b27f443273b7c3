"""What the local embedder and its child say to each other: a length, then MessagePack."""

import struct

import msgspec

LENGTH = struct.Struct("<I")
PASSAGE_LANES = 2
"""Requests with passages that the child has at once. Each is computed on one thread: two of them do
more than one on two threads."""
LANES = PASSAGE_LANES + 1
"""The last one is for queries: none ever waits for passages."""
GREETING = 0
"""The number of a child's first reply, which answers no request: the engine works, or why not."""


class EmbedRequest(msgspec.Struct, array_like=True):
    """Texts to embed, as queries or as passages."""

    number: int
    texts: list[str]
    as_queries: bool


class EmbedReply(msgspec.Struct, array_like=True):
    """Vectors for the request with this number, or why there are none; replies come in any order.

    `vectors` are little-endian float32, row by row, each of `dimensions`.
    """

    number: int = GREETING
    dimensions: int = 0
    vectors: bytes = b""
    error: str = ""


def framed(message: EmbedRequest | EmbedReply) -> bytes:
    """The message as it goes through the pipe."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body
