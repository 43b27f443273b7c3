"""Where sentences end, in any prose: abbreviations, decimals and full-width stops included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]`, in characters; never empty, no white space at either end."""

    start: int
    end: int


_STOP = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u2019\u201d\u00bb)\]]*+(?=\s|$)"  # Latin: before a space
    r"|[\u3002\uff01\uff1f\uff61\u0964\u061f\u06d4]+[\"'\u2019\u201d\u300d\u300f\uff09\u3011]*"
)
_LETTER = re.compile(r"[^\W\d_]")

# After these a stop ends nothing while anything follows.
_TITLES = """no nos nr mr mrs ms dr prof st art arts sec secs sect fig figs vol pp p par para ch cf
e.g i.e vs v approx ca al ref eq gen gov hon rev sr sra z.b d.h u.a bzw ggf vgl abs s ziff jan feb
mar apr jun jul aug sep sept oct nov dec"""
# After these it does when a new sentence plainly begins, with one of the openers.
_SUFFIXES = """inc ltd co corp llc plc gmbh ag jr u.s u.k u.s.a e.u n.a s.a n.v a.m p.m etc bros
dept est usw mio mrd"""
_OPENING = """a all an and as at both but each for he however i if in it its no on our see she such
that the their there these they this those under upon we when with"""

_MONTHS = """januar j\u00e4nner februar m\u00e4rz april mai juni juli august september oktober
november dezember"""

_AFTER_AN_ORDINAL = frozenset(_MONTHS.split())
_BEFORE_A_NAME = frozenset(_TITLES.split())
_MAY_END = frozenset(_SUFFIXES.split())
_OPENERS = frozenset(_OPENING.split())
TOKEN_REACH = 60
"""Characters before a stop that are looked at; no abbreviation is longer."""

_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_NEXT_WORD = re.compile(r"\s*[\"'\u2018\u201c\u00ab(\[]*(\S+)")


def sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of the prose `text[start:end]`; a line break in it is white space."""
    begin = read = start
    has_letter = False
    for match in _STOP.finditer(text, start, end):
        # "1." before "Definitions" numbers a sentence, it is none.
        has_letter = has_letter or bool(_LETTER.search(text, read, match.start()))
        read = match.end()
        if has_letter and _ends_sentence(text, begin, match, end):
            yield from trimmed(text, begin, match.end())
            begin, has_letter = match.end(), False
    yield from trimmed(text, begin, end)


def trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without white space around it; nothing when nothing is left."""
    piece = text[start:end]
    body = piece.strip()
    if body:
        begin = start + len(piece) - len(piece.lstrip())
        yield Span(begin, begin + len(body))


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if stop.group() != ".":
        return True
    following = _NEXT_WORD.match(text, stop.end(), end)
    word = following.group(1) if following else ""
    if word[:1].islower():
        return False
    return _token_ends(text[max(begin, stop.start() - TOKEN_REACH) : stop.start()], word)


def _token_ends(before: str, following: str) -> bool:
    """Whether the stop after the last token of `before` ends a sentence."""
    last = "" if before[-1:].isspace() else before.rsplit(maxsplit=1)[-1]
    token = last.lstrip("\"'(\u201c[").lower()
    opener = not following or following.lower().strip(",") in _OPENERS
    if token in _BEFORE_A_NAME or (token.isdigit() and following.lower() in _AFTER_AN_ORDINAL):
        return not following
    if token in _MAY_END or _INITIAL.fullmatch(token):
        return opener
    return True
