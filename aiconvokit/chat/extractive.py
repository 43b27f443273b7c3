"""The answer without a chat model: the sentences and rows that fit the question, word for word.

Nothing is written but what stands in the documents; when nothing fits, there is no answer.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiconvokit.chat.attribution import assemble
from aiconvokit.chat.evidence import Evidence
from aiconvokit.chat.proof import Attributed, Source
from aiconvokit.chat.sentences import Span
from aiconvokit.chat.shelves import Library, prepare
from aiconvokit.retrieval.lexemes import content_stems
from ingestion.load import title_of

MIN_COVERAGE = 0.5
"""So much of the question (by rarity) must stand in a unit, its headings or right beside it.

A first figure, on development questions: at .5 the right answer "nothing" came for 23 of 24 absent
contract clauses and 36 of 47 unanswerable dialogue turns, and an answer for 50 of 82 and 88 of 141
that have one. At .6: 23 and 40, but 46 and 72. An extract is a quote with its place, so silence
where there is an answer costs a reader more than a quote beside the point.
"""

TURN_DECAY = 0.5
"""An earlier user turn counts .5 to the power of its age (in the search: +.07 to +.09 recall@5)."""

CONTEXT_WEIGHT = 0.5
"""A word in the heading above a unit counts half as much as one in the unit."""

RANK_WEIGHT = 0.3
"""What the search's own score adds: it knows synonyms that shared words do not show."""

FIGURE_PENALTY = 0.5
"""A question for a figure is seldom answered by a unit without any."""

OTHER_YEAR_PENALTY = 0.5
"""What a unit about 2024 is worth to a question about 2025."""

NEXT_SCORE = 0.8
"""A further unit joins the answer from this share of the best one's score on."""

MAX_UNITS = 3

MIN_TERMS = 2
"""A turn with fewer content words ("And the year before?") is read with the one before it."""

HEADING_WORDS = 6
"""A unit of at most so many content words before another one may name it; it answers nothing."""

LENGTH_SHARE = 0.3
"""How far a long sentence must share more words than a short one, as b does in BM25."""

_WORD = re.compile(r"[^\W\d_]+")
_SAYS_SOMETHING = re.compile(r"[.!?;\u3002\uff01\uff1f][\"'\u2019\u201d)\]]*$|:\s")
_LEADERS = re.compile(r"(?:\.\s?){5}")
"""The dots between a title and its page in a table of contents."""
_OF_THE_DOCUMENT = re.compile(
    r"\b(?:in|under|of|for|from|to|by)\s+(?:this|the|these)\s+(?:\w+\s+)?"
    r"(?:contracts?|agreements?|documents?|reports?|files?|filings?)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR_BEFORE = re.compile(
    r"\b(?:year|one) before\b|\b(?:previous|prior|preceding) (?:year|one)\b|\byear earlier\b",
    re.IGNORECASE,
)
_YEAR_AFTER = re.compile(
    r"\b(?:year|one) (?:after|later)\b|\b(?:next|following) (?:year|one)\b", re.IGNORECASE
)
_HOW_MUCH = re.compile(r"\bhow (?:much|many|long|large|high|big|old|often)\b", re.IGNORECASE)
_WANTS_FIGURE = re.compile(
    rf"{_HOW_MUCH.pattern}|\bwhen\b"
    r"|\b(?:what|which) (?:year|date|amount|percentage|share|number)\b",
    re.IGNORECASE,
)
_ASKING = frozenset(
    ["tell", "give", "show", "list", "find", "pleas", "know", "explain", "describ", "year"]
)


@dataclass(frozen=True, slots=True)
class _Question:
    """The stems of all turns with their weights (turn by rarity), those required, the years."""

    weights: dict[str, float]
    required: frozenset[str]
    years: frozenset[str]
    wants_figure: bool


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit's fit, and the share of the question that stands in it or above it."""

    evidence: Evidence
    score: float
    coverage: float


def extract(
    question: str,
    sources: Sequence[Source],
    *,
    history: Sequence[str] = (),
) -> Attributed | None:
    """Answer a question with one to three verbatim sentences or table rows.

    Args:
        question: the last user turn.
        sources: the passages that the search returned, best first.
        history: earlier user turns, oldest first.

    Returns:
        the answer, every claim supported by its own words (white space may differ: a line break
        of the page becomes a space); None when nothing in the sources fits the question.
    """
    library = prepare(sources)
    asked = _weigh(question, history, library)
    chosen = _choose(_score_all(asked, library))
    return _written([unit.evidence for unit in chosen]) if chosen else None


def _choose(units: Sequence[_Unit]) -> list[_Unit]:
    """The best units; none when the best one does not cover the question. Each text once."""
    ranked = sorted(units, key=lambda unit: -unit.score)
    if not ranked or ranked[0].coverage < MIN_COVERAGE:
        return []
    least = NEXT_SCORE * ranked[0].score
    chosen: dict[str, _Unit] = {}
    for unit in ranked:
        if unit.score >= least and unit.coverage >= MIN_COVERAGE:
            chosen.setdefault(_on_one_line(unit.evidence.text), unit)
    return list(chosen.values())[:MAX_UNITS]


def _weigh(question: str, history: Sequence[str], library: Library) -> _Question:
    turns = in_context(question, history, library.language)
    weights: dict[str, float] = {}
    asked = [_asked(turn, library.language) for turn in turns]
    for age, stems in enumerate(asked):
        for stem in stems:
            weights.setdefault(stem, TURN_DECAY**age)
    known = Counter(stem for e in library.evidence for stem in e.stems)
    total = len(library.evidence)
    for stem in weights:
        weights[stem] *= math.log(1 + (total - known[stem] + 0.5) / (known[stem] + 0.5))
    years = frozenset(_YEAR.findall(turns[0]))
    return _Question(weights, asked[0], years, bool(_WANTS_FIGURE.search(turns[0])))


