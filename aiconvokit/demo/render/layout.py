"""How a page looks: fonts, colours, running header and footer, bookmarks and page labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph
from typing_extensions import override

INK = HexColor("#1d2a33")
ACCENT = HexColor("#0b5563")
WARM = HexColor("#d9772b")
PALE = HexColor("#e8eff1")
GREY = HexColor("#6d7a82")
PALETTE = (ACCENT, WARM, HexColor("#7fb0b8"), HexColor("#c9d3d7"))

MARGIN = 22 * mm
TOP = 27 * mm
BOTTOM = 23 * mm
PAGE_WIDTH, PAGE_HEIGHT = A4
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN
FRONT_PAGES = ("i", "ii", "iii", "iv")  # cover, contents (two), about the report


def _style(name: str, font: str, size: float, leading: float, after: float = 0) -> ParagraphStyle:
    style = ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, textColor=INK)
    style.spaceAfter = after
    return style


BODY = _style("Body", "Times-Roman", 10.2, 13.8, 6.5)
BODY.allowWidows = BODY.allowOrphans = 0
BULLET = BODY.clone("Bullet", leftIndent=13, bulletIndent=3, spaceAfter=3.5)
QUOTE = BODY.clone("Quote", fontName="Times-Italic", fontSize=12, leading=16, textColor=ACCENT)
QUOTE.leftIndent = QUOTE.rightIndent = 18
QUOTE.spaceBefore = QUOTE.spaceAfter = 8
CLAUSE = BODY.clone("Clause", leftIndent=26, bulletIndent=0, spaceAfter=5.5)
ITEM = BODY.clone("Item", leftIndent=46, bulletIndent=26, spaceAfter=4)
HEADINGS = {
    1: _style("Chapter", "Helvetica-Bold", 20, 24, 14),
    2: _style("Section", "Helvetica-Bold", 12.5, 16, 5),
}
HEADINGS[1].textColor = HEADINGS[2].textColor = ACCENT
HEADINGS[2].spaceBefore = 11
for _heading in HEADINGS.values():
    _heading.keepWithNext = 1
CELL = _style("Cell", "Helvetica", 8, 10.2)
CELL_BOLD = CELL.clone("CellBold", fontName="Helvetica-Bold")
CELL_HEAD = CELL_BOLD.clone("CellHead", textColor=ACCENT)
CAPTION = _style("Caption", "Helvetica-Bold", 8.4, 11, 3)
CAPTION.textColor = GREY
CAPTION.spaceBefore = 5
CAPTION.keepWithNext = 1


class HeadingParagraph(Paragraph):
    """A heading that the outline and the contents page list."""

    def __init__(self, text: str, level: int) -> None:
        super().__init__(text, HEADINGS[level])
        self.level = level


@dataclass(frozen=True)
class Imprint:
    """What stands on every page, and in the file's own description."""

    title: str
    company: str
    subject: str
    numbering: Literal["report", "plain"]


class Document(BaseDocTemplate):
    """A document with bookmarks, page labels, and a header that names the chapter."""

    def __init__(self, path: Path, imprint: Imprint) -> None:
        super().__init__(
            str(path),
            pagesize=A4,
            title=imprint.title,
            author=imprint.company,
            subject=imprint.subject,
            invariant=1,
        )
        self.imprint = imprint
        self.front = FRONT_PAGES if imprint.numbering == "report" else ()
        self.chapter = ""
        self.marks = 0
        frame = Frame(MARGIN, BOTTOM, TEXT_WIDTH, PAGE_HEIGHT - TOP - BOTTOM, 0, 0, 0, 0)
        templates = [PageTemplate("page", [frame], onPageEnd=self._furniture)]
        if imprint.numbering == "report":
            templates.insert(0, PageTemplate("cover", [frame], onPage=draw_cover))
        self.addPageTemplates(templates)

    @override
    def beforeDocument(self) -> None:
        self.chapter = ""
        self.marks = 0
        if self.imprint.numbering == "report":
            self.canv.addPageLabel(0, style="ROMAN_LOWER")
            self.canv.addPageLabel(len(FRONT_PAGES), style="ARABIC")
        self.canv.showOutline()

    @override
    def afterFlowable(self, flowable: Flowable) -> None:
        if not isinstance(flowable, HeadingParagraph):
            return
        text = flowable.getPlainText()
        self.marks += 1
        key = f"mark{self.marks}"
        self.canv.bookmarkPage(key)
        depth = flowable.level - 1
        self.canv.addOutlineEntry(text, key, depth, closed=True)
        if flowable.level == 1:
            self.chapter = text
        self.notify("TOCEntry", (depth, text, self.page, key))

    def _furniture(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7.8)
        canvas.setFillColor(GREY)
        canvas.drawString(MARGIN, PAGE_HEIGHT - 15 * mm, self.imprint.title)
        canvas.drawRightString(PAGE_WIDTH - MARGIN, PAGE_HEIGHT - 15 * mm, self.chapter)
        canvas.drawString(MARGIN, 12 * mm, self.imprint.company)
        canvas.drawRightString(PAGE_WIDTH - MARGIN, 12 * mm, page_label(self.page, self.front))
        canvas.setStrokeColor(ACCENT)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, PAGE_HEIGHT - 17.5 * mm, PAGE_WIDTH - MARGIN, PAGE_HEIGHT - 17.5 * mm)
        canvas.setStrokeColor(PALE)
        canvas.line(MARGIN, 16 * mm, PAGE_WIDTH - MARGIN, 16 * mm)
        canvas.restoreState()


def page_label(page: int, front: Sequence[str] = FRONT_PAGES) -> str:
    """The number that stands on a page: roman in the front matter, then counted from 1."""
    return front[page - 1] if page <= len(front) else str(page - len(front))


def draw_cover(canvas: Canvas, _: BaseDocTemplate) -> None:
    """The report's cover: bands of warm water over a dark ground."""
    canvas.saveState()
    canvas.setFillColor(ACCENT)
    canvas.rect(0, 0, PAGE_WIDTH, PAGE_HEIGHT, stroke=0, fill=1)
    for number, colour in enumerate((PALETTE[2], PALETTE[3], WARM)):
        base = (95 - 22 * number) * mm
        path = canvas.beginPath()
        path.moveTo(0, 0)
        path.lineTo(0, base)
        third = PAGE_WIDTH / 3
        path.curveTo(third, base + 38 * mm, 2 * third, base - 40 * mm, PAGE_WIDTH, base + 8 * mm)
        path.lineTo(PAGE_WIDTH, 0)
        path.close()
        canvas.setFillColor(colour)
        canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#ffffff"))
    canvas.setFont("Helvetica-Bold", 15)
    canvas.drawString(MARGIN, PAGE_HEIGHT - 38 * mm, "Harrowmere Thermal N.V.")
    canvas.setFont("Helvetica-Bold", 46)
    canvas.drawString(MARGIN, PAGE_HEIGHT - 92 * mm, "Annual Report")
    canvas.drawString(MARGIN, PAGE_HEIGHT - 110 * mm, "2025")
    canvas.setFont("Helvetica", 13)
    canvas.drawString(MARGIN, PAGE_HEIGHT - 124 * mm, "Heat, moved with care")
    canvas.setFont("Helvetica", 9)
    canvas.drawString(
        MARGIN, 14 * mm, "A fictional company: a sample document for trying things out."
    )
    canvas.restoreState()
