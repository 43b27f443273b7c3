"""Sets from folders: our open format (docs/ and questions.jsonl) and BEIR's (corpus.jsonl).

docs/evaluation.md describes both. Unknown keys are ignored; what cannot be read is named with its
file and line.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from aiconvokit.errors import ConfigurationError
from aiconvokit.evals.sets import CorpusText, Evidence, Level, QuestionSet, Said, SetQuestion
from ingestion.batch import Selection, find

T = TypeVar("T")
QUESTIONS, ABSENT, CORPUS, QUERIES = (
    "questions.jsonl",
    "absent.jsonl",
    "corpus.jsonl",
    "queries.jsonl",
)
DOCUMENTS = "docs"
CROSSED_INTO = "en"
"""Questions of parallel sets are asked of the English documents, too."""
_UNANSWERABLE = "UNANSWERABLE"
_UNCLEAR = {"UNDERSPECIFIED", "PARTIAL"}
"""Neither an answer nor an abstention is wrong."""


class _Said(Struct):
    role: str
    content: str


class _Evidence(Struct):
    page: int | None = None
    text: str = ""
    start: int | None = None
    doc: str | None = None


class _Question(Struct):
    id: str | int
    question: str
    history: list[_Said] | None = None
    doc: str | None = None
    evidence: list[_Evidence] | None = None
    gold: list[str | int] | None = None
    answerability: str | list[str] | None = None
    question_pooled: str | None = None
    pooled_title_unique: bool = True
    clause_span: bool = True


class _Text(Struct):
    id: str | int = field(name="_id")
    text: str
    title: str | None = None


def find_sets(paths: Iterable[Path]) -> list[QuestionSet]:
    """The sets that some folders are or hold, and the crosswise ones of parallel sets.

    Raises:
        ConfigurationError: no set there, or one that cannot be read: names file and line.
    """
    found: list[QuestionSet] = []
    for path in paths:
        folders = [path] if is_set(path) else sorted(_below(path))
        if not folders:
            raise ConfigurationError(
                f"There is no set in {path}: neither {DOCUMENTS}/ with {QUESTIONS} nor {CORPUS}."
            )
        families: dict[Path, list[QuestionSet]] = {}
        for folder in folders:
            families.setdefault(folder.parent, []).append(read_set(folder))
        for parent, members in families.items():
            found += _crosswise(parent.name, members) if _are_parallel(members) else members
    return found


def is_set(folder: Path) -> bool:
    """Whether a folder is a set itself."""
    has_questions = (folder / QUESTIONS).is_file()
    return (folder / CORPUS).is_file() or (has_questions and (folder / DOCUMENTS).is_dir())


def _below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if is_set(entry):
            yield entry
        elif entry.is_dir() and not entry.name.startswith("."):
            yield from _below(entry)


def read_set(folder: Path) -> QuestionSet:
    """One set.

    Raises:
        ConfigurationError: it cannot be read: names file and line.
    """
    if (folder / CORPUS).is_file():
        return _read_corpus(folder)
    documents = list(find([folder / DOCUMENTS], Selection(recursive=True)))
    questions = [_question(one) for _, one in _lines(folder / QUESTIONS, _Question)]
    names = {one.name for one in documents}
    for number, one in enumerate(questions, start=1):
        missing = {evidence.document for evidence in one.evidence} | {one.document} - {None}
        if unknown := sorted(str(name) for name in missing - names - {""}):
            raise ConfigurationError(
                f"{folder / QUESTIONS}: question {number} ({one.id}): "
                f"no document {unknown[0]} in {DOCUMENTS}/."
            )
    level = _level(questions)
    absent = folder / ABSENT
    if absent.is_file():
        questions += [
            replace(_question(one), answerable=False) for _, one in _lines(absent, _Question)
        ]
    if level == "document":  # the evidence's text alone marks no place that can be told for sure
        questions = [replace(one, gold=_documents(one), evidence=()) for one in questions]
    return QuestionSet(folder.name, documents, (), questions, level)


def _read_corpus(folder: Path) -> QuestionSet:
    corpus = [
        CorpusText(str(one.id), number, one.title or "", one.text)
        for number, one in _lines(folder / CORPUS, _Text)
    ]
    known = {one.id for one in corpus}
    if (folder / QUESTIONS).is_file():
        questions = [_question(one) for _, one in _lines(folder / QUESTIONS, _Question)]
    else:
        gold = _judgements(folder)
        questions = [
            _question(_Question(one.id, one.text, gold=list(gold.get(str(one.id), ()))))
            for _, one in _lines(folder / QUERIES, _Text)
        ]
    for one in questions:
        if unknown := [name for name in one.gold if name not in known]:
            raise ConfigurationError(
                f"{folder}: question {one.id}: no text {unknown[0]} in {CORPUS}."
            )
    return QuestionSet(folder.name, (), corpus, questions, "document")


def _judgements(folder: Path) -> dict[str, list[str]]:
    """Query id -> ids of what is relevant to it, of qrels.tsv or of BEIR's qrels/*.tsv."""
    one = folder / "qrels.tsv"
    files = [one] if one.is_file() else sorted((folder / "qrels").glob("*.tsv"))
    if not files:
        raise ConfigurationError(f"{folder} has no qrels.tsv, which says what is relevant.")
    gold: dict[str, list[str]] = {}
    for path in files:
        for number, line in enumerate(_text(path).splitlines(), start=1):
            cells = line.split("\t")
            if number == 1 or not line.strip():  # a heading
                continue
            try:
                query, text, score = cells[0], cells[1], float(cells[2])
            except (IndexError, ValueError) as error:
                raise ConfigurationError(
                    f"{path}:{number}: three columns are wanted: query, text, score."
                ) from error
            if score > 0:
                gold.setdefault(query, []).append(text)
    return gold


