"""What is compared: a claim of the answer, and a unit of a page that may support it."""

import dataclasses
import functools
import re
from dataclasses import dataclass

from aiconvokit.chat.numbers import Number
from aiconvokit.chat.proof import Source
from aiconvokit.chat.reading import (
    READ_CACHE,
    Reading,
    quoted_stems,
    read_claim,
    read_quote,
)
from aiconvokit.chat.table_context import (
    NOTHING_ABOVE,
    Context,
    context_of,
)
from ingestion.load import title_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a page, ready to be compared; `hints` are the prompt numbers it was shown under.

    `language` is its own passage's, `common_language` that of all passages together.
    """

    source: Source
    start: int
    end: int
    is_row: bool
    hints: frozenset[int]
    language: str | None
    common_language: str | None
    header: "Evidence | None" = None
    context: Context = NOTHING_ABOVE

    @property
    def text(self) -> str:
        return self.source.page_text[self.start : self.end]

    @property
    def reading(self) -> Reading:
        return read_quote(self.text, self.language)

    @property
    def stems(self) -> frozenset[str]:
        return quoted_stems(self.text, self.common_language)

    @property
    def numbers(self) -> tuple[Number, ...]:
        return self.reading.numbers

    @property
    def keys(self) -> frozenset[str]:
        """The words it may prove: its own, and those above a table row."""
        if not self.is_row:
            return self.reading.keys
        return self.reading.keys | self.keys_above

    @property
    def keys_above(self) -> frozenset[str]:
        """The words of the table's head, of the headings and of the file's name."""
        header = self.header.reading.keys if self.header else frozenset[str]()
        return header | named_above(self.source, self.language)


_LEAD = re.compile(
    r"\A(?:According to|As (?:stated|shown|described|reported) in|As per|Per) (?:the|this|its) "
    r"(?:[a-z\u2019'-]+ ){0,3}(?:reports?|documents?|agreement|contract|statements?|filing|policy"
    r"|passages?|text|page|excerpt|source|information),\s+"
)
"""Where an answer says it read something; with a name or a year in it, it says more."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim: its own text, for a table's cell with the row's label before it.

    `head` stands above a cell. `subject` is what the claim before it was about: "It was 4.2".
    """

    text: str
    hints: frozenset[int]
    head: str = ""
    subject: str = ""

    def read(self, language: str | None) -> Reading:
        """The claim, with the years and units above its cell, as a text in this language."""
        reading = read_claim(_LEAD.sub("", self.text), language)
        if self.subject and reading.numbers and not reading.keys:
            before = read_claim(self.subject, language)
            reading = dataclasses.replace(reading, keys=before.keys, names=before.names)
        return _under(self.head, reading) if self.head else reading


def named_above(source: Source, language: str | None) -> frozenset[str]:
    """The words of a passage's headings and of its file's name."""
    return _named(source.passage.filename, source.passage.heading, language)


@functools.lru_cache(READ_CACHE)
def _named(filename: str, heading: str, language: str | None) -> frozenset[str]:
    """The words of a document's title and of a passage's headings."""
    return read_quote(f"{title_of(filename)}. {heading}", language).keys


def _under(head: str, reading: Reading) -> Reading:
    """A cell's numbers with the scale and the kind above them, and the years there."""
    context = context_of(head)
    kind = next(iter(context.kinds)) if len(context.kinds) == 1 else None
    years = [number for number in read_claim(head, reading.language).numbers if number.is_year]
    own = [
        dataclasses.replace(
            number,
            kind=number.kind or kind,
            scale=context.scale if number.scale is None else number.scale,
        )
        for number in reading.numbers
    ]
    return dataclasses.replace(reading, numbers=(*own, *years))
