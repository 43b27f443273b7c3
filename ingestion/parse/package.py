"""Office documents and books are ZIP archives of XML: what is looked at before one is unpacked.

No entry's name is ever used as a path: the archive is read in memory.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

from lxml import etree

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import DOCX, PPTX, XLSX
from ingestion.parse.limits import MB, Limits
from ingestion.parse.progress import PagesKnown
from ingestion.parse.text import PAGE_CHARS

_CONTENT_TYPES = "[Content_Types].xml"
_MAX_CONTENT_TYPES_BYTES = 4 * MB
"""Of a list that has a line an entry."""

_MAIN_PARTS = {
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": DOCX,
    b"application/vnd.ms-word.document.macroEnabled.main+xml": DOCX,
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": PPTX,
    b"application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml": PPTX,
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": XLSX,
    b"application/vnd.ms-excel.sheet.macroEnabled.main+xml": XLSX,
}
_NAMES = {DOCX: "a Word document", PPTX: "a PowerPoint presentation", XLSX: "an Excel workbook"}
_STRICT = b"http://purl.oclc.org/ooxml/"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_LOCKED_FLAG = 0x1
_BLOCK = 65_536
_BAD_ZIP = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError)


def check(data: bytes, media_type: str, limits: Limits, known: PagesKnown) -> None:
    """Refuse what is no Office document of that type, or would unpack to more than the limits.

    Raises:
        DocumentRejected: `unsupported`, `corrupt` or `encrypted`.
        DocumentTooComplex: it unpacks to too much.
    """
    with damaged(), open_archive(data, limits) as archive:
        entries = archive.infolist()
        _check_type(archive, media_type)
        xml = [entry for entry in entries if entry.filename.endswith((".xml", ".rels"))]
        known(1 + sum(entry.file_size for entry in xml) // PAGE_CHARS)
        for entry in xml:
            _check_no_doctype(archive, entry)


@contextmanager
def damaged() -> Iterator[None]:
    """Turn whatever a library raises over a bad file into `corrupt`.

    The libraries raise KeyError, ValueError, AttributeError, lxml's errors, RecursionError ...
    """
    try:
        yield
    except (DocumentRejected, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, etree.XMLSyntaxError) and error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise DocumentRejected(
            "The document is damaged and cannot be read. Open and save it again, or export it "
            "anew.",
            code="corrupt",
        ) from error


def open_archive(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """An archive whose entries unpack to no more than the limits.

    Raises:
        DocumentRejected: `corrupt` or `encrypted`.
        DocumentTooComplex: it would unpack to too much.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BAD_ZIP as error:
        raise DocumentRejected(
            "The document is damaged or incomplete: it is no whole ZIP archive. Upload it again, "
            "or save it anew.",
            code="corrupt",
        ) from error
    _check_sizes(archive.infolist(), limits)
    return archive


def _check_sizes(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """By the archive's own directory: `zipfile` never unpacks more than that says."""
    if len(entries) > limits.archive_entries:
        raise DocumentTooComplex(f"The document has more than {limits.archive_entries:,} parts.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked_bytes:
        raise DocumentTooComplex(
            f"The document unpacks to more than {limits.unpacked_bytes // MB} MB. Split it."
        )
    for entry in entries:
        if entry.flag_bits & _LOCKED_FLAG:
            raise DocumentRejected(
                "Parts of the document are locked. Save a copy without a password and upload that.",
                code="encrypted",
            )
        if entry.file_size > max(MB, limits.unpacked_ratio * entry.compress_size):
            raise DocumentTooComplex(
                f"A part of the document unpacks to more than {limits.unpacked_ratio} times its "
                "size, which real documents do not."
            )
        if entry.compress_type not in _METHODS:
            raise DocumentRejected(
                "The document is packed in a way that no common program uses. Save it anew.",
                code="corrupt",
            )


def _check_type(archive: zipfile.ZipFile, media_type: str) -> None:
    if _CONTENT_TYPES not in archive.namelist():
        raise DocumentRejected(
            "The file is a ZIP archive and no Office document.", code="unsupported"
        )
    with archive.open(_CONTENT_TYPES) as part:
        declared = part.read(_MAX_CONTENT_TYPES_BYTES)
    found = [kind for name, kind in _MAIN_PARTS.items() if b'"%s"' % name in declared]
    if media_type not in found:
        seen = _NAMES[found[0]] if found else "no document of Word, PowerPoint or Excel"
        raise DocumentRejected(
            f"The file is called {_NAMES[media_type]} but is {seen}.", code="unsupported"
        )
    with archive.open("_rels/.rels") as part:
        if _STRICT in part.read(_MAX_CONTENT_TYPES_BYTES):
            raise DocumentRejected(
                'The document is saved as "Strict Open XML". Save it in the ordinary format.',
                code="unsupported",
            )


class _PrologueRead(Exception):
    """The root element begins: no document type declaration can follow."""


def _check_no_doctype(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Entities need a document type declaration, which the format forbids."""

    def refuse(*_: object) -> None:
        raise DocumentRejected(
            "The document declares XML entities, which no Office program writes.", code="corrupt"
        )

    def stop(*_: object) -> None:
        raise _PrologueRead

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        with archive.open(entry) as part:
            while block := part.read(_BLOCK):
                parser.Parse(block)
    except (_PrologueRead, expat.ExpatError):
        return  # the libraries say what is wrong with the rest