def _question(line: _Question) -> SetQuestion:
    given = line.answerability or []
    labels = {given} if isinstance(given, str) else set(given)
    answerable: bool | None = None
    if _UNANSWERABLE in labels:
        answerable = False
    elif not labels & _UNCLEAR and (labels or line.evidence or line.gold):
        answerable = True
    return SetQuestion(
        id=str(line.id),
        text=line.question,
        history=[Said(one.role, one.content) for one in line.history or ()],
        document=line.doc,
        evidence=[
            Evidence(one.doc or line.doc or "", one.page, one.text, one.start)
            for one in line.evidence or ()
        ],
        gold=[str(one) for one in line.gold or ()],
        answerable=answerable,
        pooled_text=line.question_pooled,
        is_pooled=line.pooled_title_unique,
        is_measured=line.clause_span,
    )


def _level(questions: Sequence[SetQuestion]) -> Level:
    evidence = [one for question in questions for one in question.evidence]
    if any(one.page is not None for one in evidence):
        return "page"
    return "span" if any(one.start is not None for one in evidence) else "document"


def _documents(question: SetQuestion) -> list[str]:
    named = [one.document for one in question.evidence] or list(question.gold)
    return list(dict.fromkeys(name for name in named if name))


def _are_parallel(members: Sequence[QuestionSet]) -> bool:
    """Whether sets hold the same texts in several languages: the same ids everywhere."""
    ids = [[text.id for text in one.corpus] for one in members]
    return len(ids) > 1 and bool(ids[0]) and all(one == ids[0] for one in ids)


def _crosswise(family: str, members: Sequence[QuestionSet]) -> list[QuestionSet]:
    named = [replace(one, name=f"{family}/{one.name}") for one in members]
    into = [one for one in named if one.name == f"{family}/{CROSSED_INTO}"]
    crossed = [one.crossed(other) for other in into for one in named if one is not other]
    return named + crossed


def _lines(path: Path, kind: type[T]) -> Iterator[tuple[int, T]]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{path}:{number}: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
