"""Citations as OpenAI's clients read them: annotations at the marks of an answer."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from aiconvokit.chat.markdown import code_spans, holder

_MARK = re.compile(r"\[(\d{1,6})\]")


class Mark(NamedTuple):
    """A mark `[number]` in an answer, `text[start:end]`."""

    number: int
    start: int
    end: int


class QuotedFile(Struct):
    """Where a quote stands; `page` and `quote` are ours."""

    file_id: str
    page: int
    quote: str


class FileCitation(Struct):
    """An annotation of a thread's message."""

    text: str
    start_index: int
    end_index: int
    file_citation: QuotedFile
    type: Literal["file_citation"] = "file_citation"


def marks_in(text: str, indices: Collection[int]) -> Iterator[Mark]:
    """The marks of some citations, in the order of the text; code has none."""
    code = code_spans(text) if "`" in text or "~" in text else []
    for found in _MARK.finditer(text):
        held = holder(code, found.start())
        is_code = held is not None and found.start() < held.end
        if int(found[1]) in indices and not is_code:
            yield Mark(int(found[1]), *found.span())


def file_citations(
    text: str, stored: Sequence[Mapping[str, Any]], file_ids: Mapping[int, str]
) -> list[FileCitation]:
    """The annotations of a message.

    Args:
        text: what it says, or a piece of it: offsets are into that.
        stored: its citations as they are kept with it.
        file_ids: public ids of their files by document; quotes of deleted ones have none.
    """
    cited = {one["index"]: one for one in stored if one["document_id"] in file_ids}
    return [
        FileCitation(
            text=text[mark.start : mark.end],
            start_index=mark.start,
            end_index=mark.end,
            file_citation=QuotedFile(
                file_id=file_ids[cited[mark.number]["document_id"]],
                page=cited[mark.number]["page"],
                quote=cited[mark.number]["quote"],
            ),
        )
        for mark in marks_in(text, cited)
    ]
