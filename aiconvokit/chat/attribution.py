"""The server's own citations: the model's marks go out, proven ones come in.

A quote is proven to stand on its page. That it supports the claim is judged by shared words, names,
numbers and negations: a good sign, not a proof.
"""

import bisect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat.brief import brief
from aiconvokit.chat.claims import Stated, split_claims
from aiconvokit.chat.evidence import Effort, Evidence, Library, Statement, prepare, support
from aiconvokit.chat.marks import without_marks
from aiconvokit.chat.proof import Attributed, Citation, Claim, Source
from aiconvokit.chat.reading import language_of
from aiconvokit.chat.sentences import Span
from aiconvokit.chat.similarity import Similar, Undecided, settled, undecided

ABSTENTION = "The documents do not answer this question."
"""What an assistant says that found nothing: a sentence about the documents, never cited."""

MIN_TERMS = 2
"""Words and numbers that a claim without a mark must have: one alone stands on many pages."""

MAX_ANSWER = 40_000
"""Characters of an answer that are judged, more than a model writes in one go."""

MAX_CLAIM = 4_000
"""Characters of a claim with its row's label and its head; a longer one is no sentence."""

_LACKING = frozenset(["no_match", "number_mismatch", "negation_mismatch"])
_ABOUT_ITSELF = re.compile(
    r"(?:I(?:['\u2019]m| am| can| could| do| was| have| found)\b"
    r"|(?:sorry|hello|hi|thank you|thanks|you['\u2019]re welcome)\b"
    r"|there is no information"
    r"|(?:unfortunately,? )?(?:the|these|this|none of the) (?:provided |given )?"
    r"(?:document|passage|source|context|excerpt|text|information)s?(?: provided| given)?"
    r" (?:do|does|did|contains? no|mentions? no|provides? no|gives? no)\b)",
    re.IGNORECASE,
)


Verdict = tuple[Evidence, ...] | Similar | Undecided | str
"""What supports a claim, what may, or the reason why nothing does."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer without marks, its claims judged as far as words can judge.

    `claims` and `quotes` are to be embedded (as queries and as passages) for those in another
    language than the documents; both are empty when there is none.
    """

    text: str
    verdicts: tuple[tuple[Span, Verdict], ...]
    claims: tuple[str, ...]
    quotes: tuple[str, ...]


def attribute(answer: str, sources: Sequence[Source], question: str = "") -> Attributed:
    """Find what supports each claim of an answer by its words.

    Args:
        answer: the model's text; its `[n]` marks point at `Source.index` and are hints only.
        sources: the passages that stood in the prompt.
        question: what was asked; it says what an answer of one word claims.

    Returns:
        the answer with marks renumbered 1 to k at the ends of the claims they support. Claims
        that nothing supports stay in the text, without a mark. What stands behind `MAX_ANSWER`
        and what is longer than `MAX_CLAIM` is not judged: "no_match".
    """
    drafted = draft(answer, sources, question)
    return assemble(drafted.text, drafted.verdicts)


def draft(answer: str, sources: Sequence[Source], question: str = "") -> Draft:
    """The first half of `attribute`, for a caller who can embed; `finish` is the other."""
    text, hints = without_marks(answer, len(sources))
    library = prepare(sources)
    stated = split_claims(text)
    spans = [one.span for one in stated]
    owned: dict[int, set[int]] = {}
    for position, number in hints:
        owned.setdefault(_owner(position, spans, text), set()).add(number)
    verdicts: list[tuple[Span, Verdict]] = []
    answer_language = language_of(text)
    subject = ""
    effort = Effort()
    for index, one in enumerate(stated):
        if one.span.end > MAX_ANSWER or one.length > MAX_CLAIM:
            verdicts.append((one.span, "no_match"))
            continue
        claim = _statement(text, one, owned.get(index, ()), subject)
        subject = claim.text if claim.read(library.language).keys else subject
        verdict: Verdict = _verdict(claim, library, effort)
        if verdict == "too_short" and len(stated) == 1:
            verdict = brief(claim, question, library) or verdict
        if isinstance(verdict, str) and verdict in _LACKING:
            verdict = undecided(claim, library, answer_language, effort) or verdict
        verdicts.append((one.span, verdict))
    open_ones = [verdict for _, verdict in verdicts if isinstance(verdict, Undecided)]
    quotes = dict.fromkeys(quote.text for one in open_ones for quote in one.candidates)
    return Draft(text, tuple(verdicts), tuple(one.text for one in open_ones), tuple(quotes))


def finish(drafted: Draft, similarities: NDArray[np.float32], model: str) -> Attributed:
    """Decide the claims that words could not.

    Args:
        drafted: what `draft` made.
        similarities: cosines, one row for each of `claims`, one column for each of `quotes`.
        model: the embedding model; one without a calibrated threshold supports nothing.
    """
    columns = {quote: column for column, quote in enumerate(drafted.quotes)}
    rows = iter(similarities)
    verdicts: list[tuple[Span, Verdict]] = []
    for span, verdict in drafted.verdicts:
        if isinstance(verdict, Undecided):
            row = next(rows)[[columns[quote.text] for quote in verdict.candidates]]
            verdicts.append((span, settled(verdict, row, model) or verdict))
        else:
            verdicts.append((span, verdict))
    return assemble(drafted.text, verdicts)


def _statement(text: str, one: Stated, hints: Iterable[int], subject: str) -> Statement:
    body = text[one.span.start : one.span.end]
    said = f"{one.label}: {body}" if one.label else body
    return Statement(said, frozenset(hints), one.head, subject)


def _owner(position: int, spans: Sequence[Span], text: str) -> int:
    """The claim that a mark belongs to: the one before it, at the head of a line the next one."""
    before = bisect.bisect_left(spans, position, key=lambda span: span.start) - 1
    if before < 0 or text.find("\n", spans[before].end, position) >= 0:
        return before + 1
    return before


def assemble(text: str, verdicts: Sequence[tuple[Span, Verdict]]) -> Attributed:
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
        quotes, reason = _outcome(verdict)
        indices = tuple(dict.fromkeys(_cite(quote, citations) for quote in quotes))
        offset = written - begin
        start, end = span.start + offset, span.end + offset
        claims.append(Claim(start, end, bool(quotes), reason, indices))
        piece = text[begin : span.end] + _marks(indices, text[span.end : span.end + 1])
        pieces.append(piece)
        begin, written = span.end, written + len(piece)
    output = "".join(pieces) + text[begin:]
    return Attributed(output, tuple(citations.values()), tuple(claims))


def _outcome(verdict: Verdict) -> tuple[tuple[Evidence, ...], str | None]:
    """The quotes and the reason; a claim in another language that stays open has no match."""
    if isinstance(verdict, Similar):
        return verdict.evidence, "similarity"
    if isinstance(verdict, Undecided):
        return (), "no_match"
    return ((), verdict) if isinstance(verdict, str) else (verdict, None)


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


def _verdict(claim: Statement, library: Library, effort: Effort) -> tuple[Evidence, ...] | str:
    if claim.text.endswith(("?", ":", "\uff1f", "\uff1a")) or _ABOUT_ITSELF.match(claim.text):
        return "not_a_claim"
    reading = claim.read(library.language)
    terms = len(reading.keys) + len(reading.numbers)
    if not reading.keys or (terms < MIN_TERMS and not claim.hints):
        return "too_short"
    return support(claim, library, effort)
