"""Wild input: an error of the contract, never a fault, nothing half-stored, memory flat."""

import json
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest

from contract.wire import exactly, stored_files
from support.server import API, Client, Server

ASSISTANTS, CHAT = f"{API}/assistants/", f"{API}/chat/"
FIELDS = {"name": "Wild", "company_name": "Acme", "instructions": "Be brief."}
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1_000_000
FIELDS_OF = (
    ("POST", f"{API}/users/", ("username", "email", "password")),
    ("POST", f"{API}/tokens/", ("username", "password")),
    ("POST", ASSISTANTS, ("name", "company_name", "instructions", "files")),
    ("PUT", f"{ASSISTANTS}1/", ("name", "new_name", "company_name", "instructions", "files")),
    ("POST", f"{ASSISTANTS}1/documents/", ("files", "attributes")),
    ("POST", f"{ASSISTANTS}1/search/", ("query", "limit", "filters")),
    ("PUT", f"{ASSISTANTS}1/retrieval/", ("language", "glossary")),
    ("POST", CHAT, ("assistant_id",)),
    ("PUT", f"{CHAT}1/", ("assistant_id", "input")),
)
JSON_VALUES: tuple[object, ...] = (
    "x" * MEGABYTE,
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    -1,
    2**31,
    2**63,
    10**22,
    1e308,
    True,
    [[]],
    {"a": {}},
)
FORM_VALUES = (b"x" * MEGABYTE, b"%00", b"%ED%A0%80", b"%FF", b"%", b"%ZZ")
TABLES = ("user", "assistant", "document", "file", "chat", "message", "collection", "deletion")
ALLOWED_GROWTH = 64 * 1024 * 1024
"""Bytes: what an allocator may keep. One 60 MB upload held in memory would already show."""


@pytest.fixture(scope="module")
def wild(server: Server) -> Iterator[Client]:
    """A user who owns assistant and chat: their numbers go into FIELDS_OF's paths."""
    with server.login("wilma") as client:
        yield client


@pytest.fixture(scope="module")
def places(wild: Client) -> tuple[int, int]:
    assistant = wild.assistant("Wild")["id"]
    return assistant, wild.chat(assistant)


def addressed(path: str, places: tuple[int, int]) -> str:
    assistant, chat = places
    return path.replace("assistants/1/", f"assistants/{assistant}/").replace(
        "chat/1/", f"chat/{chat}/"
    )


def as_json(value: object) -> bytes:
    """With lone surrogates as escapes, which httpx itself refuses to send."""
    return json.dumps(value).encode()


def rows(database: str) -> dict[str, int]:
    """How many rows each table has."""
    with psycopg.connect(database) as connection:
        found = {}
        for table in TABLES:
            row = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608  # ours
            found[table] = row[0] if row else 0
        return found


def memory(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def refused(answer: httpx.Response, what: str) -> None:
    """A client's error with a JSON body."""
    assert 400 <= answer.status_code < 500, (what, answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/json", what
    assert answer.json(), what


def test_every_field_with_every_wild_json_value(
    server: Server, wild: Client, places: tuple[int, int], contract_database: str
) -> None:
    before = rows(contract_database)
    for method, path, fields in FIELDS_OF:
        for field in fields:
            for value in JSON_VALUES:
                # The other fields are missing, so that nothing may succeed.
                answer = wild.request(
                    method, addressed(path, places), content=as_json({field: value}), headers=JSON
                )
                refused(answer, f"{method} {path} {field}={str(value)[:20]!r}")
    assert rows(contract_database) == before


def test_every_field_with_every_wild_form_value(
    wild: Client, places: tuple[int, int], contract_database: str
) -> None:
    before = rows(contract_database)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, path, fields in FIELDS_OF:
        for field in fields:
            for value in FORM_VALUES:
                body = b"limit=0&" + field.encode() + b"=" + value  # 0: no search may succeed
                answer = wild.request(method, addressed(path, places), content=body, headers=form)
                refused(answer, f"{method} {path} {body[:30]!r}")
    assert rows(contract_database) == before


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("a\0b", "Null characters are not allowed."),
        ("a\ud800b", "Surrogate characters are not allowed."),
        ("x" * MEGABYTE, "Ensure this field has no more than 255 characters."),
    ],
)
def test_what_a_text_may_not_hold(wild: Client, value: str, sentence: str) -> None:
    body = FIELDS | {"name": value}
    answer = wild.post(ASSISTANTS, content=as_json(body), headers=JSON)
    exactly(answer, 400, f'{{"name":["{sentence}"]}}')


