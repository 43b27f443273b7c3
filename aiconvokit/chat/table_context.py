"""What a table says once for all its cells: the years above, "EUR million", the signs of a row."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aiconvokit.chat.numbers import (
    SCALE_NAME,
    SCALE_WORDS,
    kinds_in,
    may_have_year,
    quoted_numbers,
    scale_of,
)
from aiconvokit.chat.units import Unit, split_units
from ingestion.language import letters

CAPTION_WORDS = 30
"""A unit of more words is prose, no caption: what stood above it is over."""

PAGE_CACHE = 1 << 7
"""Pages kept cut into units, some ten kilobytes each."""

_SCALE = re.compile(rf"(?<![\d.,])(?<!\d\s)(?:{SCALE_NAME})", re.IGNORECASE)
_PER = re.compile(r"\b(?:per|je|pro|par|por)\s+\w+|每股", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """The power of ten and the kinds (currencies, percent) that cells may take from above."""

    scale: int | None = None
    kinds: frozenset[str] = frozenset()


NOTHING_ABOVE = Context()


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit of a page, the head of its table if it has one, and what it takes from above."""

    unit: Unit
    header: Unit | None
    context: Context


@functools.lru_cache(PAGE_CACHE)
def placed_units(page_text: str) -> tuple[Placed, ...]:
    """The units of a page in their order, each row with its table's head and context."""
    return tuple(_placed(page_text))


def context_of(text: str) -> Context:
    """The scale and the kinds that a caption, a head or a label names."""
    is_named = not text.isascii() or not SCALE_WORDS.isdisjoint(letters(text))
    match = _SCALE.search(text) if is_named else None
    return Context(scale_of(match.group()) if match else None, kinds_in(text))


def _placed(text: str) -> Iterator[Placed]:
    units = split_units(text)
    # Only rows take something from above: nothing is read behind the last one.
    last = max((at for at, unit in enumerate(units) if unit.is_row), default=-1)
    header: Unit | None = None
    caption = run = Context()
    for at, unit in enumerate(units):
        body = text[unit.start : unit.end]
        if not unit.is_row:
            run = Context()
            if at < last:
                caption = _caption(body, caption) if len(body.split()) <= CAPTION_WORDS else run
            yield Placed(unit, None, NOTHING_ABOVE)
            continue
        if _is_header(body):
            header = unit
            caption, run = _joined(context_of(body), caption), Context()
        run = Context(None, run.kinds | kinds_in(body))
        scale = None if _PER.search(body) else caption.scale
        above = header if header != unit else None
        yield Placed(unit, above, Context(scale, caption.kinds | run.kinds))


def _caption(body: str, before: Context) -> Context:
    found = context_of(body)
    return found if found.scale is not None else _joined(before, found)


def _joined(one: Context, other: Context) -> Context:
    scale = one.scale if one.scale is not None else other.scale
    return Context(scale, one.kinds | other.kinds)


def _is_header(body: str) -> bool:
    """The head of a table of figures: a row whose numbers are years, or dates with them."""
    if not may_have_year(body):
        return False
    found = quoted_numbers(body)
    return sum(number.as_year is not None for number in found) * 2 >= len(found) > 0
