"""Which characters of a page's stored text are which of the page's own: see `ingestion.parse.pdf`.

The stored text was cleaned: line breaks, spaces, broken words, invisible signs. What is left of
both without spaces and hyphens is the same, or nearly: another version of the reader may differ.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from ingestion.parse.normalise import LINE_END_HYPHEN, clean_text

_SEED = 12
"""Characters in a row that, where they stand only once in both texts, are the same place."""

_HYPHENS = frozenset({0x02, 0x2D, 0xAD, ord(LINE_END_HYPHEN)})
"""What the parser makes a "-" of, or leaves out."""

_GAP = 8
"""Of the page's characters for each hyphen: spaces and line breaks stand between them."""

_HIGH_HALVES = range(0xD800, 0xDC00)
_LOW_HALVES = range(0xDC00, 0xE000)
_LAST_CODE_POINT = 0x10FFFF


def align(stored: str, codes: Sequence[int]) -> list[int | None]:
    """For each character of a stored page text its index in the page's own, None where unknown.

    Args:
        stored: the text in the table `page`.
        codes: the page's characters as PDFium counts them: code points, or halves of one.
    """
    key = cache(_key)
    ours = [(offset, key(char)) for offset, char in enumerate(stored) if key(char)]
    theirs = [(index, key(char)) for index, char in _characters(codes) if key(char)]
    partners = _partners("".join(one for _, one in ours), "".join(one for _, one in theirs))
    found: list[int | None] = [None] * len(stored)
    for (offset, _), partner in zip(ours, partners, strict=True):
        if partner is not None:
            found[offset] = theirs[partner][0]
    _find_hyphens(stored, codes, found)
    return found


def _find_hyphens(stored: str, codes: Sequence[int], found: list[int | None]) -> None:
    """Fill in the hyphens, minus signs and dashes between characters that were found.

    Where a gap holds as many in both texts; the parser left out those of broken words.
    """
    waiting: list[int] = []
    before: int | None = -1
    # The sentinel makes the gap at the end of the page one like the others.
    for offset, (char, index) in enumerate(zip(f"{stored}.", [*found, len(codes)], strict=True)):
        if char == "-":
            waiting.append(offset)
        elif index is not None:
            if waiting and before is not None:
                gap = range(before + 1, min(index, before + _GAP * (len(waiting) + 1)))
                marks = [one for one in gap if codes[one] in _HYPHENS]
                if len(marks) == len(waiting):
                    for place, mark in zip(waiting, marks, strict=True):
                        found[place] = mark
            waiting, before = [], index
        elif not char.isspace():
            waiting, before = [], None


def _key(char: str) -> str:
    """What a character is compared by: one, or none for spaces, hyphens and what is invisible."""
    return clean_text(char).replace("-", "").strip()


def _characters(codes: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Index and character; two halves of one stand where the first of them stands."""
    high: int | None = None
    for index, code in enumerate(codes):
        if code in _LOW_HALVES and high is not None:
            yield index - 1, chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00)
        high = code if code in _HIGH_HALVES else None
        if high is None and code not in _LOW_HALVES and 0 < code <= _LAST_CODE_POINT:
            yield index, chr(code)


def _partners(ours: str, theirs: str) -> Sequence[int | None]:
    """For each of our characters the index of the same one of theirs.

    All in order where the texts are the same; else around seeds, which need not be in the same
    order. Linear in both lengths, whatever the texts are.
    """
    if ours == theirs:
        return range(len(ours))
    places = _seeds(theirs)
    found: list[int | None] = [None] * len(ours)
    taken = bytearray(len(theirs))
    for seed, left in _seeds(ours).items():
        right = places.get(seed)
        if right is None or found[left] is not None or taken[right]:
            continue
        for step, begin in ((1, 0), (-1, -1)):
            one, other = left + begin, right + begin
            while (
                0 <= one < len(ours)
                and 0 <= other < len(theirs)
                and ours[one] == theirs[other]
                and found[one] is None
                and not taken[other]
            ):
                found[one] = other
                taken[other] = True
                one, other = one + step, other + step
    return found


def _seeds(text: str) -> dict[str, int]:
    """Runs of `_SEED` characters that occur once, with their index, in order."""
    seen: dict[str, int] = {}
    repeated: set[str] = set()
    for index in range(len(text) - _SEED + 1):
        run = text[index : index + _SEED]
        if run in seen:
            repeated.add(run)
        seen[run] = index
    return {run: index for run, index in seen.items() if run not in repeated}
