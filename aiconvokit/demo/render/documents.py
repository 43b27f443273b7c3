"""Which texts make which document."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from reportlab.platypus import Flowable, NextPageTemplate, PageBreak, Paragraph, TableStyle
from reportlab.platypus.tableofcontents import TableOfContents

from aiconvokit.demo.render import layout
from aiconvokit.demo.render.flowables import flowables
from aiconvokit.demo.render.markup import blocks

DOCUMENTS = Path(__file__).parent.parent / "documents"
TEXTS = Path(__file__).parent / "text"
REPORT = "annual_report.pdf"
AGREEMENT = "supply_agreement.pdf"


def write_all(folder: Path) -> None:
    """Both documents into the folder, byte for byte the same each time."""
    write_report(folder / REPORT)
    write_agreement(folder / AGREEMENT)


def write_report(path: Path) -> None:
    """The annual report; its texts follow one another in the order of their file names."""
    imprint = layout.Imprint(
        title="Annual Report 2025",
        company="Harrowmere Thermal N.V.",
        subject="Annual report of a fictional company, financial year 2025",
        numbering="report",
    )
    chapters = sorted((TEXTS / "annual_report").glob("*.md"))
    story: list[Flowable] = [NextPageTemplate("page"), PageBreak()]
    story += _contents(layout.page_label)
    story += chain.from_iterable(_written(text) for text in chapters)
    layout.Document(path, imprint).multiBuild(story)


def write_agreement(path: Path) -> None:
    """The supply agreement, on pages numbered from 1."""
    imprint = layout.Imprint(
        title="Framework Supply Agreement No. HT-2025-0417",
        company="Harrowmere Thermal N.V. / Lindqvarn Kompressor AB",
        subject="A contract between fictional companies",
        numbering="plain",
    )
    title, *clauses = sorted((TEXTS / "supply_agreement").glob("*.md"))
    story = [*_written(title), PageBreak(), *_contents(str), PageBreak()]
    story += chain.from_iterable(_written(text) for text in clauses)
    layout.Document(path, imprint).multiBuild(story)


def _written(text: Path) -> Iterator[Flowable]:
    return flowables(blocks(text.read_text("utf-8")))


def _contents(page_label: Callable[[int], str]) -> Iterator[Flowable]:
    """The list of headings with their pages, which the second pass fills in."""
    chapter = layout.CELL_BOLD.clone("Contents1", fontSize=9, leading=11, spaceBefore=3)
    section = layout.CELL.clone("Contents2", fontSize=8, leading=9.6, leftIndent=12)
    tight = TableStyle(
        [
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
        ]
    )
    yield Paragraph("Contents", layout.HEADINGS[1])
    yield TableOfContents(
        levelStyles=[chapter, section], tableStyle=tight, dotsMinLevel=0, formatter=page_label
    )
