"""The server's own citations: the model's marks go out, proven ones come in.

A quote is proven to stand on its page. That it supports the claim is judged by shared words, names,
numbers and negations: a good sign, not a proof.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat.brief import brief
from aiconvokit.chat.claims import Stated, split_claims
from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.marks import without_marks
from aiconvokit.chat.proof import Attributed, Citation, Claim, Source
from aiconvokit.chat.sentences import Span
from aiconvokit.chat.shelves import LANGUAGE_SAMPLE, Library, prepare
from aiconvokit.chat.similarity import Similar, Undecided, settled, undecided
from aiconvokit.chat.support import Effort, is_cheap, support

ABSTENTION = "The documents do not answer this question."
"""What an assistant says that found nothing: a sentence about the documents, never cited."""

MIN_TERMS = 2
"""Words and numbers that a claim without a mark must have: one alone stands on many pages."""

MAX_ANSWER = 40_000
"""Characters of an answer that are judged, more than a model writes in one go."""

MAX_CLAIM = 4_000
"""Characters of a claim with its row's label and its head; a longer one is no sentence."""

CHEAP_CLAIM = 300
"""Characters of a sentence that is compared quickly, whatever stands on the pages."""

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


class Hints:
    """The model's own marks, handed to the claims they belong to."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int]] = deque()

    def add(self, hints: Iterable[tuple[int, int]]) -> None:
        """Marks (position, n) behind those that are known."""
        self._waiting.extend(sorted(hints))

    def of(self, one: Stated) -> frozenset[int]:
        """Those of the next claim: the ones up to its `reach` that no claim before it has."""
        found: set[int] = set()
        while self._waiting and self._waiting[0][0] <= one.reach:
            found.add(self._waiting.popleft()[1])
        return frozenset(found)


class Judge:
    """Judges the claims of one answer, in their order, by their words."""

    def __init__(self, sources: Sequence[Source], question: str) -> None:
        self._library = prepare(sources)
        self._question = question
        self._subject = ""
        self._effort = Effort()

    def verdict(
        self, one: Stated, hints: frozenset[int], said: str, *, is_only: bool = False
    ) -> Verdict:
        """What supports a claim.

        Args:
            one: the claim.
            hints: the passages that the model's marks point at.
            said: the answer's text up to the claim's end, or its beginning: it tells the answer's
                language, surer than the claim alone.
            is_only: the answer claims nothing else; it may answer the question in a word.
        """
        if one.span.end > MAX_ANSWER or one.length > MAX_CLAIM:
            return "no_match"
        library = self._library
        claim = self._statement(one, hints)
        if claim.read(library.language).keys:
            self._subject = claim.text
        verdict: Verdict = _verdict(claim, library, self._effort)
        if verdict == "too_short" and is_only:
            return brief(claim, self._question, library, self._effort) or verdict
        if isinstance(verdict, str) and verdict in _LACKING:
            return undecided(claim, library, said[:LANGUAGE_SAMPLE], self._effort) or verdict
        return verdict

    def is_cheap(self, one: Stated) -> bool:
        """Whether the next claim is judged in about a millisecond."""
        if one.length > CHEAP_CLAIM:
            return False
        return is_cheap(self._statement(one, frozenset()), self._library)

    def _statement(self, one: Stated, hints: frozenset[int]) -> Statement:
        text = f"{one.label}: {one.body}" if one.label else one.body
        return Statement(text, hints, one.head, self._subject)


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
    text, marks = without_marks(answer, len(sources))
    hints = Hints()
    hints.add(marks)
    judge = Judge(sources, question)
    stated = split_claims(text)
    verdicts: list[tuple[Span, Verdict]] = []
    for one in stated:
        said = text[: min(one.span.end, LANGUAGE_SAMPLE)]
        is_only = len(stated) == 1
        verdicts.append((one.span, judge.verdict(one, hints.of(one), said, is_only=is_only)))
    claims, quotes = undecided_texts([verdict for _, verdict in verdicts])
    return Draft(text, tuple(verdicts), claims, quotes)


def finish(drafted: Draft, similarities: NDArray[np.float32], model: str) -> Attributed:
    """Decide the claims that words could not.

    Args:
        drafted: what `draft` made.
        similarities: cosines, one row for each of `claims`, one column for each of `quotes`.
        model: the embedding model; one without a calibrated threshold supports nothing.
    """
    spans = [span for span, _ in drafted.verdicts]
    verdicts = decided([verdict for _, verdict in drafted.verdicts], similarities, model)
    return assemble(drafted.text, list(zip(spans, verdicts, strict=True)))


def undecided_texts(verdicts: Sequence[Verdict]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The claims that only vectors can decide, and the quotes that may support one of them."""
    found = [verdict for verdict in verdicts if isinstance(verdict, Undecided)]
    quotes = dict.fromkeys(quote.text for one in found for quote in one.candidates)
    return tuple(one.text for one in found), tuple(quotes)


def decided(
    verdicts: Sequence[Verdict], similarities: NDArray[np.float32], model: str
) -> list[Verdict]:
    """The verdicts with those that vectors decide.

    Args:
        verdicts: of some claims.
        similarities: cosines of their `undecided_texts`, claims by quotes.
        model: the embedding model.
    """
    columns = {quote: column for column, quote in enumerate(undecided_texts(verdicts)[1])}
    rows = iter(similarities)
    found: list[Verdict] = []
    for verdict in verdicts:
        if isinstance(verdict, Undecided):
            row = next(rows)[[columns[quote.text] for quote in verdict.candidates]]
            found.append(settled(verdict, row, model) or verdict)
        else:
            found.append(verdict)
    return found


def assemble(text: str, verdicts: Iterable[tuple[Span, Verdict]]) -> Attributed:
    """Put the marks of the evidence into a text without marks.

    Args:
        text: the answer.
        verdicts: its claims in their order, each with what supports it or why nothing does.
    """
    output = Output()
    begin = 0
    for span, verdict in verdicts:
        output.say(text[begin : span.end])
        output.close(span.end - span.start, verdict, text[span.end : span.end + 1])
        begin = span.end
    output.say(text[begin:])
    return output.so_far()


class Output:
    """An answer that is written: its text with our marks, what they point at, its claims."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.citations: dict[tuple[int, int, int, int, int], Citation] = {}
        self._claims: list[Claim] = []
        self._length = 0

    def say(self, text: str) -> None:
        """Text goes on."""
        if text:
            self.pieces.append(text)
            self._length += len(text)

    def close(self, length: int, verdict: Verdict, following: str) -> None:
        """Mark a claim: so many characters at the end; `following` is the text's next one."""
        quotes, reason = _outcome(verdict)
        indices = tuple(dict.fromkeys(_cite(quote, self.citations) for quote in quotes))
        end = self._length
        self._claims.append(Claim(end - length, end, bool(quotes), reason, indices))
        self.say(_marks(indices, following))

    def so_far(self) -> Attributed:
        """What was written until now."""
        claims, citations = tuple(self._claims), tuple(self.citations.values())
        return Attributed("".join(self.pieces), citations, claims)


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
