"""docs/api.md is true: its examples are replayed in order, its lists compared with the server's."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args

import httpx
import psycopg
import pytest

from aiconvokit.config import Limits, Settings
from aiconvokit.llm.errors import ModelErrorCode
from aiconvokit.rest.openai_errors import is_v1
from support.server import API, Server

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
HOST = "127.0.0.1:8000"
ANYTHING = "…"
TOKEN = "ack_…"
"""In a request: the token of the last login."""
MESSAGE = "msg_…"
"""In an address: the last answer."""
VARIES = {"score", "dense", "lexical", "dim", "milliseconds"}
"""Numbers that are the embedding model's, and the clock's."""
OF_EVERY_CALL = {"500", "503"}
"""Documented once, not with each endpoint."""
REFERENCE = {("GET", "/docs"), ("GET", "/schema/openapi.json")}
"""Documented, and no part of the OpenAPI document."""

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_MESSAGE_ID = re.compile(r'"message_id":"(msg_\w+)"')
_HEADING = re.compile(r"### ([A-Z]+) (/\S*)\n")
_FIELD = re.compile(r"^\| `(\w+)` \| [^|]+ \| (yes|no) \| (.*) \|$", re.MULTILINE)
_STATUSES = re.compile(r"^Status codes: (\d+(?:, \d+)*)", re.MULTILINE)
_SETTING = re.compile(r"^\| `AICONVOKIT_(\w+)` \| (\d+) \|", re.MULTILINE)

Operations = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """One side of an example: its first line, its headers, its body."""

    first: str
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, text: str) -> "Part":
        head, _, body = text.partition("\n\n")
        first, *lines = head.split("\n")
        pairs = (line.partition(": ") for line in lines)
        return cls(first, {name: value for name, _, value in pairs}, body)


@dataclass(frozen=True, slots=True)
class Example:
    """A request, its answer, and the line where they stand."""

    line: int
    request: Part
    answer: Part


def examples(text: str) -> Iterator[Example]:
    """Each `http` block is a request, and the next one its answer."""
    blocks = (block for block in _FENCE.finditer(text) if block[1] == "http")
    for request, answer in zip(blocks, blocks, strict=True):
        line = text.count("\n", 0, request.start()) + 1
        yield Example(line, Part.of(request[3]), Part.of(answer[3]))


def sections() -> dict[tuple[str, str], str]:
    """What the document says of each endpoint, by method and path."""
    parts = re.split(r"^(?=##)", DOCUMENT, flags=re.MULTILINE)
    heads = ((_HEADING.match(part), part) for part in parts)
    return {(head[1], head[2]): part for head, part in heads if head}


class Replay:
    """Sends requests as the document writes them."""

    def __init__(self, server: Server, text: str) -> None:
        self._server = server
        blocks = _FENCE.findall(text)
        self._files = {name: f"{content}\n".encode() for _, name, content in blocks if name}
        self._token = ""
        self._message = ""

    def send(self, part: Part) -> httpx.Response:
        method, address = part.first.replace(MESSAGE, self._message).split(" ")
        headers = {name: text.replace(TOKEN, self._token) for name, text in part.headers.items()}
        headers["Host"] = HOST
        with self._server.client() as client:
            if headers.get("Content-Type") != "multipart/form-data":
                body = part.body.encode()
                answer = client.request(method, address, headers=headers, content=body)
            else:
                del headers["Content-Type"]  # the boundary is the client's
                form = [self._field(line) for line in part.body.splitlines()]
                answer = client.request(method, address, headers=headers, files=form)
                self._wait_until_read()
        if answer.is_success and (method, address) == ("POST", f"{API}/tokens/"):
            self._token = answer.json()["token"]
        if answer.is_success and (method, address) == ("PUT", f"{API}/chat/1/"):
            self._message = _MESSAGE_ID.findall(answer.text)[-1]
        return answer

    def _field(self, line: str) -> tuple[str, tuple[str | None, bytes]]:
        name, _, value = line.partition("=")
        if value.startswith("@"):
            return name, (value[1:], self._files[value[1:]])
        return name, (None, value.encode())

    def _wait_until_read(self) -> None:
        with self._server.client(Authorization=f"Token {self._token}") as client:
            for assistant in client.get(f"{API}/assistants/").json():
                client.read(assistant["id"])


def as_written(found: httpx.Response, shown: Part) -> str:
    """The answer, in the document's words wherever those say the same."""
    head = f"HTTP/1.1 {found.status_code} {HTTPStatus(found.status_code).phrase}"
    headers = {
        name: like(value, found.headers.get(name, "")) for name, value in shown.headers.items()
    }
    return "\n".join([head, *headers.values(), body_as_written(found.text, shown.body)])


