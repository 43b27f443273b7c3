"""What one user may have, spend and send: refused with what is allowed, and nothing half done."""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from contract.wire import stored_files
from fake_model.server import FakeModel
from security.belongings import NEW, answered
from support.server import API, Client, Server
from support.waiting import eventually
from web.widget.visitors import refused, visitor, widget

MIB = 1024 * 1024
TEXT = b"# Canteen\n\nThe canteen opens at noon on weekdays.\n"
ASKED = [{"role": "user", "content": "When does the canteen open?"}]
TOKENS = 1_000_000
DAY = 86_400
GROWN_MIB = 30


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "AICONVOKIT_CHAT_MODEL": "fake",
        "AICONVOKIT_LIMITS": "on",
        "AICONVOKIT_STREAMS_PER_USER": "1",
        "AICONVOKIT_MAX_UPLOAD_BYTES": str(MIB),
        "AICONVOKIT_QUOTA_ASSISTANTS": "2",
        "AICONVOKIT_QUOTA_DOCUMENTS": "2",
        "AICONVOKIT_QUOTA_BYTES": "1000",
        "AICONVOKIT_QUOTA_PAGES": "3",
        "AICONVOKIT_QUOTA_TOKENS_PER_DAY": str(TOKENS),
    }


@pytest.fixture(autouse=True)
def behaving(fake_server: FakeModel) -> FakeModel:
    fake_server.reset()
    return fake_server


@contextmanager
def somebody(server: Server, database: str, name: str) -> Iterator[Client]:
    """A new user, who may log in as often as tests do."""
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM rate_bucket")
    with server.login(name) as client:
        yield client


def exceeded(answer: httpx.Response, detail: str) -> None:
    assert answer.status_code == 403, answer.text
    assert answer.json() == {"detail": detail, "code": "quota_exceeded"}


def exceeded_on_v1(answer: httpx.Response, message: str) -> None:
    assert answer.status_code == 403, answer.text
    told = {"message": message, "type": "invalid_request_error", "param": None}
    assert answer.json() == {"error": {**told, "code": "quota_exceeded"}}


def upload(client: Client, assistant: int, **files: bytes) -> httpx.Response:
    parts = [("files", (f"{name}.md", data)) for name, data in files.items()]
    return client.post(f"{API}/assistants/{assistant}/documents/", files=parts)


def test_assistants(server: Server, database: str) -> None:
    with somebody(server, database, "ada") as ada:
        first, _ = ada.assistant(), ada.assistant()
        told = "This account has 2 assistants; 2 are allowed."
        before = stored_files(server)
        files = {"files": ("a.md", TEXT)}
        exceeded(ada.post(f"{API}/assistants/", data=NEW, files=files), told)
        exceeded_on_v1(ada.post("/v1/assistants", json={"model": "fake"}), told)
        assert stored_files(server) == before
        assert len(ada.get(f"{API}/assistants/").json()) == 2
        assert ada.delete(f"{API}/assistants/{first['id']}/").is_success
        answered(ada.post("/v1/assistants", json={"model": "fake"}))


def test_documents(server: Server, database: str) -> None:
    with somebody(server, database, "dora") as dora:
        made = dora.assistant(a_md=TEXT)
        told = "This account has 1 documents; 2 are allowed."
        before = stored_files(server)
        exceeded(upload(dora, made["id"], b=TEXT + b"b", c=TEXT + b"c"), told)
        assert stored_files(server) == before
        assert len(dora.read(made["id"])["documents"]) == 1
        assert upload(dora, made["id"], b=TEXT + b"b").status_code == 201
        full = "This account has 2 documents; 2 are allowed."
        exceeded(upload(dora, made["id"], c=TEXT + b"c"), full)
        assert upload(dora, made["id"], b=TEXT + b"d").status_code == 201, "one takes its place"
        form = {"file": ("c.md", TEXT + b"c")}
        file = answered(dora.post("/v1/files", files=form, data={"purpose": "assistants"}))["id"]
        stores = answered(dora.get("/v1/vector_stores"))["data"]
        exceeded_on_v1(dora.post("/v1/vector_stores", json={"file_ids": [file]}), full)
        assert len(answered(dora.get("/v1/vector_stores"))["data"]) == len(stores)


