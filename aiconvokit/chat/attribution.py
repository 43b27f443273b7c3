"""The server's own citations: the model's marks go out, proven ones come in.

A quote is proven to stand on its page. That it supports the claim is judged by shared words, names,
numbers and negations: a good sign, not a proof.
"""

import bisect
import dataclasses
import re
from collections.abc import Sequence

from aiconvokit.chat.claims import code_spans, split_claims
from aiconvokit.chat.evidence import Evidence, Library, Statement, prepare, state, support
from aiconvokit.chat.proof import Attributed, Citation, Claim, Source
from aiconvokit.chat.sentences import Span

ABSTENTION = "The documents do not answer this question."
"""What an assistant says that found nothing: a sentence about the documents, never cited."""

MIN_TERMS = 2
"""Words and numbers that a claim without a mark must have: one alone stands on many pages."""

BLANKS = " \t\u00a0\u202f"
"""White space that goes with the mark after it."""

_MARK = re.compile(
    r"(?:\[\^?|\u3010)(?P<numbers>\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*)(?:\]|\u3011)"
)
_INTEGER = re.compile(r"\d+")
_ABOUT_ITSELF = re.compile(
    r"(?:I(?:['\u2019]m| am| can| could| do| was| have| found)\b"
    r"|(?:sorry|hello|hi|thank you|thanks|you['\u2019]re welcome)\b"
    r"|there is no information"
    r"|(?:unfortunately,? )?(?:the|these|this|none of the) (?:provided |given )?"
    r"(?:document|passage|source|context|excerpt|text|information)s?(?: provided| given)?"
    r" (?:do|does|did|contains? no|mentions? no|provides? no|gives? no)\b)",
    re.IGNORECASE,
)


def attribute(answer: str, sources: Sequence[Source]) -> Attributed:
    """Find what supports each claim of an answer.

    Args:
        answer: the model's text; its `[n]` marks point at `Source.index` and are hints only.
        sources: the passages that stood in the prompt.

    Returns:
        the answer with marks renumbered 1 to k at the ends of the claims they support. Claims
        that nothing supports stay in the text, without a mark.
    """
    text, hints = _without_marks(answer)
    library = prepare(sources)
    spans = split_claims(text)
    owners = [(_owner(position, spans, text), n) for position, n in hints]
    verdicts: list[tuple[Span, tuple[Evidence, ...] | str]] = []
    subject: dict[str, float] = {}
    for index, span in enumerate(spans):
        own = [n for owner, n in owners if owner == index]
        claim = state(text[span.start : span.end], own, library.language)
        if not claim.words and claim.numbers:  # "It was 4.2 million": of what, the last one said
            claim = dataclasses.replace(claim, words=subject)
        subject = claim.words
        verdicts.append((span, _verdict(claim, library)))
    return assemble(text, verdicts)


def _owner(position: int, spans: Sequence[Span], text: str) -> int:
    """The claim that a mark belongs to: the one before it, at the head of a line the next one."""
    before = bisect.bisect_left(spans, position, key=lambda span: span.start) - 1
    if before < 0 or "\n" in text[spans[before].end : position]:
        return before + 1
    return before


def assemble(text: str, verdicts: Sequence[tuple[Span, tuple[Evidence, ...] | str]]) -> Attributed:
    """Put the marks of the evidence into a text without marks.

    Args:
        text: the answer.
        verdicts: its claims in their order, each with what supports it or why nothing does.
    """
    citations: dict[tuple[int, int, int, int, int], Citation] = {}
    claims: list[Claim] = []
    pieces: list[str] = []
    begin = written = 0
    for span, verdict in verdicts:
        quotes = () if isinstance(verdict, str) else verdict
        indices = tuple(dict.fromkeys(_cite(quote, citations) for quote in quotes))
        offset = written - begin
        reason = verdict if isinstance(verdict, str) else None
        claims.append(Claim(span.start + offset, span.end + offset, not reason, reason, indices))
        piece = text[begin : span.end] + _marks(indices, text[span.end : span.end + 1])
        pieces.append(piece)
        begin, written = span.end, written + len(piece)
    output = "".join(pieces) + text[begin:]
    return Attributed(output, tuple(citations.values()), tuple(claims))


def _cite(evidence: Evidence, citations: dict[tuple[int, int, int, int, int], Citation]) -> int:
    """The index of a quote; the same quote keeps the index of its first citation."""
    passage = evidence.source.passage
    place = (passage.document_id, passage.version, passage.page, evidence.start, evidence.end)
    if place not in citations:
        index = len(citations) + 1
        citations[place] = Citation(index, passage, evidence.text, evidence.start, evidence.end)
    return citations[place].index


def _marks(indices: Sequence[int], following: str) -> str:
    """Marks after a claim; a space keeps them from what follows, where "[1](" would be a link."""
    if not indices:
        return ""
    marks = "".join(f"[{index}]" for index in indices)
    return f" {marks} " if following.strip() else f" {marks}"


def _verdict(claim: Statement, library: Library) -> tuple[Evidence, ...] | str:
    terms = len(claim.words) + len(claim.numbers)
    if claim.text.endswith(("?", ":", "\uff1f", "\uff1a")) or _ABOUT_ITSELF.match(claim.text):
        return "not_a_claim"
    if not claim.words or (terms < MIN_TERMS and not claim.hints):
        return "too_short"
    return support(claim, library)


def _without_marks(answer: str) -> tuple[str, list[tuple[int, int]]]:
    """The answer without `[n]` outside code, and (position, n) for each mark that went.

    Taking one mark out may leave another, as in "[1[2]]": it goes on until none is left.
    """
    text, hints = answer, list[tuple[int, int]]()
    while True:
        code = code_spans(text)
        marks = [
            match
            for match in _MARK.finditer(text)
            if not any(span.start <= match.start("numbers") < span.end for span in code)
        ]
        if not marks:
            return text, hints
        text, hints = _cut(text, marks, hints)


def _cut(
    text: str, marks: Sequence[re.Match[str]], hints: Sequence[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    kept: list[str] = []
    moved: list[tuple[int, int]] = []
    begin = removed = 0
    waiting = sorted(hints)
    for mark in marks:
        while waiting and waiting[0][0] <= mark.start():
            position, number = waiting.pop(0)
            moved.append((position - removed, number))
        kept.append(text[begin : mark.start()].rstrip(BLANKS))
        removed += mark.start() - begin - len(kept[-1])
        place = mark.start() - removed
        moved += [(place, int(n)) for n in _INTEGER.findall(mark["numbers"])]
        removed += mark.end() - mark.start()
        begin = mark.end()
    moved += [(max(0, position - removed), number) for position, number in waiting]
    return "".join([*kept, text[begin:]]), moved
