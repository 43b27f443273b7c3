"""Pages of PDFs as pictures, and the marks of quotes on them."""

import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import httpx
import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from contract.conftest import Closed
from contract.rows import row
from contract.wire import exactly
from support.server import API, Client

PAGES = ("The group employed 1,204 people.\nIt paid a dividend of 0.85 euro.", "The second page.")
NO_PICTURE = '{"detail":"This document has no pictures of its pages.","code":"no_picture"}'
NOT_FOUND = '{"detail":"Not found."}'


def pdf(*pages: str, change: Callable[[PdfWriter], None] | None = None) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for page in pages:
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 700 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    if change is None:
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(out))
    change(writer)
    changed = io.BytesIO()
    writer.write(changed)
    return changed.getvalue()


@pytest.fixture(scope="module")
def report(ann: Client) -> dict[str, Any]:
    """A document of Ann's with two pages."""
    found: dict[str, Any] = ann.assistant(report_pdf=pdf(*PAGES))["documents"][0]
    assert found["status"] == "ready", found
    return found


def picture(client: Client, document: dict[str, Any], page: int = 1, **query: Any) -> Any:
    return client.get(f"{document['url']}pages/{page}/picture/", params=query)


def marks(client: Client, document: dict[str, Any], page: int = 1, **query: Any) -> Any:
    return client.get(f"{document['url']}pages/{page}/marks/", params=query)


def size(answer: httpx.Response) -> tuple[int, int]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", answer.content[16:24])
    return width, height


@row("pictures")
def test_a_page_is_a_picture(ann: Client, report: dict[str, Any]) -> None:
    whole = picture(ann, report, version=1)
    width, height = size(whole)
    assert (width, height) == (1_000, int(1_000 * A4[1] / A4[0]))
    assert whole.headers["cache-control"] == "private, max-age=86400"
    assert whole.headers["vary"] == "Authorization"
    assert picture(ann, report, version=1).content == whole.content
    assert picture(ann, report, 2).content != whole.content
    assert size(picture(ann, report, width=200))[0] == 200
    assert size(picture(ann, report, width=201))[0] == 400
    assert size(picture(ann, report, width=2_400))[0] == 2_400


@row("pictures")
def test_a_picture_that_is_there_already_is_not_sent_again(
    ann: Client, report: dict[str, Any]
) -> None:
    whole = picture(ann, report)
    assert whole.headers["cache-control"] == "private, no-cache"  # another one after a new version
    path, tag = f"{report['url']}pages/1/picture/", whole.headers["etag"]
    again = ann.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = ann.get(path, headers={"If-None-Match": tag}, params={"width": 800})
    assert size(other)[0] == 800
    assert other.headers["etag"] != tag


@row("marks")
def test_words_are_marked(ann: Client, report: dict[str, Any]) -> None:
    text = ann.get(f"{report['url']}pages/1/").json()["text"]
    assert text == PAGES[0]
    begin = text.index("1,204")
    found = marks(ann, report, start=begin, end=begin + 5).json()
    assert list(found) == ["page", "width", "height", "boxes"]
    assert (found["page"], found["width"]) == (1, pytest.approx(A4[0], abs=0.01))
    (box,) = found["boxes"]
    assert list(box) == ["x", "y", "width", "height"]
    assert box["y"] < 1 - 700 / A4[1] < box["y"] + box["height"]  # the base line is inside
    assert 72 / A4[0] < box["x"] < box["x"] + box["width"] < 0.5
    lines = marks(ann, report, start=0, end=len(text)).json()["boxes"]
    assert len(lines) == 2
    assert marks(ann, report, start=0, end=10_000, version=1).json()["boxes"] == lines
    assert marks(ann, report, start=7, end=7).json()["boxes"] == []
    assert marks(ann, report, start=10_000, end=20_000).json()["boxes"] == []


@row("pictures", "marks")
def test_what_is_asked_wrongly(ann: Client, report: dict[str, Any]) -> None:
    between = "Ensure this value is between"
    exactly(picture(ann, report, width=100), 400, f'{{"width":["{between} 200 and 2400."]}}')
    exactly(picture(ann, report, width="wide"), 400, '{"width":["A valid integer is required."]}')
    exactly(picture(ann, report, version=0), 400, f'{{"version":["{between} 1 and 2147483647."]}}')
    required = '["This field is required."]'
    exactly(marks(ann, report), 400, f'{{"start":{required},"end":{required}}}')
    exactly(marks(ann, report, start=1), 400, f'{{"end":{required}}}')
    backwards = marks(ann, report, start=9, end=3)
    exactly(backwards, 400, f'{{"end":["{between} 9 and 2147483647."]}}')