def test_bytes(server: Server, database: str) -> None:
    with somebody(server, database, "bea") as bea:
        made = bea.assistant()
        answered(upload(bea, made["id"], a=b"a" * 600))
        before = stored_files(server)
        told = "This account's files have 600 bytes; 1000 are allowed."
        exceeded(upload(bea, made["id"], b=b"b" * 401), told)
        form = {"file": ("b.md", b"b" * 401)}
        exceeded_on_v1(bea.post("/v1/files", files=form, data={"purpose": "evals"}), told)
        assert stored_files(server) == before
        assert upload(bea, made["id"], a=b"c" * 999).status_code == 201
        bea.read(made["id"])


def test_pages_are_known_when_they_are_read(server: Server, database: str) -> None:
    with somebody(server, database, "pia") as pia:
        made = pia.assistant(a_md=TEXT)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "UPDATE document SET page_count = 5 WHERE id = %s", [made["documents"][0]["id"]]
            )
        told = "This account's documents have 5 pages; 3 are allowed."
        exceeded(upload(pia, made["id"], b=TEXT), told)
        form = {"file": ("c.md", TEXT)}
        file = answered(pia.post("/v1/files", files=form, data={"purpose": "assistants"}))["id"]
        thread = {"messages": [{**ASKED[0], "attachments": [_searched(file)]}]}
        exceeded_on_v1(pia.post("/v1/threads", json=thread), told)


def _searched(file: str) -> dict[str, Any]:
    return {"file_id": file, "tools": [{"type": "file_search"}]}


def test_tokens_of_a_day(server: Server, database: str) -> None:
    with somebody(server, database, "tom") as tom:
        made = tom.assistant()
        chat = tom.chat(made["id"])
        tom.ask(chat, made["id"], "Who?")
        thread = answered(tom.post("/v1/threads", json={"messages": ASKED}))["id"]
        key = widget(tom, made["id"])["key"]
        guest = visitor(server, key)
        guest.ask()
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "UPDATE usage_day SET prompt_tokens = %s, completion_tokens = 1"
                " WHERE assistant_id = %s",
                [TOKENS, made["id"]],
            )
        told = "1000001 of 1000000 tokens of this day are used. It goes on tomorrow (UTC)."
        asked = {"assistant_id": made["id"], "input": "Who?"}
        for body in (asked, {**asked, "stream": True}):
            answer = tom.put(f"{API}/chat/{chat}/", json=body)
            assert answer.json() == {"detail": told, "code": "quota_exceeded"}
            assert answer.status_code == 429
            assert 0 < int(answer.headers["retry-after"]) <= DAY
        by_openai = {"assistant_id": made["openai_id"]}
        for path, body in (
            ("/v1/chat/completions", {"model": made["openai_id"], "messages": ASKED}),
            ("/v1/chat/completions", {"model": "fake", "messages": ASKED, "stream": True}),
            ("/v1/responses", {"model": "fake", "input": "Who?"}),
            ("/v1/responses", {"model": "fake", "input": "Who?", "stream": True}),
            ("/v1/responses", {"model": "fake", "input": "Who?", "background": True}),
            ("/v1/responses", {"model": made["openai_id"], "input": "Who?", "store": False}),
            (f"/v1/threads/{thread}/runs", by_openai),
            ("/v1/threads/runs", {**by_openai, "thread": {"messages": ASKED}}),
        ):
            answer = tom.post(path, json=body)
            assert answer.status_code == 429, path
            assert answer.json()["error"]["code"] == "quota_exceeded", answer.text
            assert answer.json()["error"]["type"] == "rate_limit_error"
            assert 0 < int(answer.headers["retry-after"]) <= DAY
        refused(guest.post("And now?"), 429, "budget_spent")
        assert len(tom.get(f"{API}/chat/{chat}/").json()["messages"]) == 2


def test_a_conversation_with_the_model_alone_counts(server: Server, database: str) -> None:
    with somebody(server, database, "uli") as uli:
        said = answered(uli.post("/v1/chat/completions", json={"model": "fake", "messages": ASKED}))
        asked = {"model": "fake", "input": "Who?"}
        used = [
            answered(uli.post("/v1/responses", json={**asked, "store": store}))["usage"]
            for store in (True, False)
        ]
        [counted] = answered(uli.get(f"{API}/usage/"))
        assert (counted["assistant_id"], counted["questions"]) == (0, 3)
        assert counted["prompt_tokens"] == said["usage"]["prompt_tokens"] + sum(
            one["input_tokens"] for one in used
        )
        assert counted["completion_tokens"] == said["usage"]["completion_tokens"] + sum(
            one["output_tokens"] for one in used
        )


