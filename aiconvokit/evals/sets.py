"""What an evaluation is made of: documents, questions, and where the answers stand."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ingestion.batch import Found

Level = Literal["page", "span", "document"]
"""What the gold names: a page, a stretch of text, or a whole document."""
Mode = Literal["own", "pooled"]
"""own: a question searches its own document only; pooled: it searches all of them."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the conversation before the question; `role` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stands: a physical page from 1, or a text that begins near `start`."""

    document: str
    page: int | None
    text: str
    start: int | None


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """A question with its gold; `answerable` None: nobody said."""

    id: str
    text: str
    history: Sequence[Said]
    document: str | None
    evidence: Sequence[Evidence]
    gold: Sequence[str]
    """Names of whole documents that hold the answer."""
    answerable: bool | None
    pooled_text: str | None
    is_pooled: bool
    """False: among all documents the question is ambiguous."""
    is_measured: bool
    """False: its evidence is too short to say which page is meant."""


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions on some documents.

    Documents are files of a folder, or texts of a corpus, which become files when they are loaded:
    `aliases` has the gold's name for a document's name where the two differ.
    """

    name: str
    documents: Sequence[Found]
    corpus: Sequence["CorpusText"]
    questions: Sequence[SetQuestion]
    level: Level

    @property
    def modes(self) -> Sequence[Mode]:
        """Alone in its document a question has no document to find."""
        own = self.level != "document" and all(one.document for one in self.questions)
        return ("own", "pooled") if own else ("pooled",)

    @property
    def aliases(self) -> dict[str, str]:
        """Document name -> what the gold calls it."""
        return {one.filename: one.id for one in self.corpus}

    def content_sha256(self) -> str:
        """The digest of all documents with their names: the same digest, the same index."""
        digest = hashlib.sha256()
        for file in self.documents:
            digest.update(file.name.encode() + b"\0" + file.sha256())
        for text in self.corpus:
            digest.update(f"{text.filename}\0{text.text}\0".encode("utf-8", "replace"))
        return digest.hexdigest()

    def crossed(self, other: "QuestionSet") -> "QuestionSet":
        """These questions on another set's documents."""
        name = f"{self.name}->{other.name.rpartition('/')[2]}"
        return replace(self, name=name, documents=other.documents, corpus=other.corpus)


@dataclass(frozen=True, slots=True)
class CorpusText:
    """One text of a corpus; it becomes a document called `filename`."""

    id: str
    number: int
    title: str
    text: str

    @property
    def filename(self) -> str:
        """A folder that tells it from others of its title, and a name that is its title."""
        words = " ".join(self.title.replace("/", " ").replace("\\", " ").split())
        return f"{self.number}/{words[:TITLE_CHARACTERS].strip() or UNTITLED}.txt"

    def write(self, folder: Path) -> Found:
        """The text as a file in a folder, fit to be uploaded."""
        path = folder / f"{self.number}.txt"
        path.write_text(self.text, encoding="utf-8", errors="replace")
        return Found(path, self.filename)


TITLE_CHARACTERS = 200
"""File names have an end; titles of papers reach 200 characters."""
UNTITLED = "document"
"""What a nameless upload is called, too; one name for all says nothing about any of them."""
