"""A document and its passages: what the parsing child makes.

Apart from `types.py` because the child must start without numpy: its import costs more than most
parses, and its thread pool does not fit under the child's memory limit on a machine of many cores.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document.

    `number` is the physical page, from 1 (a slide; a sheet, or a part of a long one); `label` is
    what is printed on it ("iv", "A-3"), or the slide or sheet. `text` is the stored text that
    citations point into: it never changes afterwards and holds neither NUL nor lone surrogates.
    """

    number: int
    label: str | None
    text: str


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A heading that the file itself declares; `level` from 1, `page` from 1.

    `start` is where its line begins in the page's text; PDF bookmarks know only the page.
    """

    level: int
    title: str
    page: int
    start: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A file after parsing: its pages in order and what the file says of itself."""

    media_type: str
    title: str
    pages: tuple[Page, ...]
    outline: tuple[OutlineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: a slice of one page, `page_text[start:end]`.

    `heading` is the path of headings above it ("Item 7 > Liquidity"), "" when there is none.
    `context` is what is prefixed to the passage when it is embedded and indexed (title > heading);
    it is never quoted. `number_density` in 0..1 is the share of numeric tokens, doubled and capped.
    `tokens` counts the passage's own text.
    """

    ordinal: int
    page: int
    start: int
    end: int
    text: str
    heading: str
    context: str
    number_density: float
    tokens: int

    @property
    def embedded_text(self) -> str:
        """What is embedded and indexed: the place, then the passage."""
        return with_place(self.context, self.text)


def with_place(context: str, text: str) -> str:
    """A passage's text behind where it stands; "" stands nowhere."""
    return f"{context}\n{text}" if context else text
