"""Excel: every sheet is a page, every row a line; formulas as the program last calculated them."""

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol, cast

import openpyxl
from openpyxl.cell.cell import Cell

from ingestion.documents import ParsedDocument
from ingestion.load import XLSX
from ingestion.parse import package
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown, check_pages
from ingestion.parse.sheet_values import shown
from ingestion.parse.titles import choose_title

MAX_ROWS = 1_048_576
"""Excel's own limit. openpyxl also gives the rows that are missing, up to any number."""


class _Sheet(Protocol):
    """What is used of openpyxl's `ReadOnlyWorksheet`, whose stubs are wrong."""

    title: str
    sheet_state: str

    def reset_dimensions(self) -> None: ...
    def iter_rows(self) -> Iterator[Sequence[Cell]]: ...


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a workbook; hidden sheets too, and their labels say so.

    Raises:
        DocumentRejected: `corrupt`, `encrypted`, `unsupported` or `no_text`.
        DocumentTooComplex: a limit was hit.
    """
    package.check(data, XLSX, limits, known)
    with package.damaged():
        workbook = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        sheets = cast("list[_Sheet]", workbook.worksheets)
        check_pages(len(sheets), limits)
        draft = Draft(limits)
        for sheet in sheets:
            hidden = "" if sheet.sheet_state == "visible" else " (hidden)"
            draft.page(f"{sheet.title}{hidden}")
            draft.place(1, sheet.title)
            _write_rows(sheet, draft)
        title = choose_title(filename, workbook.properties.title or "")
    return draft.finish(XLSX, title)


def _write_rows(sheet: _Sheet, draft: Draft) -> None:
    sheet.reset_dimensions()  # what the file claims: a bomb says 17 thousand million cells
    for row in islice(sheet.iter_rows(), MAX_ROWS):
        draft.row([shown(cell.value, cell.number_format) for cell in row])
