"""PowerPoint: every slide is a page, its speaker notes after it."""

import io
from collections.abc import Iterable, Iterator

from pptx import Presentation
from pptx.chart.chart import Chart
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide
from pptx.text.text import TextFrame

from ingestion.documents import ParsedDocument
from ingestion.load import PPTX
from ingestion.parse import package
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown, check_pages
from ingestion.parse.titles import choose_title

NOTES = "Speaker notes:"

_FURNITURE = frozenset(
    {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER}
)


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a presentation; hidden slides too, and their labels say so.

    Raises:
        DocumentRejected: `corrupt`, `encrypted`, `unsupported` or `no_text`.
        DocumentTooComplex: a limit was hit.
    """
    package.check(data, PPTX, limits, known)
    with package.damaged():
        presentation = Presentation(io.BytesIO(data))
        slides = presentation.slides
        check_pages(len(slides), limits)
        draft = Draft(limits)
        for number, slide in enumerate(slides, 1):
            _write_slide(slide, f"Slide {number}", draft)
        title = choose_title(filename, presentation.core_properties.title)
    return draft.finish(PPTX, title)


def _write_slide(slide: Slide, name: str, draft: Draft) -> None:
    hidden = slide.element.get("show") in {"0", "false"}
    draft.page(f"{name} (hidden)" if hidden else name)
    title = slide.shapes.title
    title_text = title.text_frame.text if title is not None else ""
    if title_text.strip():
        draft.heading(1, title_text)
    else:
        draft.place(1, name)  # else the slide would go by the title of the one before
    for shape in _in_reading_order(slide.shapes):
        if title is None or shape.element is not title.element:
            _write_shape(shape, draft)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None and notes.text.strip():
        draft.paragraph(NOTES)
        _write_text(notes, draft)


def _in_reading_order(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    """From top to bottom, from left to right; groups taken apart, footers left out."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if shape.is_placeholder and shape.placeholder_format.type in _FURNITURE:
            continue
        if isinstance(shape, GroupShape):
            yield from _in_reading_order(shape.shapes)
        else:
            yield shape


def _write_shape(shape: BaseShape, draft: Draft) -> None:
    if isinstance(shape, GraphicFrame):
        if shape.has_table:
            for row in shape.table.rows:
                draft.row([cell.text for cell in row.cells])
        elif shape.has_chart:
            _write_chart(shape.chart, draft)
    elif isinstance(shape, Shape):
        _write_text(shape.text_frame, draft)


def _write_text(frame: TextFrame, draft: Draft) -> None:
    for paragraph in frame.paragraphs:
        draft.paragraph(paragraph.text)


def _write_chart(chart: Chart, draft: Draft) -> None:
    """The figures behind a chart, as a table: a row a category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        _write_text(chart.chart_title.text_frame, draft)
    for plot in chart.plots:
        series = list(plot.series)
        draft.row(["", *(one.name for one in series)])
        columns = [list(one.values) for one in series]
        for index, category in enumerate(plot.categories):
            values = (column[index] if index < len(column) else None for column in columns)
            draft.row([str(category), *("" if one is None else f"{one:.15g}" for one in values)])