def test_bodies_over_the_limit(wild: Client) -> None:
    too_large = '{"detail":"The body is larger than 1048576 bytes.","code":"too_large"}'
    exactly(wild.post(ASSISTANTS, json={"name": "x" * 1_048_576}), 413, too_large)
    chunks = (b'{"name":"' if part == 0 else b"x" * 65_536 for part in range(20))
    chunked = wild.post(ASSISTANTS, content=chunks, headers={"Content-Type": "application/json"})
    exactly(chunked, 413, too_large)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Accept",
        "Content-Type",
        "Cookie",
        "X-Forwarded-For",
        "Origin",
        "User-Agent",
    ],
)
@pytest.mark.parametrize(
    "value", [b"x" * MEGABYTE, b"\xff\xfe", "ü€".encode(), b'"', b";=;=,,", b"multipart/form-data"]
)
def test_wild_headers(wild: Client, name: str, value: bytes) -> None:
    answer = wild.post(CHAT, content=b"{}", headers={name.encode(): value})
    refused(answer, name)


@pytest.mark.parametrize("host", ["", "a b", 'a"b', "<x>", "a/b", "a@b", "x" * 300, "\xff"])
def test_wild_hosts_never_come_back_as_markup(wild: Client, host: str) -> None:
    answer = wild.post(ASSISTANTS, json=FIELDS, headers={b"Host": host.encode("latin-1")})
    assert answer.status_code in {201, 400}
    assert not set('<>" ') & set(answer.json().get("absolute_url", ""))


@pytest.mark.parametrize(
    "query", ["limit=" + "9" * 60_000, "limit=%00", "after=%ED%A0%80", "limit=%FF"]
)
def test_wild_queries(wild: Client, query: str) -> None:
    for path in (ASSISTANTS, CHAT, f"{API}/tokens/"):
        refused(wild.get(f"{path}?{query}"), query[:30])


@pytest.mark.parametrize("segment", ["9" * 5_000, "%00", "%FF", "..%2F..", "%2e%2e", "x" * 60_000])
def test_wild_paths(wild: Client, segment: str) -> None:
    refused(wild.get(f"{ASSISTANTS}{segment}/"), segment[:30])


MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=", b"--b--\r\n"),
        ("multipart/form-data; boundary=\xff", b"--b--\r\n"),
        (MULTIPART, b"nonsense"),
        (MULTIPART, b"--b\r\n"),
        (MULTIPART, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (MULTIPART, PART % (b"name", b"", b"Wild")),
        (MULTIPART, PART % (b"files", b'; filename="a.md"', b"# A")),
        (MULTIPART, PART % (b"name", b"", b"\xff\xfe") + b"--b--\r\n"),
        (MULTIPART, PART % (b"name", b"", b"a\0b") + b"--b--\r\n"),
        (MULTIPART, PART % (b"x" * 10_000, b"", b"Wild") + b"--b--\r\n"),
        (MULTIPART, PART % (b"name\xff", b"", b"Wild") + b"--b--\r\n"),
        (MULTIPART, PART % (b"files", b'; filename="\xff.md"', b"# A") + b"--b--\r\n"),
        (
            MULTIPART,
            PART % (b"name", b"\r\nContent-Type: text/plain; charset=utf-7", b"+AA-")
            + b"--b--\r\n",
        ),
        (
            MULTIPART,
            PART % (b"name", b"\r\nContent-Type: text/plain; charset=none", b"x") + b"--b--\r\n",
        ),
        (MULTIPART, b"--b\r\n" + b"X: y\r\n" * 1_000 + b"\r\nx\r\n--b--\r\n"),
    ],
)
def test_malformed_multipart(server: Server, wild: Client, kind: str, body: bytes) -> None:
    before = stored_files(server)
    answer = wild.post(ASSISTANTS, content=body, headers={b"Content-Type": kind.encode("latin-1")})
    refused(answer, repr(body[:40]))
    assert stored_files(server) == before


