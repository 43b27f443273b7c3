"""Links to originals: what an answer cites opens in a browser that has no token."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

import aiconvokit.demo
from aiconvokit.accounts import tokens
from aiconvokit.openai_api.originals.links import LIFETIME_SECONDS, Original, read_link, signed
from fake_model.server import FakeModel
from support.server import API, Client, Server

REPORT = b"# Annual report\n\nNorthwind employed 1,204 people at the end of 2025.\n"
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."
HEATING = "The Buyer makes heat pumps in Zwolle, the Netherlands [1]."
SOON = 60
AGREEMENT = Path(aiconvokit.demo.__file__).parent / "documents/supply_agreement.pdf"


@pytest.fixture
def carl(server: Server, database: str) -> Iterator[Client]:
    """A user of the test's own, with one token."""
    with psycopg.connect(database) as connection:
        found = connection.execute('SELECT count(*) FROM "user"').fetchone()
    with server.login(f"carl{found[0] if found else 0}") as client:
        yield client


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Client]:
    """Somebody who never logged in."""
    with server.client() as client:
        yield client


def cited(
    user: Client,
    assistant: dict[str, Any],
    fake: FakeModel,
    reply: str = PROVEN,
    question: str = "How many people does Northwind employ?",
) -> str:
    """The link of the first mark of an answer."""
    fake.script(reply)
    asked = {"role": "user", "content": question}
    body = {"model": assistant["openai_id"], "messages": [asked]}
    answer = user.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()["choices"][0]["message"]["annotations"]
    return str(found[0]["url_citation"]["url"])


def key_of(url: str) -> str:
    return urlsplit(url).query.removeprefix("key=")


def opened(browser: Client, key: str) -> httpx.Response:
    return browser.get("/v1/originals", params={"key": key})


def is_gone(answer: httpx.Response) -> bool:
    told = "This link has ended, or never was one."
    return answer.status_code == 404 and answer.json()["error"]["message"] == told


def test_a_link_opens_what_was_cited(
    server: Server, ann: Client, browser: Client, fake: FakeModel
) -> None:
    url = cited(ann, ann.assistant("Reports", report_md=REPORT), fake)
    assert url.endswith("#page=1&citation=1")
    answer = browser.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.content == REPORT
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''report.md"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    link = read_link(key_of(url))
    assert link is not None
    assert SOON < link.expires_at - time.time() <= LIFETIME_SECONDS
    assert key_of(url) not in server.log.read_text()


def test_a_pdf_opens_in_the_browser(ann: Client, browser: Client, fake: FakeModel) -> None:
    made = ann.assistant("Contracts", agreement_pdf=AGREEMENT.read_bytes())
    answer = browser.get(cited(ann, made, fake, HEATING, "Where does the Buyer make heat pumps?"))
    assert answer.content == AGREEMENT.read_bytes()
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("inline; ")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]


def test_nothing_of_a_link_can_be_changed(ann: Client, browser: Client, fake: FakeModel) -> None:
    made = ann.assistant("Tampered", report_md=REPORT)
    key = key_of(cited(ann, made, fake))
    assert opened(browser, key).status_code == 200
    for at in range(0, len(key) - 1, 3):
        other = key[:at] + ("A" if key[at] != "A" else "B") + key[at + 1 :]
        assert is_gone(opened(browser, other)), at
    for none in ("", "x", key[:-4], key + "AAAA", "%00", "\u00fc", "A" * 86, key[-32:]):
        assert opened(browser, none).status_code in {400, 404}, none


def test_a_link_ends(carl: Client, browser: Client, fake: FakeModel) -> None:
    key = key_of(cited(carl, carl.assistant("Ended", report_md=REPORT), fake))
    link, digest = read_link(key), digest_of(carl)
    assert link is not None
    for seconds, status in ((SOON, 200), (-1, 404)):
        again = signed(digest, link.token_id, link.original, int(time.time()) + seconds)
        assert opened(browser, again).status_code == status


def test_a_link_ends_with_its_token(carl: Client, browser: Client, fake: FakeModel) -> None:
    key = key_of(cited(carl, carl.assistant("Revoked", report_md=REPORT), fake))
    assert opened(browser, key).status_code == 200
    (token,) = carl.get(f"{API}/tokens/").json()
    assert carl.delete(f"{API}/tokens/{token['id']}/").status_code == 204
    assert is_gone(opened(browser, key))


def test_a_link_ends_with_its_user(
    carl: Client, browser: Client, fake: FakeModel, database: str
) -> None:
    key = key_of(cited(carl, carl.assistant("Suspended", report_md=REPORT), fake))
    link = read_link(key)
    assert link is not None
    suspend = (
        'UPDATE "user" SET is_active = false FROM token t WHERE t.user_id = "user".id AND t.id = %s'
    )
    with psycopg.connect(database) as connection:
        connection.execute(suspend, [link.token_id])
    assert is_gone(opened(browser, key))


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_link_ends_with_its_document(
    ann: Client, browser: Client, fake: FakeModel, change: str
) -> None:
    made = ann.assistant(f"Changed {change}", report_md=REPORT)
    key = key_of(cited(ann, made, fake))
    at = f"{API}/assistants/{made['id']}/documents/"
    if change == "deleted":
        assert ann.delete(f"{at}{made['documents'][0]['id']}/").status_code == 204
    else:
        added = ann.post(at, files=[("files", ("report.md", b"# Another report\n"))])
        assert added.status_code == 201, added.text
    assert is_gone(opened(browser, key))


def test_whoever_signs_sees_no_more_than_before(
    ann: Client, bob: Client, browser: Client, fake: FakeModel
) -> None:
    theirs = read_link(key_of(cited(ann, ann.assistant("Private", report_md=REPORT), fake)))
    mine = read_link(key_of(cited(bob, bob.assistant("Own", report_md=REPORT), fake)))
    assert theirs is not None
    assert mine is not None
    own, foreign = mine.original, theirs.original
    soon = int(time.time()) + SOON
    assert opened(browser, signed(digest_of(bob), mine.token_id, own, soon)).status_code == 200
    tried: list[tuple[int, Original]] = [
        (mine.token_id, foreign),
        (mine.token_id, replace(foreign, assistant_id=own.assistant_id)),
        (mine.token_id, replace(own, assistant_id=2**64 - 1)),
        (mine.token_id, replace(own, document_id=2**64 - 1)),
        (theirs.token_id, foreign),
        (2**64 - 1, own),
    ]
    for token_id, place in tried:
        assert is_gone(opened(browser, signed(digest_of(bob), token_id, place, soon)))


def digest_of(user: Client) -> bytes:
    return tokens.digest(user.headers["authorization"].split()[1])
