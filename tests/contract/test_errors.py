"""Errors of requests as a whole: bodies, routes, methods, ids."""

import pytest

from contract.rows import row
from contract.wire import exactly
from support.server import API, Client

ASSISTANTS, CHAT = f"{API}/assistants/", f"{API}/chat/"
JSON = {"Content-Type": "application/json"}
KINDS = (
    ("assistants/{}/", "Assistant"),
    ("assistants/{}/documents/", "Assistant"),
    ("chat/{}/", "Chat"),
    ("tokens/{}/", "Token"),
    ("deletions/{}/", "Deletion"),
)
NOT_FOUND = '{"detail":"Not found."}'
NOT_AN_INTEGER = '{"assistant_id":["A valid integer is required."]}'


@row("error.list_body")
@pytest.mark.parametrize(
    ("body", "kind"), [("[]", "list"), ("[1]", "list"), ('"a"', "str"), ("7", "int")]
)
def test_a_body_that_is_no_object(ann: Client, body: str, kind: str) -> None:
    sentence = f"Invalid data. Expected a dictionary, but got {kind}."
    answer = ann.post(CHAT, content=body, headers=JSON)
    exactly(answer, 400, f'{{"non_field_errors":["{sentence}"]}}')


@row("error.malformed_json")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"{'a':1}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"nonsense", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"a":1}x', "Extra data: line 1 column 8 (char 7)"),
        (b" ", "Expecting value: line 1 column 2 (char 1)"),
    ],
)
def test_malformed_json(ann: Client, body: bytes, reason: str) -> None:
    exactly(
        ann.post(CHAT, content=body, headers=JSON),
        400,
        f'{{"detail":"JSON parse error - {reason}"}}',
    )


@row("bodies")
@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_its_other_names(ann: Client, kind: str) -> None:
    answer = ann.post(CHAT, content=b"{}", headers={"Content-Type": kind})
    exactly(answer, 400, '{"assistant_id":["This field is required."]}')


@row("error.wrong_type")
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "text/plain; charset=utf-8"])
@pytest.mark.parametrize("path", [CHAT, ASSISTANTS, f"{API}/users/", f"{API}/tokens/"])
def test_wrong_body_types(ann: Client, path: str, kind: str) -> None:
    answer = ann.post(path, content=b"hello", headers={"Content-Type": kind})
    sentence = f'Unsupported media type \\"{kind.split(";", maxsplit=1)[0]}\\" in request.'
    exactly(answer, 415, f'{{"detail":"{sentence}"}}')


@row("error.wrong_method")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "users", "OPTIONS, POST"),
        ("PATCH", "assistants", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "chat", "GET, HEAD, OPTIONS, POST"),
        ("POST", "chat/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("GET", "assistants/1/search", "OPTIONS, POST"),
    ],
)
def test_wrong_methods(ann: Client, method: str, path: str, allowed: str, slash: str) -> None:
    answer = ann.request(method, f"{API}/{path}{slash}")
    exactly(answer, 405, f'{{"detail":"Method \\"{method}\\" not allowed."}}')
    assert answer.headers["allow"] == allowed


@row("slashes")
def test_a_head_is_a_get_without_its_body(ann: Client) -> None:
    answer = ann.head(ASSISTANTS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@row("error.unknown_id")
@pytest.mark.parametrize(("path", "kind"), KINDS)
@pytest.mark.parametrize("number", [-1, 0, 2**31, 2**63, 10**22])
def test_unknown_ids(ann: Client, path: str, kind: str, number: int) -> None:
    answer = ann.get(f"{API}/{path.format(number)}")
    exactly(answer, 404, f'{{"detail":"No {kind} matches the given query."}}')


@row("error.unknown_route", "slashes")
@pytest.mark.parametrize("path", ["/nothing/", "/assistants/1/nothing", "", "/"])
def test_unknown_routes_are_told_to_anyone(ann: Client, nobody: Client, path: str) -> None:
    for client in (ann, nobody):
        exactly(client.get(API + path), 404, NOT_FOUND)


@row("error.non_integer_id")
@pytest.mark.parametrize(
    "text", ["abc", "1.5", "1e3", "0x1", "+1", "1_0", "%201", "%D9%A1", "1%00"]
)
def test_ids_that_are_no_integers(ann: Client, text: str) -> None:
    for path, _ in KINDS:
        exactly(ann.get(f"{API}/{path.format(text)}"), 404, NOT_FOUND)


@row("error.assistant_id")
@pytest.mark.parametrize("value", ["abc", "", 1.5, True, [], {}, "1.5", 2**63, 10**22, -(10**22)])
def test_assistant_ids_that_are_no_integers(ann: Client, value: object) -> None:
    exactly(ann.post(CHAT, json={"assistant_id": value}), 400, NOT_AN_INTEGER)


@row("error.assistant_id")
def test_an_assistant_id_that_is_null(ann: Client) -> None:
    answer = ann.post(CHAT, json={"assistant_id": None})
    exactly(answer, 400, '{"assistant_id":["This field may not be null."]}')


@row("extremes")
@pytest.mark.parametrize(
    "body",
    [
        b'{"assistant_id":1e400}',
        b'{"assistant_id":-1e400}',
        b'{"assistant_id":' + b"9" * 400 + b"}",
        b'{"assistant_id":"' + b"9" * 400 + b'"}',
    ],
)
def test_numbers_beyond_all_bounds(ann: Client, body: bytes) -> None:
    exactly(ann.post(CHAT, content=body, headers=JSON), 400, NOT_AN_INTEGER)


@row("extremes")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20_000,
        b'{"assistant_id":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"assistant_id":' + b"9" * 5_000 + b"}",
        b'{"assistant_id":NaN}',
        b'{"assistant_id":"\xff"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_json_that_no_parser_should_take(ann: Client, body: bytes) -> None:
    answer = ann.post(CHAT, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")
