"""Lines of documents, of what they stand in, and of assistants and widgets that read them."""

import msgspec

from aiconvokit.operations.transfer import asked
from aiconvokit.operations.transfer.asked import Options
from aiconvokit.operations.transfer.known import Reading, WrongError
from aiconvokit.operations.transfer.records import (
    Assistant,
    Batch,
    Chunking,
    Document,
    File,
    Page,
    Passage,
    VectorStore,
    Widget,
)
from aiconvokit.retrieval.glossary import check_glossary
from ingestion.attributes import check_attributes
from ingestion.load import clean_filename

LONGEST_PASSAGE = 100_000
"""Characters with its place: what is longer is no passage, and has more words than one can have."""
WORD_BYTES = 2_046
"""Of a word in a `tsvector`."""


def store(found: Reading, one: VectorStore, _line: int) -> None:
    """A vector store."""
    found.add("collection", one.id, one.number)


def file(found: Reading, one: File, _line: int) -> None:
    """A file; one content has one size."""
    found.add("file", one.id, one.number)
    _ensure_clean(one.filename)
    if one.purpose is None:
        found.once("content of documents", one.sha256)
        found.known.shared[one.sha256] = one.id
    found.known.sizes[one.id] = one.size
    if found.known.contents.setdefault(one.sha256, one.size) != one.size:
        raise WrongError("another file of that content has another size")


def document(found: Reading, one: Document, _line: int) -> None:
    """A document; its vector store and its file were read."""
    found.add("document", one.id, one.number)
    found.in_order(one.number)
    found.there("collection", one.vector_store)
    found.there("file", one.file)
    _ensure_clean(one.filename)
    found.once("filename", one.vector_store, one.filename)
    found.store_of[one.id], found.versions[one.id] = one.vector_store, one.version
    check_attributes(one.attributes)
    if one.chunking:
        msgspec.convert(one.chunking, Chunking)
    if any(len(word.encode()) > WORD_BYTES for word in _words(one.search_words)):
        raise WrongError("one of its search_words is too long")
    if (one.ready_version or 0) > one.version or (
        (one.status == "ready") != (one.ready_version == one.version)
    ):
        raise WrongError("its status does not fit its versions")
    if one.ready_version is not None:
        found.ready[one.id] = one.ready_version
    if one.status == "queued":
        found.known.queued.add(one.id)
    found.known.locked += one.had_password


def _words(search_words: str) -> list[str]:
    """What stands in quotes, and what is between: that is short."""
    return search_words.replace("''", "?").split("'")


def _ensure_clean(filename: str) -> None:
    """A name as an upload would have left it: no path, nothing invisible."""
    if clean_filename(filename) != filename:
        raise WrongError("its filename is none")


def batch(found: Reading, one: Batch, _line: int) -> None:
    """A batch; all of it is of one vector store."""
    found.add("file_batch", one.id, one.number)
    found.there("collection", one.vector_store)
    found.there("document", *one.documents)
    if {found.store_of[document] for document in one.documents} - {one.vector_store}:
        raise WrongError("it has documents of another vector store")
    if len(set(one.documents)) != len(one.documents):
        raise WrongError("it has a document twice")


def assistant(found: Reading, one: Assistant, _line: int) -> None:
    """An assistant; what it reads was read."""
    found.add("assistant", one.id, one.number)
    found.there("collection", *(read.id for read in one.vector_stores))
    if len({read.id for read in one.vector_stores}) != len(one.vector_stores):
        raise WrongError("it reads a vector store twice")
    if one.glossary is not None:
        check_glossary(one.glossary)
    asked.check(one.options, Options)


def widget(found: Reading, one: Widget, _line: int) -> None:
    """A widget; its assistant was read."""
    found.add("widget", one.id, one.number)
    found.there("assistant", one.assistant)
    found.check_widget(one)
    if len({(spent.day, spent.visitor) for spent in one.usage}) != len(one.usage):
        raise WrongError("it has a day's usage twice")


def page(found: Reading, one: Page, _line: int) -> None:
    """A page; what is cited of it stands there."""
    found.there("document", one.document)
    found.in_order(found.known.ids["document"][one.document], one.version, one.number)
    if one.version > found.versions[one.document]:
        raise WrongError("its version is newer than its document")
    for line, cited in found.quotes.pop((one.document, one.version, one.number), ()):
        if one.text[cited.start : cited.end] != cited.quote:
            raise found.unproven(line, cited)
    if found.ready.get(one.document) == one.version:
        found.lengths[one.document][one.number] = len(one.text)


def passage(found: Reading, one: Passage, _line: int) -> None:
    """A passage; it is a piece of its page."""
    found.there("document", one.document)
    found.in_order(found.known.ids["document"][one.document], one.ordinal)
    length = found.lengths[one.document].get(one.page, -1)
    if not one.start < one.end <= length:
        raise WrongError("it is outside of its page")
    if one.end - one.start + len(one.heading) + len(one.context) > LONGEST_PASSAGE:
        raise WrongError(f"it has more than {LONGEST_PASSAGE} characters")
    if not 0 <= one.number_density <= 1:
        raise WrongError("its number_density is not between 0 and 1")
