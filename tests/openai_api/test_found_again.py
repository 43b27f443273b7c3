"""What a second hostile look at the OpenAI wire found: it stays mended."""

import os
import resource
from typing import Any

import openai
import pytest

from contract.wire import stored_files
from openai_api.stores import put
from support.server import Client, Server

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

SMALL = 100_000
"""Bytes of a file that the server may write, as on a disk that is full but for them."""


def test_an_upload_without_room_leaves_nothing(
    server: Server, ann: Client, anns: openai.OpenAI
) -> None:
    before, files = stored_files(server), anns.files.list().data
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (SMALL, -1))
    try:
        refused = ann.post(
            "/v1/files",
            data={"purpose": "assistants"},
            files={"file": ("large.txt", os.urandom(10 * SMALL))},
        )
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    assert refused.status_code == 507, refused.text
    assert refused.json()["error"] == {
        "message": "This server has no room left.",
        "type": "server_error",
        "param": None,
        "code": "storage_full",
    }
    assert (stored_files(server), anns.files.list().data) == (before, files)
    assert put(anns, "small.txt", "There is room again.")


@pytest.mark.parametrize("path", ["/assistants", "/files", "/vector_stores"])
def test_an_empty_limit_is_none(ann: Client, path: str) -> None:
    assert ann.get(f"/v1{path}?limit=").json() == ann.get(f"/v1{path}").json()


def test_cursors_that_leave_nothing_between_them(ann: Client, anns: openai.OpenAI) -> None:
    said: Any = [{"role": "user", "content": word} for word in ("One", "Two", "Three")]
    thread = anns.beta.threads.create(messages=said).id
    path = f"/v1/threads/{thread}/messages?order=asc"
    first, second, third = (one["id"] for one in ann.get(path).json()["data"])

    def between(after: str, before: str) -> list[str]:
        answer = ann.get(f"{path}&after={after}&before={before}")
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert between(first, third) == [second]
    assert between(first, first) == []
    assert between(third, first) == []


@pytest.mark.parametrize("body", [b"[]", b"null", b"5"])
def test_what_is_no_object_is_told_of_the_body(ann: Client, body: bytes) -> None:
    answer = ann.post("/v1/threads", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "body"
    assert "non_field_errors" not in answer.text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ('{"metadata":{"a":"\\u0000"}}', "metadata.a"),
        ('{"metadata":{"a\\u0000":"b"}}', "metadata"),
        ('{"\\ud800":[]}', "body"),
        ('{"x":[["a",{"b":["c","\\udc00"]}]]}', "x[0][1].b[1]"),
        ('{"x":["\\ud83d","\\ude00"]}', "x[0]"),
    ],
)
def test_texts_that_cannot_be_stored_are_told_by_their_place(
    ann: Client, body: str, param: str
) -> None:
    answer = ann.post("/v1/threads", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(("lists", "status"), [(99, 200), (100, 400)])
def test_how_deep_a_body_may_be(ann: Client, lists: int, status: int) -> None:
    raw = f'{{"x":{"[" * lists}"a"{"]" * lists}}}'
    answer = ann.post("/v1/threads", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == status


def test_what_a_surrogate_pair_says_is_kept(ann: Client) -> None:
    raw = '{"metadata":{"a":"\\ud83d\\ude00"}}'
    made = ann.post("/v1/threads", content=raw, headers={"content-type": "application/json"})
    assert made.json()["metadata"] == {"a": "\N{GRINNING FACE}"}


def test_a_conversation_has_an_end(ann: Client) -> None:
    body = {"model": "fake", "messages": [{"role": "user", "content": "a"}] * 2_049}
    answer = ann.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages"
