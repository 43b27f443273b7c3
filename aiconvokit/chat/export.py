"""A chat as a file: Markdown with footnotes, or the JSON of the API. Written piece by piece."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar.serialization import encode_json

from aiconvokit.chat.harmless import closed, harmless
from aiconvokit.chat.markdown import code_spans, holder
from aiconvokit.chat.schemas import ChatDetail, CitationOut, MessageOut

MARKDOWN, JSON = "markdown", "json"
AT_ONCE = 100
"""Messages in memory at a time: some MB at most."""
MAX_NAME = 80
"""Characters of a file's name: short of what any file system refuses."""

_MARK = re.compile(r"\[(\d{1,6})\]")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_NO_NAME = re.compile(r"[\\/:*?\"<>|]")
_JOINERS = "\u200c\u200d"
"""Marks of no width that words of Persian and Hindi, and some emoji, are written with."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is called, and what it says that it is."""

    suffix: str
    media_type: str


FORMATS = {
    MARKDOWN: Format("md", "text/markdown"),
    JSON: Format("json", "application/json"),
}

After = Callable[[int], Awaitable[tuple[list[MessageOut], int]]]
"""From the id of a message to those that come after it, and the id of the last of them."""


def disposition(chat: ChatDetail, form: str) -> str:
    """The header that makes a browser save the file, under the chat's title."""
    seen = "".join(_seen(one) for one in chat.title)
    words = " ".join(_NO_NAME.sub(" ", seen).split())
    title = words[:MAX_NAME].strip(f" .{_JOINERS}") or f"chat-{chat.id}"
    name = f"{title}.{FORMATS[form].suffix}"
    plain = f"chat-{chat.id}.{FORMATS[form].suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _seen(character: str) -> str:
    """A character as it may stand in a file's name.

    Those that cannot be seen are left out (marks of direction among them, which would show a name
    as another one), and controls and odd spaces are spaces.
    """
    if character.isprintable() or character in _JOINERS:
        return character
    return "" if unicodedata.category(character) in {"Cf", "Cn", "Co"} else " "


async def written(chat: ChatDetail, after: After, form: str) -> AsyncGenerator[bytes, None]:
    """A whole chat.

    Args:
        chat: without messages.
        after: reads these.
        form: `markdown` or `json`.
    """
    writer: _Markdown | _Json = _Json() if form == JSON else _Markdown()
    yield writer.head(chat)
    messages, last_id = await after(0)
    while messages:
        yield await asyncio.to_thread(_block, writer, messages)
        messages, last_id = await after(last_id)
    yield writer.tail


def _block(writer: "_Markdown | _Json", messages: list[MessageOut]) -> bytes:
    """Messages as they stand in the file: CPU time, for a thread."""
    return b"".join(writer.message(one) for one in messages)


class _Json:
    """`GET /chat/{id}/` as if it had no end; `messages` is the last of its keys."""

    tail = b"]}"

    def __init__(self) -> None:
        self._before = b""

    def head(self, chat: ChatDetail) -> bytes:
        return encode_json(chat).removesuffix(self.tail)

    def message(self, message: MessageOut) -> bytes:
        before, self._before = self._before, b","
        return before + encode_json(message)


class _Markdown:
    """Questions as quotes, answers as they are, their citations as footnotes.

    Neither shows images or HTML: a reader's program would load them from wherever they are.
    """

    tail = b""

    def __init__(self) -> None:
        self._questions = 0

    def head(self, chat: ChatDetail) -> bytes:
        title = _plain(chat.title) or f"Chat {chat.id}"
        return f"# {title}\n\n{_time(chat.created_at)}\n".encode()

    def message(self, message: MessageOut) -> bytes:
        if message.role == "user":
            self._questions += 1
            said = harmless("\n".join(message.content.splitlines()), _quoted)
            return f"\n## Question {self._questions}\n\n{said}\n".encode()
        about = [_time(message.created_at), _plain(message.model or "")]
        if message.status != "complete":
            about.append(message.status.replace("_", " "))
        noted = _with_footnotes(message.content, self._questions, message.citations)
        said = closed(harmless(noted))
        notes = [_footnote(one, self._questions) for one in message.citations]
        parts = [
            f"## Answer {self._questions}",
            f"*{', '.join(one for one in about if one)}*",
            *([said] if said else []),
            *notes,
        ]
        return ("\n" + "\n\n".join(parts) + "\n").encode()


def _with_footnotes(text: str, question: int, citations: list[CitationOut]) -> str:
    """An answer whose marks outside code are footnotes of the file."""
    code, cited = code_spans(text), {one.index for one in citations}

    def noted(mark: "re.Match[str]") -> str:
        span = holder(code, mark.start())
        is_code = span is not None and mark.start() < span.end
        if is_code or int(mark[1]) not in cited:
            return mark[0]
        is_image = text[mark.start() - 1 : mark.start()] == "!"  # would look like one
        return f"{' ' if is_image else ''}[^{question}-{mark[1]}]"

    return _MARK.sub(noted, text)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""


def _footnote(citation: CitationOut, question: int) -> str:
    name = _plain(citation.filename)
    words = _plain(citation.quote)
    return f"[^{question}-{citation.index}]: {name}, page {citation.page}: \u201c{words}\u201d"


def _plain(text: str) -> str:
    """Text of somebody else on one line, without a meaning in Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _time(stamp: Any) -> str:
    return f"{stamp[:10]} {stamp[11:16]} UTC"
