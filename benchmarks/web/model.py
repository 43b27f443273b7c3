"""A model server that answers known questions from a script, and cites where the words stand.

OpenAI's wire, as far as one turn needs it.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.web.listening import Quiet, listening

NAME = "scripted-model"
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.01
"""Between two words, so that an answer comes in steps."""
UNKNOWN = "The documents do not answer this question."
_PASSAGE = re.compile(r'<passage number="(\d+)"[^>]*>\n(.*?)\n</passage>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence without its full stop, and words of the passage it rests on (None: of none)."""

    text: str
    source: str | None = None


Script = Mapping[str, Sequence[Statement]]


@dataclass(slots=True)
class Model:
    """A running model: `base_url` ends in /v1.

    `going` is cleared to stop answers in the middle. A question that is in `broken` is answered
    with status 500.
    """

    script: Script
    broken: str
    base_url: str = ""
    going: threading.Event = field(default_factory=threading.Event)


def written(script: Script, prompt: str) -> str:
    """The answer to a prompt, with the numbers of the passages that hold the sources."""
    question = next((one for one in script if prompt.rstrip().endswith(one)), None)
    if question is None:
        return UNKNOWN
    passages = [(number, _plain(text)) for number, text in _PASSAGE.findall(prompt)]
    return " ".join(_cited(one, passages) for one in script[question])


def _cited(statement: Statement, passages: Sequence[tuple[str, str]]) -> str:
    words = statement.source and _plain(statement.source)
    number = next((number for number, text in passages if words and words in text), None)
    return f"{statement.text} [{number}]." if number else f"{statement.text}."


def _plain(text: str) -> str:
    return " ".join(text.split())


@contextmanager
def running(script: Script, broken: str) -> Iterator[Model]:
    """The model until the end of the block."""
    model = Model(script, broken)
    model.going.set()

    class Wire(Quiet):
        def do_POST(self) -> None:  # noqa: N802  # the base class calls it so
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["messages"][-1]["content"].rstrip().endswith(model.broken):
                self.reply(500, b'{"error":{"message":"out of memory"}}', "application/json")
            elif body.get("stream"):
                self.close_connection = True
                with suppress(ConnectionError):  # who asked may be gone
                    self._stream(written(model.script, body["messages"][-1]["content"]))
            else:
                text = written(model.script, body["messages"][-1]["content"])
                self.reply(200, _whole(text), "application/json")

        def _stream(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            words = re.findall(r"\s*\S+", text)
            for at, word in enumerate(words):
                if at > len(words) // 2:
                    model.going.wait(PATIENCE_SECONDS)
                self._chunk(_choice(delta={"content": word}, finish_reason=None))
                threading.Event().wait(PAUSE_SECONDS)
            self._chunk(_choice(delta={}, finish_reason="stop"))
            self._chunk({"id": "c", "object": "chat.completion.chunk", "choices": [], **_USAGE})
            self.wfile.write(_framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")

        def _chunk(self, event: Mapping[str, Any]) -> None:
            self.wfile.write(_framed(f"data: {json.dumps(event)}\n\n".encode()))

    with listening(Wire) as origin:
        model.base_url = f"{origin}/v1"
        yield model
        model.going.set()


_USAGE = {
    "model": NAME,
    "created": 0,
    "usage": {"prompt_tokens": 2_140, "completion_tokens": 64, "total_tokens": 2_204},
}


def _choice(**content: object) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": NAME,
        "choices": [{"index": 0, **content}],
    }


def _whole(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "choices": [choice], **_USAGE}
    ).encode()


def _framed(raw: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(raw), raw)
