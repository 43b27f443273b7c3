"""A folder of mixed files that nobody wrote: the n-th file of a seed is always the same."""

import csv
import html
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import docx
import openpyxl
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from benchmarks.turns.documents import Words, vocabulary

FOLDER_FILES = 500
"""In a folder of the folder."""
PARAGRAPHS = (2, 9)
PARAGRAPH_WORDS = (30, 120)
LINE_CHARACTERS = 90
PDF_LINES = 50
"""Of a page."""


class Text(list[str]):
    """Paragraphs of one file; the first is its title."""

    @property
    def title(self) -> str:
        """A few words."""
        return self[0]

    @property
    def body(self) -> Sequence[str]:
        """The rest."""
        return self[1:]


def write_folder(folder: Path, count: int, seed: int) -> list[Path]:
    """Write that many files; they are given in the order of their writing."""
    words = vocabulary()
    paths: list[Path] = []
    for number in range(count):
        chance = random.Random(seed * 1_000_003 + number)  # noqa: S311  # the same each time
        (ending, write), *_ = chance.choices(list(_WRITERS.items()), list(_SHARES.values()))
        within = folder / f"{number // FOLDER_FILES:03}"
        within.mkdir(parents=True, exist_ok=True)
        path = within / f"report {number:05}{ending}"
        path.write_bytes(write(_text(words, chance)))
        paths.append(path)
    return paths


def _text(words: Words, chance: random.Random) -> Text:
    title = " ".join(words.some(chance, 4)).title()
    paragraphs = [
        " ".join(words.some(chance, chance.randint(*PARAGRAPH_WORDS))).capitalize() + "."
        for _ in range(chance.randint(*PARAGRAPHS))
    ]
    return Text([title, *paragraphs])


def _plain(text: Text) -> bytes:
    return "\n\n".join(text).encode()


def _markdown(text: Text) -> bytes:
    sections = (f"## Part {at}\n\n{one}" for at, one in enumerate(text.body, 1))
    return "\n\n".join([f"# {text.title}", *sections]).encode()


def _web(text: Text) -> bytes:
    body = "".join(f"<p>{html.escape(one)}</p>" for one in text.body)
    return f"<html><title>{text.title}</title><body><h1>{text.title}</h1>{body}</body>".encode()


def _rows(text: Text) -> list[list[str]]:
    return [["Part", "Words", "Says"]] + [
        [str(at), str(len(one.split())), one[:200]] for at, one in enumerate(text.body, 1)
    ]


def _table(text: Text) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(_rows(text))
    return out.getvalue().encode()


def _records(text: Text) -> bytes:
    return json.dumps([{"part": at, "says": one} for at, one in enumerate(text.body, 1)]).encode()


def _word(text: Text) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_heading(text.title)
    for one in text.body:
        document.add_paragraph(one)
    document.save(out)
    return out.getvalue()


def _sheet(text: Text) -> bytes:
    book, out = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("Parts")
    for row in _rows(text):
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def _pdf(text: Text) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    lines = [line for one in text for line in _lines(one)]
    for start in range(0, len(lines), PDF_LINES):
        page = canvas.beginText(50, A4[1] - 60)
        page.setFont("Helvetica", 10)
        page.textLines(lines[start : start + PDF_LINES])
        canvas.drawText(page)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _lines(paragraph: str) -> list[str]:
    lines = [""]
    for word in paragraph.split():
        if len(lines[-1]) + len(word) > LINE_CHARACTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return [*lines, ""]


def _broken(text: Text) -> bytes:
    """A PDF that was cut off after a few bytes of nonsense."""
    return b"%PDF-1.7\n" + text.title.encode() * 20


_WRITERS: dict[str, Callable[[Text], bytes]] = {
    ".txt": _plain,
    ".md": _markdown,
    ".html": _web,
    ".csv": _table,
    ".json": _records,
    ".pdf": _pdf,
    ".docx": _word,
    ".xlsx": _sheet,
    ".broken.pdf": _broken,
}
_SHARES = {
    ".txt": 40,
    ".md": 22,
    ".html": 10,
    ".csv": 6,
    ".json": 6,
    ".pdf": 10,
    ".docx": 3,
    ".xlsx": 2,
    ".broken.pdf": 1,
}
"""In a hundred; Office files cost their writer the most."""