def test_one_answer_at_a_time(server: Server, database: str, fake_server: FakeModel) -> None:
    with somebody(server, database, "sue") as sue, somebody(server, database, "sam") as sam:
        made = sue.assistant(a_md=TEXT)
        body = {"assistant_id": made["id"], "input": "When does the canteen open?"}
        first, second = sue.chat(made["id"]), sue.chat(made["id"])
        fake_server.spoil("/chat/completions", "hang")
        streamed = {**body, "stream": True}
        with sue.stream("PUT", f"{API}/chat/{first}/", json=streamed) as response:
            assert response.status_code == 200
            for answer in (
                sue.put(f"{API}/chat/{second}/", json=body),
                sue.put(f"{API}/chat/{second}/", json=streamed),
            ):
                assert answer.status_code == 429
                told = "1 answers are being written for this account. Wait for one of them."
                assert answer.json() == {"detail": told, "code": "too_many_streams"}
                assert int(answer.headers["retry-after"]) > 0
            run = {"assistant_id": made["openai_id"], "thread": {"messages": ASKED}}
            answer = sue.post("/v1/threads/runs", json=run)
            assert answer.json()["error"]["code"] == "too_many_streams"
            talk = {"model": "fake", "messages": ASKED}
            assert sue.post("/v1/chat/completions", json=talk).status_code == 429
            asked = {"model": "fake", "input": "Who?"}
            assert sue.post("/v1/responses", json=asked).status_code == 429
            guest = visitor(server, widget(sue, made["id"])["key"])
            fake_server.reset()
            assert guest.post().status_code == 200, "visitors have places of their own"
            assert sam.post("/v1/chat/completions", json=talk).status_code == 200
        eventually(lambda: sue.put(f"{API}/chat/{second}/", json=body).status_code == 200)
        # A run keeps its place until it ends, whoever listens, and gives it back.
        done = answered(sue.post("/v1/threads/runs", json=run))
        path = f"/v1/threads/{done['thread_id']}/runs/{done['id']}"
        eventually(lambda: answered(sue.get(path))["status"] == "completed")
        eventually(lambda: sue.post("/v1/chat/completions", json=talk).status_code == 200)


def resident_kib(server: Server) -> int:
    """The most memory that the server's process had so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [peak] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1])


def poured(
    server: Server, path: str, headers: dict[str, str], begin: bytes = b""
) -> tuple[int, dict[str, Any]]:
    """Send a body of 200 MB in pieces, as far as anybody listens; the answer."""
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", path)
    for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    piece = begin + b"a" * (MIB // 4)
    with suppress(ConnectionError):
        for _ in range(800):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            piece = b"a" * (MIB // 4)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the process's memory is read from /proc")
def test_bodies_without_end_are_given_up_early(server: Server, database: str) -> None:
    with somebody(server, database, "max") as big:
        token = {"Authorization": big.headers["authorization"]}
        before = resident_kib(server)
        as_json = {**token, "Content-Type": "application/json"}
        status, told = poured(server, f"{API}/chat/", as_json, b'{"input": "')
        assert (status, told["code"]) == (413, "too_large")
        status, told = poured(server, "/v1/threads", as_json, b'{"a": "')
        assert (status, told["error"]["code"]) == (413, "too_large")
        form = {**token, "Content-Type": "multipart/form-data; boundary=x"}
        begin = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n'
        status, told = poured(server, f"{API}/assistants/", form, begin)
        assert (status, told["code"]) == (413, "too_large")
        assert resident_kib(server) - before < GROWN_MIB * 1024


def test_a_length_that_is_too_much_is_refused_before_the_body(
    server: Server, database: str
) -> None:
    with somebody(server, database, "len") as long:
        connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=60)
        connection.putrequest("POST", f"{API}/chat/")
        connection.putheader("Authorization", long.headers["authorization"])
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(200 * MIB))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
