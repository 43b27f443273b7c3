"""What the local embedder and its child say to each other: a length, then MessagePack."""

import struct

import msgspec

LENGTH = struct.Struct("<I")


class EmbedRequest(msgspec.Struct, array_like=True):
    """Texts to embed, as queries or as passages."""

    texts: list[str]
    as_queries: bool


class EmbedReply(msgspec.Struct, array_like=True):
    """Vectors, or why there are none.

    `vectors` are little-endian float32, row by row, each of `dimensions`. The first reply of a
    child answers no request: it says that the engine works, or in `error` why it cannot.
    """

    dimensions: int = 0
    vectors: bytes = b""
    error: str = ""


def framed(message: EmbedRequest | EmbedReply) -> bytes:
    """The message as it goes through the pipe."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body
