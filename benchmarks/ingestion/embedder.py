"""An embedder that costs nothing: `python -m benchmarks.ingestion.embedder --port 8001`.

OpenAI's wire with vectors that were made and written down before the first request; which one a
text gets says its first bytes. What is measured is then ours.
"""

import argparse
import asyncio
import zlib
from typing import cast

import msgspec
import numpy as np
import uvloop
from typing_extensions import override

DIMENSIONS = 384
MODEL = "free"
VECTORS = 512
"""Different ones; a whole model's worth would not fit into the processor's caches."""
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_TAIL = b'],"usage":{"prompt_tokens":1,"total_tokens":1}}'


class Request(msgspec.Struct):
    """What is read of a request."""

    input: str | list[str]


_decoder = msgspec.json.Decoder(Request)


def written_vectors() -> list[bytes]:
    """Unit vectors as JSON, with the nine digits of a float32."""
    drawn = np.random.default_rng(1).normal(size=(VECTORS, DIMENSIONS))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return [b"[" + b",".join(b"%.9g" % number for number in row) + b"]" for row in drawn.tolist()]


class Answers(asyncio.Protocol):
    """One connection."""

    def __init__(self, vectors: list[bytes]) -> None:
        self._vectors = vectors
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._received) < end + 4 + length:
            return
        body = bytes(self._received[end + 4 : end + 4 + length])
        self._received.clear()  # a client waits for its answer before it sends the next
        self._send(self._answer(body) if body else b"{}")

    def _answer(self, body: bytes) -> bytes:
        asked = _decoder.decode(body).input
        texts = [asked] if isinstance(asked, str) else asked
        rows = b",".join(
            b'{"object":"embedding","index":%d,"embedding":%b}'
            % (index, self._vectors[zlib.crc32(text.encode()[:2_000]) % VECTORS])
            for index, text in enumerate(texts)
        )
        return b'{"object":"list","model":"free","data":[' + rows + _TAIL

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_HEAD % len(body) + body)


async def _serve(port: int) -> None:
    vectors = written_vectors()
    server = await asyncio.get_running_loop().create_server(
        lambda: Answers(vectors), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
