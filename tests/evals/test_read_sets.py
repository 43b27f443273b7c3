"""Sets are read as they come; what cannot be read is named with its file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from aiconvokit.errors import ConfigurationError
from aiconvokit.evals.load import LoadedSet
from aiconvokit.evals.read import find_sets

RENT = {"id": 1, "question": "How much is the rent?", "doc": "lease.md"}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def folder_of(root: Path, *questions: dict[str, Any]) -> Path:
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "lease.md").write_text("# Lease\n\nThe rent is EUR 900.\n")
    (root / "questions.jsonl").write_text(lines(*questions))
    return root


def corpus(root: Path, *ids: str) -> Path:
    root.mkdir(parents=True)
    texts = [{"_id": one, "title": "A/B", "text": f"Text {one}"} for one in ids]
    (root / "corpus.jsonl").write_text(lines(*texts))
    (root / "queries.jsonl").write_text(lines({"_id": "q1", "text": "Which?", "more": 1}))
    (root / "qrels.tsv").write_text(
        f"query-id\tcorpus-id\tscore\nq1\t{ids[0]}\t1\nq1\t{ids[1]}\t0\n"
    )
    return root


@pytest.mark.parametrize(
    ("evidence", "level", "modes"),
    [
        ({"page": 1, "text": "EUR 900"}, "page", ("own", "pooled")),
        ({"page": None, "text": "EUR 900", "start": 21}, "span", ("own", "pooled")),
        ({"text": "EUR 900"}, "document", ("pooled",)),
    ],
)
def test_the_evidence_says_what_is_to_be_found(
    tmp_path: Path, evidence: dict[str, Any], level: str, modes: tuple[str, ...]
) -> None:
    (found,) = find_sets([folder_of(tmp_path / "leases", RENT | {"evidence": [evidence], "x": 1})])
    assert (found.name, found.level, tuple(found.modes)) == ("leases", level, modes)
    (question,) = found.questions
    assert (question.id, question.answerable) == ("1", True)
    assert list(question.gold) == (["lease.md"] if level == "document" else [])


def test_absent_answers_and_labels_say_when_abstaining_is_right(tmp_path: Path) -> None:
    labelled = [
        RENT | {"id": "a", "answerability": ["UNANSWERABLE"]},
        RENT | {"id": "b", "answerability": "UNDERSPECIFIED", "evidence": [{"page": 1}]},
        RENT | {"id": "c"},
    ]
    root = folder_of(tmp_path / "leases", *labelled)
    (root / "absent.jsonl").write_text(lines(RENT | {"id": "d"}))
    (found,) = find_sets([root])
    expected = {"a": False, "b": None, "c": None, "d": False}
    assert {one.id: one.answerable for one in found.questions} == expected


def test_among_all_documents_a_question_names_its_own(tmp_path: Path) -> None:
    evidence = {"evidence": [{"page": 1, "text": "EUR 900"}]}
    rows = [
        RENT | evidence | {"id": "a", "question_pooled": "In the lease: how much is the rent?"},
        RENT | evidence | {"id": "b", "pooled_title_unique": False},
        RENT | evidence | {"id": "c"},
    ]
    (found,) = find_sets([folder_of(tmp_path / "leases", *rows)])
    own, pooled = LoadedSet(found, "own", {}), LoadedSet(found, "pooled", {})
    assert [one.id for one in own.questions] == ["a", "b", "c"]
    assert [own.text(one) for one in own.questions] == ["How much is the rent?"] * 3
    assert [(one.id, pooled.text(one)) for one in pooled.questions] == [
        ("a", "In the lease: how much is the rent?"),
        ("c", "How much is the rent?"),
    ]


def test_a_corpus_becomes_documents_that_are_called_by_their_titles(tmp_path: Path) -> None:
    (found,) = find_sets([corpus(tmp_path / "papers", "x", "y")])
    assert found.aliases == {"1/A B.txt": "x", "2/A B.txt": "y"}
    assert [list(one.gold) for one in found.questions] == [["x"]]


def test_parallel_corpora_are_asked_across_languages(tmp_path: Path) -> None:
    for language in ("de", "en"):
        corpus(tmp_path / "quad" / language, "x", "y")
    corpus(tmp_path / "other", "z", "y")
    names = [one.name for one in find_sets([tmp_path])]
    assert sorted(names) == ["other", "quad/de", "quad/de->en", "quad/en"]


def test_the_digest_tells_contents_and_names_apart(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "a", RENT)
    before = find_sets([root])[0].content_sha256()
    (root / "questions.jsonl").write_text(lines(RENT, RENT | {"id": 2}))
    assert find_sets([root])[0].content_sha256() == before
    (root / "docs" / "lease.md").rename(root / "docs" / "rent.md")
    (root / "questions.jsonl").write_text(lines(RENT | {"doc": "rent.md"}))
    assert find_sets([root])[0].content_sha256() != before


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ('{"id": 2, "question": 5}', "questions.jsonl:2: Expected `str`, got `int`"),
        ('{"id": 2, "question": "x"', "questions.jsonl:2: Input data was truncated"),
        ('{"id": 2, "question": "x", "doc": "no.md"}', "no document no.md in docs/"),
    ],
)
def test_a_set_that_cannot_be_read_names_the_place(tmp_path: Path, second: str, said: str) -> None:
    root = folder_of(tmp_path / "leases", RENT)
    with (root / "questions.jsonl").open("a") as file:
        file.write(second + "\n")
    with pytest.raises(ConfigurationError, match=said):
        find_sets([root])


def test_wrong_judgements_and_no_set_at_all_are_said(tmp_path: Path) -> None:
    root = corpus(tmp_path / "papers", "x", "y")
    (root / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tx\n")
    with pytest.raises(ConfigurationError, match=r"qrels.tsv:2: three columns"):
        find_sets([root])
    (root / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tgone\t1\n")
    with pytest.raises(ConfigurationError, match=r"question q1: no text gone"):
        find_sets([root])
    with pytest.raises(ConfigurationError, match="There is no set in"):
        find_sets([tmp_path / "papers" / "nothing"])
