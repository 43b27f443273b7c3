"""The cited page, for visitors of widgets that show it: that page, and no other."""

import io
from typing import Any

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from fake_model.server import FakeModel
from support.server import API, Client, Server
from web.widget.visitors import Visitor, change, refused, visitor, widget

LINES = ("The group employed 1,204 people.", "It paid a dividend of 0.85 euro.")


def pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for line in LINES:
        canvas.drawString(72, 700, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture
def reporter(ann: Client) -> int:
    return int(
        ann.assistant(report_pdf=pdf(), notes_md=b"# Notes\n\nThe office is in Bonn.\n")["id"]
    )


def cited(ada: Visitor, fake: FakeModel, reply: str, question: str) -> dict[str, Any]:
    fake.script(reply)
    [found] = ada.ask(question)[-1].data["citations"]
    assert isinstance(found, dict)
    return found


def rest(ada: Visitor, address: str) -> str:
    return address.removeprefix(ada.path(""))


def test_a_picture_and_its_marks(
    server: Server, ann: Client, reporter: int, fake: FakeModel
) -> None:
    made = widget(ann, reporter, shows_pictures=True)
    ada, bea = visitor(server, made["key"]), visitor(server, made["key"])
    source = cited(ada, fake, "It paid a dividend of 0.85 euro. [1]", "What is the dividend?")
    assert source["page"] == 2
    drawn = ada.request("GET", rest(ada, source["picture"]) + "?width=400")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/png")
    assert drawn.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert drawn.headers["cache-control"] == "no-store"
    marks = ada.request("GET", rest(ada, source["marks"])).json()
    assert marks["page"] == 2
    assert len(marks["boxes"]) == 1
    wide = ada.request("GET", rest(ada, source["picture"]) + "?width=9000")
    assert wide.status_code == 400

    bea.ask("And what did Ada ask?")
    other = source["picture"].replace("/citations/1/", "/citations/2/")
    for stranger, address in (
        (bea, source["picture"]),
        (visitor(server, made["key"]), source["marks"]),
        (ada, other),
        (ada, source["picture"].replace("msg_", "msg_x")),
    ):
        answer = stranger.request("GET", rest(stranger, address))
        refused(answer, 404, "not_found")
    with server.client() as client:
        refused(client.get(source["picture"]), 401, "session_ended")
        login = {"Authorization": ann.headers["authorization"]}
        refused(client.get(source["picture"], headers=login), 401, "session_ended")

    change(ann, made["id"], shows_pictures=False)
    for address in (source["picture"], source["marks"]):
        refused(ada.request("GET", rest(ada, address)), 404, "no_picture")
    change(ann, made["id"], shows_pictures=True, is_paused=True)
    refused(ada.request("GET", rest(ada, source["picture"])), 403, "widget_paused")


def test_what_has_no_picture(server: Server, ann: Client, reporter: int, fake: FakeModel) -> None:
    ada = visitor(server, widget(ann, reporter, shows_pictures=True)["key"])
    source = cited(ada, fake, "The office is in Bonn. [1]", "Where is the office?")
    assert source["filename"] == "notes.md"
    refused(ada.request("GET", rest(ada, source["picture"])), 404, "no_picture")

    source = cited(ada, fake, "It paid a dividend of 0.85 euro. [1]", "What is the dividend?")
    documents = ann.get(f"{API}/assistants/{reporter}/").json()["documents"]
    report = next(one for one in documents if one["filename"] == "report.pdf")
    ann.delete(report["url"])
    refused(ada.request("GET", rest(ada, source["picture"])), 404, "not_found")
