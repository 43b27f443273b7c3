"""A model server that costs as little as it can: `python -m benchmarks.turns.fake --port 8001`.

OpenAI's wire: embeddings, chat completions as a whole or streamed. The model's name says how long
it takes: `fake` answers at once, `fake@300` after 300 ms, `fake@300x50` after 300 ms with 50 tokens
a second. An answer quotes the first sentence of the first passage that it was sent, with [1], and
adds a sentence of its own, so that the proof of citations has its work.

GET /stats tells how many characters the last prompt had.
"""

import argparse
import asyncio
import re
from collections.abc import Coroutine, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec
import uvloop
from typing_extensions import override

from benchmarks.turns.vectors import embed

TOKENS = 24
"""Of an answer that quotes nothing; a quote has about as many words more."""
BACKLOG = 4_096
_GENERIC = "The documents give these details and no others for the matter that was asked about."
_PASSAGE = re.compile(r"<passage [^>]*>\n(.*?)(?<=[.!?])(?:\s|$)", re.DOTALL)
_SWITCHES = re.compile(r"@(?P<delay>[\d.]+)?(?:x(?P<rate>[\d.]+))?$")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Message(msgspec.Struct):
    """One message of a prompt."""

    role: str
    content: str


class StreamOptions(msgspec.Struct):
    """Whether the usage is told at the end of a stream."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """What is read of a chat completion request."""

    model: str
    messages: list[Message]
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def characters(self) -> int:
        """Of all messages together."""
        return sum(len(message.content) for message in self.messages)


class EmbeddingRequest(msgspec.Struct):
    """What is read of an embeddings request."""

    input: str | list[str]
    model: str


_chat_decoder = msgspec.json.Decoder(ChatRequest)
_embedding_decoder = msgspec.json.Decoder(EmbeddingRequest)


class Stats:
    """What the last prompt was like."""

    characters = 0


def switches(model: str) -> tuple[float, float]:
    """Seconds before the first token, and tokens a second (0: all at once)."""
    found = _SWITCHES.search(model)
    if found is None:
        return 0.0, 0.0
    return float(found["delay"] or 0) / 1_000, float(found["rate"] or 0)


def reply(prompt: str) -> str:
    """The first sentence of the first passage as a cited statement, and one that cites nothing."""
    found = _PASSAGE.search(prompt)
    if found is None:
        return " ".join(f"word{number}" for number in range(TOKENS))
    quoted = " ".join(found[1].split()).rstrip(".!?")
    return f"{quoted} [1]. {_GENERIC}"


def tokens(text: str) -> list[str]:
    """A text in words with the space before them."""
    return re.findall(r"\s*\S+", text)


class Answers(asyncio.Protocol):
    """One connection; a request is answered before the next one is read."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._work: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._work is not None:
            self._work.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        self._go_on()

    def _go_on(self) -> None:
        while self._work is None:
            request = self._next()
            if request is None:
                return
            path, body = request
            slow = self._answer(path, body)
            if slow is not None:
                self._work = asyncio.get_running_loop().create_task(slow)
                self._work.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._work = None
        if not task.cancelled():
            task.result()
            self._go_on()

    def _next(self) -> tuple[str, bytes] | None:
        """Path and body of the next request that is here as a whole."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._received[:end]).lower()
        length = 0
        at = head.find(b"content-length:")
        if at >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        begin = end + 4
        if len(self._received) < begin + length:
            return None
        body = bytes(self._received[begin : begin + length])
        del self._received[: begin + length]
        return head.split(b" ", 2)[1].decode(), body

    def _answer(self, path: str, body: bytes) -> Coroutine[Any, Any, None] | None:
        """Answer at once, or give back the work that takes its time."""
        if path.endswith("/embeddings"):
            self._send(_embeddings(_embedding_decoder.decode(body)))
            return None
        if path.endswith("/chat/completions"):
            return self._chat(_chat_decoder.decode(body))
        if path == "/stats":
            self._send(msgspec.json.encode({"characters": Stats.characters}))
        else:
            self._write(_NOT_FOUND)
        return None

    def _chat(self, request: ChatRequest) -> Coroutine[Any, Any, None] | None:
        Stats.characters = request.characters
        text = reply(request.messages[-1].content)
        delay, rate = switches(request.model)
        if not request.stream:
            return self._whole(request, text, delay, rate)
        if rate:
            return self._drip(request, text, delay, rate)
        events = b"".join(_chunk(event) for event in _events(request, text)) + _LAST_CHUNK
        if delay:
            return self._later(delay, _STREAM_HEAD + events)
        self._write(_STREAM_HEAD + events)
        return None

    def _whole(
        self, request: ChatRequest, text: str, delay: float, rate: float
    ) -> Coroutine[Any, Any, None] | None:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        body = msgspec.json.encode(
            {**_frame(request, "chat.completion"), "choices": [choice], "usage": _usage(request)}
        )
        wait = delay + (len(tokens(text)) / rate if rate else 0)
        if wait:
            return self._later(wait, _HEAD % len(body) + body)
        self._send(body)
        return None

    async def _later(self, seconds: float, raw: bytes) -> None:
        await asyncio.sleep(seconds)
        self._write(raw)

    async def _drip(self, request: ChatRequest, text: str, delay: float, rate: float) -> None:
        self._write(_STREAM_HEAD)
        await asyncio.sleep(delay)
        for event in _events(request, text):
            self._write(_chunk(event))
            await asyncio.sleep(1 / rate)
        self._write(_LAST_CHUNK)

    def _send(self, body: bytes) -> None:
        self._write(_HEAD % len(body) + body)

    def _write(self, raw: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(raw)


def _frame(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": request.model}


def _usage(request: ChatRequest) -> Mapping[str, int]:
    prompt = request.characters // 4
    return {"prompt_tokens": prompt, "completion_tokens": 30, "total_tokens": prompt + 30}


def _events(request: ChatRequest, text: str) -> Iterator[bytes]:
    frame = _frame(request, "chat.completion.chunk")
    for token in tokens(text):
        choice = {"index": 0, "delta": {"content": token}, "finish_reason": None}
        yield msgspec.json.encode({**frame, "choices": [choice]})
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield msgspec.json.encode({**frame, "choices": [choice]})
    if request.stream_options is not None and request.stream_options.include_usage:
        yield msgspec.json.encode({**frame, "choices": [], "usage": _usage(request)})
    yield b"[DONE]"


def _chunk(event: bytes) -> bytes:
    raw = b"data: " + event + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(raw), raw)


def _embeddings(request: EmbeddingRequest) -> bytes:
    texts = [request.input] if isinstance(request.input, str) else request.input
    rows = b",".join(
        b'{"object":"embedding","index":%d,"embedding":%b}' % (index, _vector(text))
        for index, text in enumerate(texts)
    )
    usage = b'"usage":{"prompt_tokens":1,"total_tokens":1}'
    return b'{"object":"list","model":"fake-embed","data":[%b],%b}' % (rows, usage)


@lru_cache(maxsize=50_000)
def _vector(text: str) -> bytes:
    vector: list[float] = embed(text).tolist()
    return msgspec.json.encode(vector)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Answers, "127.0.0.1", port, backlog=BACKLOG
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
