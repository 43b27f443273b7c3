"""Runs are kept and compared question by question."""

from pathlib import Path

import pytest
from rich.console import Console

from aiconvokit.errors import ConfigurationError
from aiconvokit.evals import report, runs
from aiconvokit.evals.ask import Asked
from aiconvokit.evals.load import LoadedSet
from aiconvokit.evals.metrics import figures
from aiconvokit.evals.runs import Result, Run, SetRun
from aiconvokit.evals.sets import QuestionSet, SetQuestion


def run(**ranks: list[int | None]) -> Run:
    questions = {key: Result(f"What is {key}?", one, 2.0) for key, one in ranks.items()}
    return Run(
        sets={"leases": SetRun("page", 1, figures(list(ranks.values())), questions=questions)}
    )


def test_a_run_is_read_as_it_was_saved(tmp_path: Path) -> None:
    made = run(a=[1, None], b=[3])
    runs.save(made, tmp_path / "run.json")
    assert runs.read(tmp_path / "run.json") == made
    (tmp_path / "run.json").write_text('{"sets": 5}')
    with pytest.raises(ConfigurationError, match=r"run\.json is no run"):
        runs.read(tmp_path / "run.json")


def test_what_changed_is_listed_by_how_much() -> None:
    old = run(same=[2], up=[8], most=[None], down=[1], gone=[1])
    new = run(same=[2], up=[5], most=[1], down=[4], fresh=[1])
    compared = runs.compare(old, new)["leases"]
    assert compared.common == 4
    assert [one.id for one in compared.better] == ["most", "up"]
    assert [(one.id, one.before, one.after) for one in compared.worse] == [("down", [1], [4])]
    assert compared.differences["recall@10"].mean == 0.25
    assert runs.compare(Run(), new) == {}


def question(name: str, *, answerable: bool | None) -> SetQuestion:
    return SetQuestion(
        name, "?", (), "a.pdf", (), (), answerable, None, is_pooled=True, is_measured=True
    )


def test_cosines_of_what_has_an_answer_and_of_what_has_none() -> None:
    questions = [
        *(question(f"known {number}", answerable=True) for number in range(101)),
        question("absent", answerable=False),
        question("unclear", answerable=None),
    ]
    asked = [Asked(f"known {number}", "?", [1], 1.0, number / 100) for number in range(101)]
    asked += [
        Asked("absent", "?", (), 1.0, 0.7),
        Asked("unclear", "?", [None], 1.0, 0.0),
    ]
    loaded = LoadedSet(QuestionSet("leases", (), (), questions, "page"), "own", {})
    made = runs.set_run(loaded, asked)
    assert made.nearest == {
        "answerable": {"p1": 0.01, "p5": 0.05, "p50": 0.5},
        "unanswerable": {"p1": 0.7, "p5": 0.7, "p50": 0.7},
    }
    assert "absent" not in made.questions  # there is nothing to be found
    assert made.figures["recall@5"].mean == pytest.approx(101 / 102)
    assert [one.id for one in loaded.unanswerable] == ["absent"]
    assert LoadedSet(loaded.set, "pooled", {}).unanswerable == []


def test_people_see_the_figures_and_the_changes() -> None:
    console = Console(record=True, width=160)
    old, new = run(a=[9], b=[1]), run(a=[1], b=[None])
    new.sets["leases"].nearest = {"answerable": {"p1": 0.8012}}
    report.show_set(console, "leases", new.sets["leases"])
    report.show_summary(console, new)
    report.show_comparison(console, runs.compare(old, new))
    text = console.export_text()
    assert "nearest passage's cosine, answerable: p1 0.801" in text
    assert "1 questions got better" in text
    assert "1 -> -  b  What is b?" in text
    assert "+0.000 (-1.000 +1.000)" in text
