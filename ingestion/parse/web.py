"""HTML: what a reader of the page sees, and nothing is fetched."""

import re
from contextlib import suppress

from lxml import etree, html
from lxml.etree import _Element as Element

from ingestion.documents import ParsedDocument
from ingestion.encodings import UTF_8, WESTERN, decode, encoding_of
from ingestion.errors import DocumentTooComplex
from ingestion.load import HTML, scrub
from ingestion.parse import package
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown
from ingestion.parse.text import PAGE_CHARS
from ingestion.parse.titles import choose_title

DECLARED_WITHIN = 4_096
"""Browsers look for the declared encoding in the first 1,024 bytes; files saved from them need
more."""

_DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]{2,20})", re.IGNORECASE)
_CODECS = frozenset(
    {*(f"windows-125{page}" for page in range(9)), *(f"iso-8859-{part}" for part in range(2, 17))}
    | {"koi8-r", "koi8-u", "shift_jis", "euc-jp", "euc-kr", "big5", "gbk", "gb18030"}
)
_WIDER = {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030", "x-sjis": "shift_jis"}
_LEFT_OUT = frozenset(
    {"audio", "button", "canvas", "datalist", "dialog", "head", "iframe", "math", "nav", "noscript"}
    | {"object", "script", "select", "style", "svg", "template", "textarea", "video"}
)
_LISTS = frozenset({"ol", "ul", "menu"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details"}
    | {"div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr"}
    | {"legend", "li", "main", "menu", "ol", "p", "pre", "section", "summary", "table", "tbody"}
    | {"td", "tfoot", "th", "thead", "tr", "ul", *_HEADINGS}
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_BREAK = "\v"
"""A line break that the author set, while those of the source are only space."""

_OPENERS = frozenset({"$", "€", "£", "¥", "(", "($"})
_CLOSERS = frozenset({")", "%", ")%"})
"""Filings put these into cells of their own, beside the figure."""


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a web page.

    Raises:
        DocumentRejected: `unsupported` when its encoding is not read, `corrupt` or `no_text`.
        DocumentTooComplex: a limit was hit.
    """
    known(1 + len(data) // PAGE_CHARS)
    draft = Draft(limits)
    title = write_page(data, draft)
    return draft.finish(HTML, choose_title(filename, title))


def write_page(data: bytes, draft: Draft) -> str:
    """Put what a page shows into a draft; returns its title.

    Raises like `parse`, but for `no_text`.
    """
    title = ""
    text = scrub(_text(data))
    with package.damaged(), suppress(etree.ParserError):  # which says that the page is empty
        if text.strip():
            parser = html.HTMLParser(
                encoding=UTF_8, remove_comments=True, remove_pis=True, huge_tree=True
            )
            root = html.document_fromstring(text.encode(), parser=parser, ensure_head_body=True)
            _check_whole(parser)
            title = root.findtext("head/title") or ""
            _Writer(draft).write(root)
    return title


def _check_whole(parser: html.HTMLParser) -> None:
    """The parser mends everything but what stopped it: then the rest of the page is missing."""
    stops = {entry.type for entry in parser.error_log.filter_from_fatals()}
    if etree.ErrorTypes.ERR_NO_MEMORY in stops:
        raise MemoryError
    if etree.ErrorTypes.ERR_RESOURCE_LIMIT in stops:
        raise DocumentTooComplex("The page's elements are nested too deeply to be read.")


def _text(data: bytes) -> str:
    """Decoded as UTF-8 where it is that, whatever it declares; else as it declares."""
    declared = _DECLARED.search(data[:DECLARED_WITHIN])
    name = declared.group(1).decode().lower() if declared else ""
    codec = _WIDER.get(name, name if name in _CODECS else "")
    if codec and encoding_of(data) in {UTF_8, WESTERN}:
        try:
            return data.decode(UTF_8)
        except UnicodeDecodeError:
            return data.decode(codec, "replace")
    return decode(data)


class _Writer:
    """Puts a page's text into a draft, in its order.

    Nothing here is recursive: pages nest as deep as they like.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._line: list[str] = []
        self._heading = 0
        self._lists: list[int | None] = []
        self._label = ""
        self._preformatted = 0

    def write(self, root: Element) -> None:
        """Write all that is shown of a page."""
        skipped: Element | None = None
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                if element is not skipped:
                    self._leave(element)
                skipped = None
                self._add(element.tail)
            elif _is_left_out(element) or self._is_written_row(element):
                skipped = element
                walk.skip_subtree()
            else:
                self._enter(element)
        self._flush()

    def _enter(self, element: Element) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._flush()
        if tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag in _LISTS:
            self._lists.append(_first_number(element) - 1 if tag == "ol" else None)
        elif tag == "li":
            self._label = self._next_label()
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "br":
            self._line.append(_BREAK)
        self._add(element.text)

    def _leave(self, element: Element) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._flush()
        if tag in _HEADINGS:
            self._heading = 0
        elif tag in _LISTS:
            self._lists.pop()
        elif tag == "li":
            self._label = ""
        elif tag == "pre":
            self._preformatted -= 1

    def _add(self, text: str | None) -> None:
        if text:
            kept = text.replace("\n", _BREAK) if self._preformatted else _SPACES.sub(" ", text)
            self._line.append(kept)

    def _flush(self) -> None:
        """End a paragraph or a heading."""
        lines = "".join(self._line).split(_BREAK)
        self._line.clear()
        if not self._preformatted:
            lines = [" ".join(line.split(" ")).strip() for line in lines]
        text = "\n".join(lines).strip("\n")
        if not text.strip():
            return
        labelled = f"{self._label} {text}" if self._label else text
        self._label = ""
        if self._heading:
            self._draft.heading(self._heading, labelled)
        else:
            self._draft.paragraph(labelled)

    def _next_label(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "•"
        self._lists[-1] = number + 1
        return f"{number + 1}."

    def _is_written_row(self, element: Element) -> bool:
        """Write a row of two cells or more; others, and frames around tables, are only blocks."""
        if element.tag != "tr" or element.find(".//table") is not None:
            return False
        cells = [_flat(cell) for cell in element if cell.tag in {"td", "th"}]
        if sum(map(bool, cells)) < 2:
            return False
        self._flush()
        self._draft.row(_joined(cells))
        return True


def _is_left_out(element: Element) -> bool:
    """Whether an element is not shown, or only leads elsewhere."""
    return (
        element.tag in _LEFT_OUT
        or not isinstance(element.tag, str)
        or "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or element.get("role") == "navigation"
        or bool(_HIDDEN_STYLE.search(element.get("style", "")))
    )


def _flat(cell: Element) -> str:
    """A cell's text in one line."""
    pieces: list[str] = []
    walk = etree.iterwalk(cell, events=("start", "end"))
    for event, element in walk:
        if event == "start" and _is_left_out(element):
            walk.skip_subtree()
        elif event == "start":
            pieces += (
                " " if element.tag in _BLOCKS or element.tag == "br" else "",
                element.text or "",
            )
        elif element is not cell:
            pieces.append(element.tail or "")
    return " ".join("".join(pieces).split())


def _joined(cells: list[str]) -> list[str]:
    """Cells with the signs that stand in cells of their own put to their figures."""
    joined: list[str] = []
    opened = ""
    for cell in cells:
        if cell in _OPENERS:
            opened += cell
        elif cell in _CLOSERS and joined:
            joined[-1] += cell
        elif cell or not opened:
            joined.append(opened + cell)
            opened = ""
    return [*joined, opened] if opened else joined


def _first_number(element: Element) -> int:
    start = element.get("start", "")
    return int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 1
