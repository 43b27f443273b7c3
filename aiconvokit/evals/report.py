"""A run for people: a table a set, all sets in one table, and what changed."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from aiconvokit.evals.metrics import MEASURES, Figure
from aiconvokit.evals.runs import CHANGES_SHOWN, Change, Comparison, Comparisons, Run, SetRun

PLAIN_WIDTH = 140
"""Columns where no terminal says how wide it is."""


def console() -> Console:
    """Where tables go: stdout, at a fixed width when it is a file or a pipe."""
    found = Console(soft_wrap=False, highlight=False)
    return found if found.is_terminal else Console(width=PLAIN_WIDTH, highlight=False)


def show_set(to: Console, name: str, run: SetRun) -> None:
    """One set, as soon as it is asked."""
    table = Table("measure", "mean", "95 % interval", title=name, title_justify="left")
    for measure, figure in run.figures.items():
        table.add_row(measure, f"{figure.mean:.3f}", f"{figure.low:.3f} to {figure.high:.3f}")
    for key, value in run.search_ms.items():
        table.add_row(f"search {key}", f"{value:.1f} ms", "")
    for key, number in run.answers.items():
        table.add_row(key, "-" if number is None else f"{number:.3f}".rstrip("0").rstrip("."), "")
    to.print(table)
    to.print(f"{len(run.questions)} questions, {run.documents} documents; gold: {run.level}")
    for kind, found in run.nearest.items():
        cosines = ", ".join(f"{key} {value:.3f}" for key, value in found.items())
        to.print(f"nearest passage's cosine, {kind}: {cosines}")
    for document, problem in run.failed.items():
        to.print(f"not read: {document}: {problem}", soft_wrap=True, markup=False)


def show_summary(to: Console, run: Run) -> None:
    """All sets in one table."""
    table = Table("set", "gold", "n", *MEASURES, "p50 ms", "p95 ms")
    for name, one in run.sets.items():
        means = [f"{one.figures[key].mean:.3f}" if one.figures else "-" for key in MEASURES]
        times = [f"{one.search_ms[key]:.1f}" if one.search_ms else "-" for key in ("p50", "p95")]
        table.add_row(name, one.level, str(len(one.questions)), *means, *times)
    to.print(table)


def show_comparison(to: Console, comparisons: Comparisons) -> None:
    """What changed, set by set, then question by question."""
    table = Table("set", "n", *(f"{name} (95 %)" for name in MEASURES), title="new minus old")
    for name, one in comparisons.items():
        cells = [_signed(one.differences[key]) if one.differences else "-" for key in MEASURES]
        table.add_row(name, str(one.common), *cells)
    to.print(table)
    for name, one in comparisons.items():
        _show_changes(to, name, one)


def _show_changes(to: Console, name: str, one: Comparison) -> None:
    for word, changes in (("better", one.better), ("worse", one.worse)):
        if changes:
            to.print(f"\n{name}: {len(changes)} questions got {word}", markup=False)
        for change in changes[:CHANGES_SHOWN]:
            before, after = _places(change.before), _places(change.after)
            line = f"  {before} -> {after}  {change.id}  {_short(change)}"
            to.print(line, markup=False, soft_wrap=True)


def _signed(figure: Figure) -> str:
    return f"{figure.mean:+.3f} ({figure.low:+.3f} {figure.high:+.3f})"


def _places(ranks: Sequence[int | None]) -> str:
    return ",".join("-" if rank is None else str(rank) for rank in ranks)


def _short(change: Change) -> str:
    return " ".join(change.text.split())[:100]