@row("pictures", "marks")
def test_pages_that_are_not_there(ann: Client, report: dict[str, Any]) -> None:
    for page in (0, 3, 2_999, 2**31, 10**22):
        exactly(picture(ann, report, page), 404, NOT_FOUND)
        exactly(marks(ann, report, page, start=0, end=1), 404, NOT_FOUND)
    exactly(picture(ann, report, version=2), 404, NOT_FOUND)
    exactly(marks(ann, report, version=2, start=0, end=1), 404, NOT_FOUND)


@row("pictures", "marks", "codes")
def test_other_formats_and_older_versions_have_no_pictures(ann: Client) -> None:
    made = ann.assistant(notes_md=b"# Notes\n\nText.\n", report_pdf=pdf(*PAGES))
    notes, report = made["documents"]
    exactly(picture(ann, notes), 404, NO_PICTURE)
    exactly(marks(ann, notes, start=0, end=1), 404, NO_PICTURE)
    old = picture(ann, report)
    files = [("files", ("report.pdf", pdf("A correction.")))]
    ann.post(f"{API}/assistants/{made['id']}/documents/", files=files)
    ann.read(made["id"])
    exactly(picture(ann, report, version=1), 404, NO_PICTURE)
    assert picture(ann, report, version=2).content != old.content
    assert picture(ann, report).headers["etag"] != old.headers["etag"]


@row("pictures")
def test_files_that_cannot_be_drawn(ann: Client) -> None:
    locked = pdf(*PAGES, change=lambda writer: writer.encrypt("secret"))
    made = ann.assistant(locked_pdf=locked, broken_pdf=b"%PDF-1.7 and nothing more")
    errors = {one["filename"]: one["error"] for one in made["documents"]}
    for document in made["documents"]:
        error = errors[document["filename"]]
        sentence = f'{{"detail":"{error["detail"]}","code":"{error["code"]}"}}'
        exactly(picture(ann, document), 422, sentence)
        exactly(marks(ann, document, start=0, end=1), 404, NOT_FOUND)  # it has no text at all
    assert {error["code"] for error in errors.values()} == {"encrypted", "corrupt"}


@row("pictures", "marks", "ownership", "error.unknown_id", "error.foreign_id")
def test_somebody_elses_pages_are_unknown(
    ann: Client, bob: Client, nobody: Client, report: dict[str, Any]
) -> None:
    assert size(picture(ann, report))
    own = bob.assistant()["id"]
    assistant = '{"detail":"No Assistant matches the given query."}'
    document = '{"detail":"No Document matches the given query."}'
    tag = {"If-None-Match": picture(ann, report).headers["etag"]}
    elsewhere = f"{API}/assistants/{own}/documents/{report['id']}/pages/1"
    for what in ("picture/", "marks/?start=0&end=1"):
        exactly(bob.get(f"{report['url']}pages/1/{what}", headers=tag), 404, assistant)
        exactly(bob.get(f"{elsewhere}/{what}", headers=tag), 404, document)
        answer = nobody.get(f"{report['url']}pages/1/{what}", headers=tag)
        exactly(answer, 401, '{"detail":"Authentication credentials were not provided."}')


@row("pictures", "marks", "shared")
def test_who_may_ask_may_look(closed: Closed) -> None:
    closed.users("create", "ida")
    closed.users("create", "jan")
    with closed.login("ida") as ida, closed.login("jan") as jan:
        document = ida.assistant(report_pdf=pdf(*PAGES))["documents"][0]
        assert size(picture(jan, document))[0] == 1_000
        assert len(marks(jan, document, start=0, end=9).json()["boxes"]) == 1


@row("pictures", "error.throttled")
def test_who_asks_for_many_is_told_to_wait_and_others_are_not(ann: Client, bob: Client) -> None:
    slow = "0 0 500 800 re f " * 4_000

    def painted(writer: PdfWriter) -> None:
        for page in writer.pages:
            contents = page.get_contents()
            assert contents is not None
            contents.set_data(contents.get_data() + slow.encode())
            page.replace_contents(contents)

    pages = [f"Page {number}." for number in range(40)]
    many = ann.assistant(many_pdf=pdf(*pages, change=painted))["documents"][0]
    few = bob.assistant(few_pdf=pdf(*PAGES))["documents"][0]
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(picture, ann, many, page + 1) for page in range(40)]
        first = next(one.result() for one in as_completed(asked) if one.result().status_code == 429)
        size(picture(bob, few))
        found = [one.result() for one in asked]
    exactly(first, 429, '{"detail":"Request was throttled. Expected available in 2 seconds."}')
    assert first.headers["retry-after"] == "2"
    statuses = [one.status_code for one in found]
    assert set(statuses) <= {200, 429, 503}
    assert statuses.count(429) < 40 - 20  # the line, and what was drawn meanwhile
    assert size(picture(ann, many, 40))
