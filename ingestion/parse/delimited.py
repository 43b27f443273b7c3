"""CSV and TSV: every line of cells is a row of a table."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ingestion.documents import ParsedDocument
from ingestion.encodings import decode
from ingestion.errors import DocumentRejected
from ingestion.load import CSV, TSV, extension, scrub, title_of
from ingestion.parse.draft import Draft
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown
from ingestion.parse.text import PAGE_CHARS

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 50
MAX_CELL_CHARS = 1_000_000
"""A quote that is never closed would make a cell of the rest of the file."""

_EXCEL_HINT = "sep="
"""Excel writes and reads a first line "sep=;"."""


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read rows of cells; which character is between them is found out.

    Raises:
        DocumentRejected: `unsupported` when its encoding is not read, `corrupt` when a quote is
            never closed, `no_text` when it is blank.
        DocumentTooComplex: a limit was hit.
    """
    text = scrub(decode(data))
    known(1 + len(text) // PAGE_CHARS)
    draft = Draft(limits)
    is_tabbed = extension(filename) == ".tsv"
    delimiter, text = ("\t", text) if is_tabbed else _delimiter(text)
    try:
        for row in _rows(text, delimiter):
            draft.row(row)
    except csv.Error as error:
        raise DocumentRejected(
            f"A cell is longer than {MAX_CELL_CHARS:,} characters; a quotation mark may not be "
            "closed.",
            code="corrupt",
        ) from error
    return draft.finish(TSV if is_tabbed else CSV, title_of(filename))


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL_CHARS)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _delimiter(text: str) -> tuple[str, str]:
    """The delimiter that cuts the first rows into the most even ones, and the text for it."""
    first, _, rest = text.partition("\n")
    hint = first.strip().strip('"')
    if hint.lower().startswith(_EXCEL_HINT) and len(hint) == len(_EXCEL_HINT) + 1:
        return hint[-1], rest
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter)), text


def _evenness(text: str, delimiter: str) -> float:
    """How many rows have the commonest number of cells, 0 when that is one, and more of them."""
    try:
        widths = Counter(map(len, islice(_rows(text, delimiter), SAMPLE_ROWS)))
    except csv.Error:
        return 0.0
    width, rows = max(widths.items(), key=lambda item: item[1], default=(1, 0))
    return rows + 1 - 1 / width if width > 1 else 0.0