def body_as_written(found: str, shown: str) -> str:
    if shown.endswith(ANYTHING) or not shown.startswith(("{", "[")):
        return str(like(shown, found.rstrip("\n")))
    return json.dumps(like(json.loads(shown), json.loads(found)), indent=1, ensure_ascii=False)


def as_shown(shown: Part) -> str:
    """The document's answer in the same form: order and types of JSON count, white space not."""
    return "\n".join(
        [shown.first, *shown.headers.values(), body_as_written(shown.body, shown.body)]
    )


def like(shown: Any, found: Any) -> Any:
    """What was found, or what is shown where that fits."""
    if isinstance(shown, dict) and isinstance(found, dict):
        return {
            name: shown[name]
            if name in VARIES and type(shown.get(name)) is type(value)
            else like(shown.get(name), value)
            for name, value in found.items()
        }
    if isinstance(shown, list) and isinstance(found, list):
        padded = shown + [None] * len(found)
        return [like(one, value) for one, value in zip(padded, found, strict=False)]
    if isinstance(shown, str) and isinstance(found, str):
        pattern = ".+".join(map(re.escape, shown.split(ANYTHING)))
        return shown if re.fullmatch(pattern, found, re.DOTALL) else found
    return found


@pytest.fixture(scope="module")
def operations(server: Server) -> Operations:
    """The operations of the server's OpenAPI document, by method and path.

    Those of `/v1` have a page of their own: see test_openai_docs.py.
    """
    with server.client() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    return {
        (method.upper(), path): operation
        for path, methods in paths.items()
        if not is_v1(path)
        for method, operation in methods.items()
    }


def test_examples(server: Server, database: str) -> None:
    replay = Replay(server, DOCUMENT)
    for example in examples(DOCUMENT):
        found = as_written(replay.send(example.request), example.answer)
        assert found == as_shown(example.answer), f"docs/api.md:{example.line}"
        if example.request.first == f"POST {API}/users/":  # as `users create --admin` makes one
            with psycopg.connect(database) as connection:
                connection.execute('UPDATE "user" SET is_admin = true')


def test_every_endpoint_is_documented_with_an_example(operations: Operations) -> None:
    assert set(sections()) == set(operations) | REFERENCE
    for (method, path), section in sections().items():
        address = re.sub(r"\{\w+\}", rf"(\\d+|{MESSAGE})", path)
        shown = [example.request.first for example in examples(section)]
        assert any(re.fullmatch(rf"{method} {address}(\?.*)?", one) for one in shown), path


def test_statuses_are_those_of_the_server(operations: Operations) -> None:
    for place, operation in operations.items():
        told = _STATUSES.search(sections()[place])
        assert told, place
        assert set(operation["responses"]) - OF_EVERY_CALL <= set(told[1].split(", ")), place


def test_fields_are_those_of_the_server(operations: Operations) -> None:
    for place, operation in operations.items():
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("multipart/form-data", {}).get("schema", {})
        rows = {
            name: (required, more) for name, required, more in _FIELD.findall(sections()[place])
        }
        assert set(rows) == set(schema.get("properties", {})), place
        for name, (required, more) in rows.items():
            if name != "files":  # an upload's only field is not marked as required there
                assert (required == "yes") is (name in schema["required"]), (place, name)
            lengths = re.findall(r'"maxLength": (\d+)', json.dumps(schema["properties"][name]))
            assert all(length in more for length in lengths), (place, name)


def test_settings_and_codes_are_those_of_the_program() -> None:
    defaults = {name.upper(): field.default for name, field in Limits.model_fields.items()}
    shown = {name: int(number) for name, number in _SETTING.findall(DOCUMENT)}
    assert shown
    assert shown.items() <= defaults.items()
    known = {name.upper() for name in Settings.model_fields} | set(defaults) | {"LIMITS"}
    assert set(re.findall(r"AICONVOKIT_([A-Z_]+)", DOCUMENT)) <= known
    elsewhere = {"model_without_tools"}  # functions are offered on /v1 alone
    told = set(get_args(ModelErrorCode)) - elsewhere
    assert {code for code in told if f"`{code}`" not in DOCUMENT} == set()
