"""A run as a file: its figures and every question's ranks; and what changed since another run."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, field

from aiconvokit import __version__
from aiconvokit.errors import ConfigurationError
from aiconvokit.evals.answers import Answered
from aiconvokit.evals.ask import Asked
from aiconvokit.evals.load import LoadedSet
from aiconvokit.evals.metrics import (
    Figure,
    differences,
    figures,
    percentiles,
    recall,
    reciprocal_rank,
)

CHANGES_SHOWN = 20
NEAREST_PERCENTILES = (1, 5, 50)
"""What a threshold costs is at the low end: one at p1 turns away a hundredth of these questions."""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Result(Struct):
    """One question: what was asked, the rank of each thing to be found, the search's time.

    `nearest`: see `Asked`.
    """

    text: str
    ranks: list[int | None]
    ms: float
    nearest: float | None = None


class SetRun(Struct):
    """One set in one mode; `failed`: documents that could not be read, with the reason."""

    level: str
    documents: int
    figures: dict[str, Figure] = {}
    search_ms: dict[str, float] = {}
    nearest: dict[str, dict[str, float]] = {}
    """Percentiles of the best cosine: "answerable" (p1, p5, p50), and "unanswerable"."""
    failed: dict[str, str] = {}
    answers: dict[str, float | int | None] = {}
    answered: dict[str, Answered] = {}
    questions: dict[str, Result] = {}


class Run(Struct):
    """All sets of one `aiconvokit eval`, by name."""

    made_at: str = field(default_factory=_now)
    version: str = __version__
    embedder: str = ""
    sets: dict[str, SetRun] = {}


def set_run(loaded: LoadedSet, asked: Sequence[Asked]) -> SetRun:
    """The figures of a set's questions."""
    measured = [one for one in asked if one.ranks]
    return SetRun(
        level=loaded.set.level,
        documents=len(loaded.set.documents) or len(loaded.set.corpus),
        figures=figures([one.ranks for one in measured]),
        search_ms=percentiles([one.ms for one in measured], (50, 95), 1),
        nearest=_nearest(loaded, asked),
        failed=dict(loaded.failed),
        questions={
            one.id: Result(one.text, list(one.ranks), one.ms, one.nearest) for one in measured
        },
    )


def _nearest(loaded: LoadedSet, asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """What `retrieval.relevance` sets its threshold by; of questions of which it is known."""
    answerable = {one.id: one.answerable for one in loaded.questions}
    found = {
        name: percentiles(
            [
                one.nearest
                for one in asked
                if answerable[one.id] is kind and one.nearest is not None
            ],
            NEAREST_PERCENTILES,
            3,
        )
        for name, kind in (("answerable", True), ("unanswerable", False))
    }
    return {name: one for name, one in found.items() if one}


def save(run: Run, path: Path) -> None:
    """Write a run.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))
    except OSError as error:
        raise ConfigurationError(f"The run cannot be kept: {error}") from error


def read(path: Path) -> Run:
    """A run that was written before.

    Raises:
        ConfigurationError: it is no run.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{path} is no run of aiconvokit eval: {error}") from error


class Change(Struct):
    """A question whose results changed."""

    id: str
    text: str
    before: list[int | None]
    after: list[int | None]


class Comparison(Struct):
    """One set against an older run, over the questions that both asked."""

    common: int
    differences: dict[str, Figure]
    better: list[Change]
    worse: list[Change]


def compare(old: Run, new: Run) -> dict[str, Comparison]:
    """The sets that two runs have in common; the most changed questions come first."""
    return {
        name: _compared(old.sets[name], one) for name, one in new.sets.items() if name in old.sets
    }


def _compared(old: SetRun, new: SetRun) -> Comparison:
    before = {key: one.ranks for key, one in old.questions.items()}
    after = {key: one.ranks for key, one in new.questions.items()}
    both = [key for key in after if key in before]
    gains = {key: _worth(after[key]) - _worth(before[key]) for key in both}
    changes = {
        key: Change(key, new.questions[key].text, before[key], after[key])
        for key in sorted(both, key=lambda key: -abs(gains[key]))
    }
    return Comparison(
        common=len(both),
        differences=differences(before, after),
        better=[one for key, one in changes.items() if gains[key] > 0],
        worse=[one for key, one in changes.items() if gains[key] < 0],
    )


def _worth(ranks: Sequence[int | None]) -> float:
    """What one question is worth to its reader: found in five, in ten, and how high."""
    return recall(ranks, 5) + recall(ranks, 10) + reciprocal_rank(ranks)


Comparisons = Mapping[str, Comparison]
