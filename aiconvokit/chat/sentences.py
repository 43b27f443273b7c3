"""Where sentences end, in any prose: abbreviations, decimals and full-width stops included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]`, in characters; never empty, no white space at either end."""

    start: int
    end: int


_POINTS = ".!?\u2026"  # end a sentence before a space
_FULL = "\u3002\uff01\uff1f\uff61\u0964\u061f\u06d4"  # end one anywhere
# One set of signs comes first: a search for it is ten times as fast as one for either of two.
_STOP = re.compile(
    rf"[{_POINTS}{_FULL}](?:"
    rf"(?<=[{_POINTS}])(?<![{_POINTS}]{{2}})[{_POINTS}]*+[\"'\u2019\u201d\u00bb)\]]*+(?=\s|$)"
    rf"|(?<=[{_FULL}])[{_FULL}]*[\"'\u2019\u201d\u300d\u300f\uff09\u3011]*)"
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
    ends = Ends(start)
    begin = start
    while (stop := ends.following(text, end)) is not None:
        yield from trimmed(text, begin, stop)
        begin = stop
    yield from trimmed(text, begin, end)


class Ends:
    """Where sentences end in prose from `begin` on, one end after the other; it may grow."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.unsure: int | None = None
        """Where the next sentence may end; more text tells."""
        self._read = self._searched = begin
        self._has_letter = False

    def following(self, text: str, end: int, *, may_grow: bool = False) -> int | None:
        """The next end in `text[begin:end]`; None: there is none, or none that more text leaves.

        When the prose `may_grow`, a stop ends a sentence once the word behind it is whole.
        """
        self.unsure = None
        while match := _STOP.search(text, self._searched, end):
            # Other stops than "." end a sentence whatever follows.
            is_point = match.group() == "."
            word = _NEXT_WORD.match(text, match.end(), end) if is_point else None
            known = match.end() < end and (not is_point or (word is not None and word.end() < end))
            if may_grow and not known:
                self._searched, self.unsure = match.start(), match.end()
                return None
            # "1." before "Definitions" numbers a sentence, it is none.
            letter = self._has_letter or bool(_LETTER.search(text, self._read, match.start()))
            self._has_letter, self._read = letter, match.end()
            self._searched = match.end()
            following = word.group(1) if word else ""
            if letter and _ends_sentence(text, self.begin, match, following):
                self.begin, self._has_letter = match.end(), False
                return match.end()
        self._searched = end
        return None

    def moved(self, by: int) -> None:
        """The text has lost so many characters at its start."""
        self.begin, self._read = self.begin - by, self._read - by
        self._searched -= by


def trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without white space around it; nothing when nothing is left."""
    piece = text[start:end]
    body = piece.strip()
    if body:
        begin = start + len(piece) - len(piece.lstrip())
        yield Span(begin, begin + len(body))


def _ends_sentence(text: str, begin: int, stop: re.Match[str], word: str) -> bool:
    """Whether it does before this word; "" is the end of the prose."""
    if stop.group() != ".":
        return True
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