@pytest.mark.parametrize(
    "filename",
    ["../../etc/passwd.md", "a\\b.md", "\u202egnp.md", "x" * 3_000 + ".md", "..", "CON.md"],
)
def test_wild_filenames_are_shown_clean(wild: Client, filename: str) -> None:
    made = wild.post(ASSISTANTS, data=FIELDS, files=[("files", (filename, b"# A\n\nText.\n"))])
    assert made.status_code == 201
    [document] = made.json()["documents"]
    assert not set("/\\\u202e\0") & set(document["filename"])
    assert 0 < len(document["filename"]) <= 255
    wild.delete(f"{ASSISTANTS}{made.json()['id']}/")


def test_two_thousand_parts(wild: Client, server: Server) -> None:
    texts = [(f"f{number}", (None, b"x")) for number in range(2_000)]
    answer = wild.post(ASSISTANTS, files=texts)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    before = stored_files(server)
    files = [("files", (f"{number}.md", b"x")) for number in range(2_000)]
    answer = wild.post(ASSISTANTS, data=FIELDS, files=files)
    detail = "At most 100 files fit into one request."
    exactly(answer, 413, f'{{"detail":"{detail}","code":"too_large"}}')
    assert stored_files(server) == before


def test_sixty_megabytes_leave_nothing_behind(
    server: Server, wild: Client, contract_database: str
) -> None:
    detail = '{"detail":"A file is larger than 52428800 bytes.","code":"too_large"}'
    small = ("files", ("small.md", os.urandom(1_000)))
    before = rows(contract_database), stored_files(server)
    warm = 0
    for turn in range(5):
        upload = [small, ("files", ("large.md", b"x" * 60 * 1024 * 1024))]
        exactly(wild.post(ASSISTANTS, data=FIELDS, files=upload), 413, detail)
        text = [("name", (None, b"x" * 60 * 1024 * 1024))]
        assert wild.post(ASSISTANTS, files=text).status_code == 413
        form = wild.post(ASSISTANTS, data={"name": "x" * 60 * 1024 * 1024})
        assert form.status_code == 413
        warm = warm if turn else memory(server)  # what is used for the first time stays
    assert (rows(contract_database), stored_files(server)) == before
    assert memory(server) - warm < ALLOWED_GROWTH


def test_a_file_beside_wrong_fields_is_not_stored(
    server: Server, wild: Client, contract_database: str
) -> None:
    before = rows(contract_database), stored_files(server)
    content = os.urandom(2_000)
    for fields in ({}, FIELDS | {"name": " "}):
        answer = wild.post(ASSISTANTS, data=fields, files=[("files", ("a.md", content))])
        assert answer.status_code == 400
    two = [("files", ("a.md", content)), ("files", ("b.md", b""))]
    assert wild.post(ASSISTANTS, data=FIELDS, files=two).status_code == 400
    assert (rows(contract_database), stored_files(server)) == before


@pytest.mark.parametrize("target", ["%s", "%s/", "?limit=%s", "?after=1&%s"])
def test_a_target_of_a_megabyte(server: Server, wild: Client, target: str) -> None:
    path = ASSISTANTS + target % ("9" * MEGABYTE)
    head = f"GET {path} HTTP/1.0\r\nAuthorization: {wild.headers['authorization']}\r\n\r\n"
    with connected(server) as raw:
        raw.sendall(head.encode())
        status = raw.makefile("rb").readline()
    assert status.split()[1] in {b"200", b"400", b"404"}


def connected(server: Server) -> socket.socket:
    address = urlsplit(server.base_url)
    return socket.create_connection((str(address.hostname), address.port or 80))


def test_a_client_that_hangs_up_mid_body(
    server: Server, wild: Client, contract_database: str
) -> None:
    before = rows(contract_database), stored_files(server)
    for kind in ("application/json", "application/x-www-form-urlencoded", MULTIPART):
        head = (
            f"POST {ASSISTANTS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
            f"Authorization: {wild.headers['authorization']}\r\nContent-Type: {kind}\r\n\r\n"
        )
        with connected(server) as raw:
            raw.sendall(head.encode() + PART % (b"files", b'; filename="a.md"', b"x" * 500))
    assert wild.get(ASSISTANTS).status_code == 200
    assert (rows(contract_database), stored_files(server)) == before
