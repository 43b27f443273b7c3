"""Documents that need a password: said with PUT, kept with the document, told to nobody."""

import io
import json
from typing import Any

import docx
import pytest
from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-untyped] # ships no types
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client

PASSWORD = "Größe 9 <&> x"
NEEDED = (
    "{} needs a password. Send it with PUT …/documents/{{id}}/ as `password`, or upload a copy "
    "without one."
)
TOO_LONG = "Ensure this field has no more than 255 characters."


def locked_pdf(text: str = "The rent is EUR 900.") -> bytes:
    plain, out = io.BytesIO(), io.BytesIO()
    canvas = Canvas(plain)
    canvas.drawString(72, 700, text)
    canvas.save()
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt(PASSWORD, "owner", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def locked_docx() -> bytes:
    plain, out = io.BytesIO(), io.BytesIO()
    document = docx.Document()
    document.add_paragraph("The deposit is EUR 1,800.")
    document.save(plain)
    OOXMLFile(plain).encrypt(PASSWORD, out)
    return out.getvalue()


LOCKED = {"lease_pdf": locked_pdf, "lease_docx": locked_docx}


def state(client: Client, made: dict[str, Any]) -> dict[str, Any]:
    [document] = client.read(made["id"])["documents"]
    assert isinstance(document, dict)
    return document


def search(client: Client, made: dict[str, Any], query: str) -> str:
    return client.post(f"{API}/assistants/{made['id']}/search/", json={"query": query}).text


@row("document_password", "documents", "codes")
@pytest.mark.parametrize(
    ("filename", "what", "words"),
    [("lease_pdf", "The PDF", "EUR 900"), ("lease_docx", "The document", "EUR 1,800")],
)
def test_a_locked_document_is_read_once_its_password_is_said(
    ann: Client, filename: str, what: str, words: str
) -> None:
    made = ann.assistant("Leases", **{filename: LOCKED[filename]()})
    document = made["documents"][0]
    assert document["status"] == "failed"
    assert document["error"] == {"code": "encrypted", "detail": NEEDED.format(what)}

    assert ann.put(document["url"], json={"password": "wrong"}).status_code == 200
    refused = state(ann, made)
    assert (refused["status"], refused["error"]["code"]) == ("failed", "encrypted")
    assert "needs another password than the one that was given" in refused["error"]["detail"]

    answer = ann.put(document["url"], json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    assert answer.json()["error"] is None
    found = state(ann, made)
    assert (found["status"], found["error"], found["version"]) == ("ready", None, 1)
    assert words in search(ann, made, "EUR")
    for told in (answer, ann.get(document["url"]), ann.get(f"{API}/assistants/{made['id']}/")):
        assert json.dumps(PASSWORD, ensure_ascii=False)[1:-1] not in told.text


@row("document_password", "pictures", "marks")
def test_pages_are_drawn_with_the_password_and_a_new_version_keeps_it(ann: Client) -> None:
    made = ann.assistant(lease_pdf=locked_pdf())
    [document] = made["documents"]
    page = f"{document['url']}pages/1/"
    assert ann.get(f"{page}picture/").json()["code"] == "encrypted"
    ann.put(document["url"], json={"password": PASSWORD})
    assert state(ann, made)["status"] == "ready"
    assert ann.get(f"{page}picture/").content.startswith(b"\x89PNG")
    assert ann.get(f"{page}marks/", params={"start": 4, "end": 8}).json()["boxes"]

    files = [("files", ("lease.pdf", locked_pdf("The rent is EUR 950.")))]
    ann.post(f"{API}/assistants/{made['id']}/documents/", files=files)
    found = state(ann, made)
    assert (found["status"], found["version"]) == ("ready", 2)
    assert "EUR 950" in search(ann, made, "rent")


@row("document_password")
def test_a_password_that_is_forgotten_opens_nothing(ann: Client) -> None:
    made = ann.assistant(lease_pdf=locked_pdf())
    [document] = made["documents"]
    ann.put(document["url"], json={"password": PASSWORD})
    assert state(ann, made)["status"] == "ready"
    answer = ann.put(document["url"], json={"password": None})
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert ann.get(f"{document['url']}pages/1/picture/").json()["code"] == "encrypted"


@row("document_password")
def test_documents_that_need_none_stay_as_they_are(ann: Client) -> None:
    made = ann.assistant(notes_md=b"# Notes\n\nText.\n", broken_pdf=b"%PDF-1.7 and nothing more")
    before = ann.read(made["id"])["documents"]
    for document in before:
        answer = ann.put(document["url"], json={"password": PASSWORD, "attributes": {"a": 1}})
        assert answer.json() == document | {"attributes": {"a": 1}}


@row("document_password", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_body_carries_a_password(ann: Client, encoding: str) -> None:
    made = ann.assistant(lease_pdf=locked_pdf())
    [document] = made["documents"]
    assert send(ann, "PUT", document["url"], {"password": PASSWORD}, encoding).status_code == 200
    assert state(ann, made)["status"] == "ready"


@row("document_password", "error.too_long")
def test_what_is_no_password_is_refused(ann: Client) -> None:
    made = ann.assistant(lease_pdf=locked_pdf())
    [document] = made["documents"]
    for wrong, why in (
        (7, "Not a valid string."),
        ([], "Not a valid string."),
        ("", "This field may not be blank."),
        ("x" * 256, TOO_LONG),
    ):
        answer = ann.put(document["url"], json={"password": wrong})
        exactly(answer, 400, f'{{"password":["{why}"]}}')
    answer = ann.put(document["url"], json={"password": 7, "attributes": []})
    assert (answer.status_code, set(answer.json())) == (400, {"password", "attributes"})
    exactly(ann.put(document["url"], json={}), 400, '{"attributes":["This field is required."]}')
    assert state(ann, made)["status"] == "failed"


@row("document_password", "ownership", "error.unknown_id", "error.foreign_id")
def test_only_the_owner_says_it(ann: Client, bob: Client, nobody: Client) -> None:
    made = ann.assistant(lease_pdf=locked_pdf())
    [document] = made["documents"]
    body = {"password": PASSWORD}
    unknown = '{"detail":"No Assistant matches the given query."}'
    exactly(bob.put(document["url"], json=body), 404, unknown)
    assert nobody.put(document["url"], json=body).status_code == 401
    assert state(ann, made)["error"]["code"] == "encrypted"
