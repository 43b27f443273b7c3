"""Word: paragraphs, headings by style, tables by row, notes after what they belong to.

python-docx opens the package. It leaves out what stands in content controls, tracked insertions and
text boxes, so the body is walked here.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from docx.document import Document
from docx.opc.part import PartFactory, XmlPart
from docx.oxml import parse_xml
from docx.package import Package
from docx.parts.document import DocumentPart
from lxml.etree import _Element as Element

from ingestion.documents import ParsedDocument
from ingestion.load import DOCX
from ingestion.parse import package
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown
from ingestion.parse.titles import choose_title
from ingestion.parse.word_numbering import Numbering
from ingestion.parse.word_styles import Styles, W, child_value

_MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_WRAPPERS = frozenset(
    W + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "altChunk")
)
_LEFT_OUT = frozenset(
    W + name
    for name in ("del", "moveFrom", "delText", "instrText", "pPr", "rPr", "sdtPr", "tcPr", "trPr")
)
_TEXTS = frozenset({f"{W}t", f"{_M}t"})
_MARKS = {
    f"{W}tab": " ",
    f"{W}ptab": " ",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}lastRenderedPageBreak": "\f",
}
_NOTES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
_OFF = frozenset({"0", "false", "off"})


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a document; its pages are those that Word drew last, where the file says so.

    Raises:
        DocumentRejected: `corrupt`, `encrypted`, `unsupported` or `no_text`.
        DocumentTooComplex: a limit was hit.
    """
    package.check(data, DOCX, limits, known)
    with package.damaged():
        PartFactory.part_type_for[_MACROS] = DocumentPart  # python-docx knows only .docx
        document = Package.open(io.BytesIO(data)).main_document_part.document
        reader = _Reader(document, Draft(limits))
        reader.read(document.element.body)
        title = choose_title(filename, document.core_properties.title or reader.title)
    return reader.draft.finish(DOCX, title)


@dataclass(slots=True)
class _Aside:
    """What a paragraph refers to and what follows it: text boxes, and notes by kind and number."""

    boxes: list[Element]
    notes: list[tuple[str, str]]


class _Reader:
    def __init__(self, document: Document, draft: Draft) -> None:
        self.draft = draft
        self.title = ""
        self._document = document
        self._styles = Styles(_related(document, "styles"))
        self._numbering = Numbering(_related(document, "numbering"), self._styles)
        self._note_elements: dict[str, dict[str, Element]] = {}
        self._page_due = False

    def read(self, parent: Element) -> None:
        """Write the blocks of a body, a cell or a text box."""
        for block in parent:
            if block.tag == f"{W}p":
                self._paragraph(block)
            elif block.tag == f"{W}tbl":
                for row in _parts(block, "tr"):
                    self._row(row)
            elif block.tag in _WRAPPERS:
                self.read(block)

    def _paragraph(self, paragraph: Element) -> None:
        aside = _Aside([], [])
        pieces = "".join(_inline(paragraph, aside)).split("\f")
        properties = paragraph.find(f"{W}pPr")
        pages = [index for index, piece in enumerate(pieces) if piece.strip()]
        text = "".join(pieces).strip()
        self._page_due |= _is_on(properties, "pageBreakBefore") or bool(pages and pages[0] > 0)
        self._page_due |= not pages and len(pieces) > 1
        if text:
            self._turn()
            self._write(paragraph, text)
            for _ in pages[2:]:
                self.draft.page()  # the paragraph is kept whole on the page where it begins
            self._page_due = len(pages) > 1 or pages[-1] < len(pieces) - 1
        self._aside(aside)
        section = properties.find(f"{W}sectPr") if properties is not None else None
        if section is not None and child_value(section, "type") != "continuous":
            self._page_due = True

    def _turn(self) -> None:
        if self._page_due:
            self.draft.page()
        self._page_due = False

    def _write(self, paragraph: Element, text: str) -> None:
        label = self._numbering.label(paragraph)
        labelled = f"{label} {text}" if label else text
        level = self._styles.level_of(paragraph)
        if self._styles.is_title(paragraph):
            self.title = self.title or text
        if level:
            self.draft.heading(level, labelled)
        else:
            self.draft.paragraph(labelled)

    def _row(self, row: Element) -> None:
        properties = row.find(f"{W}trPr")
        if properties is not None and properties.find(f"{W}del") is not None:
            return
        cells = list(_parts(row, "tc"))
        if len(cells) == 1:  # a frame around text
            self.read(cells[0])
            return
        aside = _Aside([], [])
        texts = ["" if _continues(cell) else "".join(_inline(cell, aside)) for cell in cells]
        breaks = [text for text in texts if "\f" in text]
        self._page_due |= any(text.lstrip(" \n").startswith("\f") for text in breaks)
        if any(text.strip() for text in texts):
            self._turn()
            self.draft.row([" ".join(text.split()) for text in texts])
            self._page_due = any("\f" in text.strip(" \n").lstrip("\f") for text in breaks)
        self._aside(aside)

    def _aside(self, aside: _Aside) -> None:
        for box in aside.boxes:
            self.read(box)
        for kind, number in aside.notes:
            note = self._notes(kind).get(number)
            text = "" if note is None else " ".join("".join(_inline(note, _Aside([], []))).split())
            if text:
                self.draft.paragraph(f"{kind.capitalize()}: {text}")

    def _notes(self, kind: str) -> dict[str, Element]:
        if kind not in self._note_elements:
            part = _related(self._document, f"{kind}s")
            notes = part.iterchildren(f"{W}{kind}") if part is not None else ()
            self._note_elements[kind] = {note.get(f"{W}id", ""): note for note in notes}
        return self._note_elements[kind]


def _related(document: Document, name: str) -> Element | None:
    """The XML of a part that belongs to the document; None when it has none."""
    for relation in document.part.rels.values():
        if relation.reltype.endswith(f"/{name}") and not relation.is_external:
            part = relation.target_part
            return part.element if isinstance(part, XmlPart) else parse_xml(part.blob)
    return None


def _parts(parent: Element, name: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, also those in content controls."""
    for child in parent:
        if child.tag == W + name:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _parts(child, name)


def _continues(cell: Element) -> bool:
    """Whether the cell is the lower part of a merged one."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    return merge is not None and merge.get(f"{W}val") != "restart"


def _is_on(properties: Element | None, name: str) -> bool:
    switch = properties.find(W + name) if properties is not None else None
    return switch is not None and switch.get(f"{W}val") not in _OFF


def _inline(parent: Element, aside: _Aside) -> Iterator[str]:
    """The text below an element as it is shown; a form feed where a page begins."""
    for child in parent:
        tag = child.tag
        if tag in _TEXTS:
            yield child.text or ""
        elif tag in _MARKS:
            yield _MARKS[tag]
        elif tag == f"{W}br":
            yield "\f" if child.get(f"{W}type") == "page" else "\n"
        elif tag in _NOTES:
            aside.notes.append((_NOTES[tag], child.get(f"{W}id", "")))
        elif tag == f"{W}txbxContent":
            aside.boxes.append(child)
        elif tag not in _LEFT_OUT and not _is_on(child.find(f"{W}rPr"), "vanish"):
            yield from _inline(child[0] if tag == _ALTERNATIVES and len(child) else child, aside)
            yield " " if tag == f"{W}p" else ""
