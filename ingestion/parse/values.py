"""JSON, whole or a value a line: every value stands behind the path that leads to it.

"address.city: Paris" reads like a sentence to a model and to a person, and a quote of it says what
the value is.
"""

import json
import re
from collections.abc import Iterator

from ingestion.documents import ParsedDocument
from ingestion.encodings import decode
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import JSON, JSON_LINES, extension, scrub, title_of
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown
from ingestion.parse.text import PAGE_CHARS

MAX_DEPTH = 100
"""Real data has some 10 levels; each further one makes the paths below it longer."""

MAX_KEY_CHARS = 200
"""Of a part of a path: a longer one is data itself, and stands before every value below it."""

MAX_LINE_CHARS = 200
"""A list of plain values up to here is one line, "tags: red, green"."""

Value = object
"""An object is a tuple of pairs, so that a key that stands twice is kept; a list is a list, all
else text: numbers as they are written."""

_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str
)
_SPACE = re.compile(r"[\s,]*")
"""Between values: some programs put commas there."""

_PLAIN = {True: "true", False: "false", None: "null"}


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read JSON: one value or several, of a file of either name.

    Raises:
        DocumentRejected: `unsupported` when its encoding is not read, `corrupt`, `no_text` when it
            holds no value.
        DocumentTooComplex: a limit was hit.
    """
    text = scrub(decode(data))
    known(1 + len(text) // PAGE_CHARS)
    draft = Draft(limits)
    try:
        for value in _values(text):
            _write(value, draft)
    except RecursionError:
        raise _too_deep() from None
    is_lines = extension(filename) in {".jsonl", ".ndjson"}
    return draft.finish(JSON_LINES if is_lines else JSON, title_of(filename))


def _write(value: Value, draft: Draft) -> None:
    block: list[str] = []
    size = 0
    for line in _lines(value, "", 0):
        if line is not None:
            block.append(line)
            size += len(line)
        if line is None or size > PAGE_CHARS:  # the draft keeps the limits
            draft.paragraph("\n".join(block))
            block.clear()
            size = 0
    draft.paragraph("\n".join(block))


def _values(text: str) -> Iterator[Value]:
    """The values of a file, one after the other."""
    end = _after_space(text, 0)
    while end < len(text):
        try:
            value, end = _DECODER.raw_decode(text, end)
        except json.JSONDecodeError as error:
            raise DocumentRejected(
                f"The file is no valid JSON (line {error.lineno}, column {error.colno}).",
                code="corrupt",
            ) from None
        yield value
        end = _after_space(text, end)


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _lines(value: Value, path: str, depth: int) -> Iterator[str | None]:
    """A value's lines; None before and after each object of a list, which is a block of its own."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, tuple):
        for key, below in value:
            name = " ".join(key.split())[:MAX_KEY_CHARS]
            yield from _lines(below, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list) and any(isinstance(one, tuple | list) for one in value):
        for index, below in enumerate(value):
            yield None
            # Records of a file are told apart by what they say, not by their number.
            yield from _lines(below, f"{path}[{index}]" if path else "", depth + 1)
        yield None
    elif isinstance(value, list):
        yield from _plain_list([_plain(one) for one in value], path)
    else:
        yield _line(path, _plain(value))


def _plain_list(texts: list[str], path: str) -> list[str]:
    line = _line(path, ", ".join(texts))
    if len(line) <= MAX_LINE_CHARS:
        return [line]
    return [*([f"{path}:"] if path else []), *(f"- {text}" for text in texts)]


def _line(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else _PLAIN[value]  # type: ignore[index] # what is left


def _too_deep() -> DocumentTooComplex:
    return DocumentTooComplex(f"The values are nested more than {MAX_DEPTH} levels deep.")