def in_context(question: str, history: Sequence[str], language: str | None) -> list[str]:
    """The user turns newest first, a follow-up without words of its own joined to the one before.

    "And the year before?" moves the years of that turn; years named in the question replace those
    of all earlier turns.
    """
    earlier = list(reversed(history))
    if len(_asked(question, language)) < MIN_TERMS and earlier:
        step = -1 if _YEAR_BEFORE.search(question) else 1 if _YEAR_AFTER.search(question) else 0
        moved = _YEAR.sub(lambda match: str(int(match.group()) + step), earlier.pop(0))
        question = f"{question} {moved if not _YEAR.search(question) else _YEAR.sub(' ', moved)}"
    if _YEAR.search(question):
        earlier = [_YEAR.sub(" ", turn) for turn in earlier]
    return [question, *earlier]


def _asked(turn: str, language: str | None) -> frozenset[str]:
    """The content stems of a user turn, without "tell me how many" and "in this contract"."""
    plain = _HOW_MUCH.sub(" ", _OF_THE_DOCUMENT.sub(" ", turn))
    return frozenset(content_stems(plain, language)) - _ASKING


def _score_all(asked: _Question, library: Library) -> list[_Unit]:
    mean = sum(len(e.stems) for e in library.evidence) / max(1, len(library.evidence))
    units: list[_Unit] = []
    for page in _pages(library.evidence):
        heading: Evidence | None = None
        for index, evidence in enumerate(page):
            if _is_heading(evidence):
                heading = evidence
                continue
            context = _context(evidence, heading, library.language)
            before = page[index - 1].stems if index else frozenset[str]()
            after = page[index + 1].stems if index + 1 < len(page) else frozenset[str]()
            score = _score(asked, evidence, context, mean)
            shown = evidence.stems | context | before | after
            units.append(_Unit(evidence, score, _coverage(asked, shown)))
    return units


def _pages(evidence: Sequence[Evidence]) -> list[list[Evidence]]:
    """The evidence by page; that of one page stands together."""
    groups = itertools.groupby(evidence, key=lambda e: (_document(e), e.source.passage.page))
    return [list(group) for _, group in groups]


def _document(evidence: Evidence) -> tuple[int, int]:
    return evidence.source.passage.document_id, evidence.source.passage.version


def _is_heading(evidence: Evidence) -> bool:
    """Words that name what follows and say nothing: "8.2 Applicable Law.", "2025 2024"."""
    if _LEADERS.search(evidence.text):
        return True
    if evidence.is_row:
        return all(number.is_year for number in evidence.numbers)
    words = [word for word in _WORD.findall(evidence.text) if len(word) > 3]
    named = all(word[0].isupper() for word in words) or not _SAYS_SOMETHING.search(evidence.text)
    return len(evidence.stems) <= HEADING_WORDS and named


def _context(evidence: Evidence, heading: Evidence | None, language: str | None) -> frozenset[str]:
    """The words that stand above a unit: file name, headings, the table's head."""
    passage = evidence.source.passage
    named = frozenset(content_stems(f"{title_of(passage.filename)} {passage.heading}", language))
    above = heading.stems if heading else frozenset[str]()
    return named | above | (evidence.header.stems if evidence.header else frozenset())


def _score(
    asked: _Question, evidence: Evidence, context: frozenset[str], mean_length: float
) -> float:
    """How well a unit fits: shared words against its length, words above it, the search's rank."""
    total = sum(asked.weights.values()) or 1.0
    own = sum(w for stem, w in asked.weights.items() if stem in evidence.stems)
    around = sum(w for stem, w in asked.weights.items() if stem in context - evidence.stems)
    length = 1 - LENGTH_SHARE + LENGTH_SHARE * len(evidence.stems) / mean_length
    score = (own / length + CONTEXT_WEIGHT * around) / total
    score += RANK_WEIGHT * evidence.source.passage.score
    if asked.wants_figure and not evidence.numbers:
        score *= FIGURE_PENALTY
    return score * OTHER_YEAR_PENALTY if _is_of_other_year(asked, evidence) else score


def _is_of_other_year(asked: _Question, evidence: Evidence) -> bool:
    """Whether the unit names years, and none of those that are asked for."""
    head = evidence.header.text if evidence.header else ""
    years = set(_YEAR.findall(f"{evidence.text} {head}"))
    return bool(years and asked.years) and not years & asked.years


def _coverage(asked: _Question, shown: frozenset[str]) -> float:
    """The share of what the question requires that is shown, by rarity."""
    weights = {stem: asked.weights[stem] for stem in asked.required}
    total = sum(weights.values())
    return sum(w for stem, w in weights.items() if stem in shown) / total if total else 0.0


def _written(chosen: Sequence[Evidence]) -> Attributed:
    """One line for each unit; a row after the head of its table."""
    text = ""
    claims: list[tuple[Span, tuple[Evidence, ...]]] = []
    for evidence in chosen:
        text += "\n" if text else ""
        if evidence.header:
            text += f"{_on_one_line(evidence.header.text)}: "
        start = len(text)
        text += _on_one_line(evidence.text)
        claims.append((Span(start, len(text)), (evidence,)))
    return assemble(text, claims)


def _on_one_line(quote: str) -> str:
    return " ".join(quote.split())
