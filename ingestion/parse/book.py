"""EPUB: every part of the book is a page, in the order in which it is read."""

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree, html
from lxml.etree import _Element as Element

from ingestion.documents import ParsedDocument
from ingestion.errors import DocumentRejected
from ingestion.load import EPUB
from ingestion.parse import package
from ingestion.parse.draft import Draft
from ingestion.parse.limits import MB, Limits
from ingestion.parse.progress import PagesKnown, check_pages
from ingestion.parse.text import PAGE_CHARS
from ingestion.parse.titles import choose_title
from ingestion.parse.web import write_page

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_MAX_TABLE_BYTES = 16 * MB
"""Of the lists of what is in a book; those of a thousand chapters have 1 MB."""

_PAGES = frozenset({"application/xhtml+xml", "text/html"})
_NCX = "application/x-dtbncx+xml"
_HEADING = re.compile(rb"<h[1-6]\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of the book, by its name in the archive."""

    name: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the table of contents: what a part is called, and on which level."""

    level: int
    title: str


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a book.

    Raises:
        DocumentRejected: `corrupt`, `encrypted`, `unsupported` or `no_text`.
        DocumentTooComplex: a limit was hit.
    """
    with package.damaged(), package.open_archive(data, limits) as archive:
        root_file = _root_file(archive)
        root = _xml(_read(archive, root_file))
        parts = _parts(root, root_file)
        spine = _spine(root, parts, archive)
        _check_open(archive, spine)
        size = sum(archive.getinfo(part.name).file_size for part in spine)
        check_pages(len(spine), limits)
        known(len(spine) + size // PAGE_CHARS)
        contents = _contents(parts, archive)
        draft = Draft(limits)
        for part in spine:
            _write(archive.read(part.name), contents.get(part.name), draft)
        title = choose_title(filename, root.findtext(".//{*}metadata/{*}title") or "")
    return draft.finish(EPUB, title)


def _write(page: bytes, entry: _Entry | None, draft: Draft) -> None:
    draft.page(entry.title if entry else "")
    if entry and not _HEADING.search(page):
        draft.place(entry.level, entry.title)
    write_page(page, draft)


def _root_file(archive: zipfile.ZipFile) -> str:
    """The list of what the book is made of."""
    if _CONTAINER not in archive.namelist():
        raise DocumentRejected("The file is a ZIP archive and no EPUB book.", code="unsupported")
    found = _xml(_read(archive, _CONTAINER)).find(".//{*}rootfile")
    name = _joined("", found.get("full-path", "") if found is not None else "")
    archive.getinfo(name)  # KeyError: damaged
    return name


def _parts(root: Element, root_file: str) -> dict[str, _Part]:
    """The files by their ids."""
    folder = posixpath.dirname(root_file)
    return {
        item.get("id", ""): _Part(
            _joined(folder, item.get("href", "")),
            item.get("media-type", ""),
            frozenset(item.get("properties", "").split()),
        )
        for item in root.iterfind(".//{*}manifest/{*}item")
    }


def _spine(root: Element, parts: Mapping[str, _Part], archive: zipfile.ZipFile) -> list[_Part]:
    """The parts that are read, in order; each once, as the format has it."""
    names = frozenset(archive.namelist())
    wanted = (parts.get(item.get("idref", "")) for item in root.iterfind(".//{*}spine/{*}itemref"))
    spine = dict.fromkeys(part for part in wanted if part and part.media_type in _PAGES)
    present = [part for part in spine if part.name in names]
    if not present:
        raise DocumentRejected(
            "The book is incomplete: none of its chapters is in it. Download or export it anew.",
            code="corrupt",
        )
    return present


def _check_open(archive: zipfile.ZipFile, spine: list[_Part]) -> None:
    """Sellers lock chapters; that only fonts are locked is of no matter."""
    if _ENCRYPTION not in archive.namelist():
        return
    references = _xml(_read(archive, _ENCRYPTION)).iterfind(".//{*}CipherReference")
    locked = {_joined("", one.get("URI", "")) for one in references}
    if any(part.name in locked for part in spine):
        raise DocumentRejected(
            "The book is locked by its seller (DRM) and can be read by its programs only.",
            code="encrypted",
        )


def _contents(parts: Mapping[str, _Part], archive: zipfile.ZipFile) -> dict[str, _Entry]:
    """What the table of contents calls each part first, by the part's name; {} without one."""
    names = frozenset(archive.namelist())
    for part in parts.values():
        if part.name in names and ("nav" in part.properties or part.media_type == _NCX):
            read = _ncx_entries if part.media_type == _NCX else _nav_entries
            folder = posixpath.dirname(part.name)
            found: dict[str, _Entry] = {}
            for level, title, href in read(_read(archive, part.name)):
                found.setdefault(_joined(folder, href), _Entry(level, title))
            if found:
                return found
    return {}


def _nav_entries(data: bytes) -> Iterator[tuple[int, str, str]]:
    """(level, title, link) of EPUB 3's page of contents; other lists on it are of no matter."""
    page = html.document_fromstring(data)
    for nav in page.iter("nav"):
        if nav.get("epub:type") in {None, "toc"}:
            for link in nav.iter("a"):
                level = sum(1 for _ in link.iterancestors("ol"))
                yield level or 1, _flat(link), link.get("href", "")
            return


def _ncx_entries(data: bytes) -> Iterator[tuple[int, str, str]]:
    """The same of EPUB 2's list of contents."""
    for point in _xml(data).iter("{*}navPoint"):
        level = 1 + sum(1 for _ in point.iterancestors("{*}navPoint"))
        label, content = point.find("{*}navLabel"), point.find("{*}content")
        if label is not None and content is not None:
            yield level, _flat(label), content.get("src", "")


def _flat(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(_MAX_TABLE_BYTES)


def _xml(data: bytes) -> Element:
    """Parsed without entities, and nothing is fetched."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    return etree.fromstring(data, parser)


def _joined(folder: str, href: str) -> str:
    """The name in the archive that a link means; it is looked up there, never used as a path."""
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
