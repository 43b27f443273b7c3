"""`Idempotency-Key`: sent again is answered again, and done once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send, stored_files
from support.server import API, Client, Server
from support.waiting import eventually

ASSISTANTS, CHAT = f"{API}/assistants/", f"{API}/chat/"
FIELDS = {"name": "Reports", "company_name": "Acme", "instructions": "Be brief."}
REUSED = (
    '{"detail":"This Idempotency-Key was used for another request.",'
    '"code":"idempotency_key_reused"}'
)
IN_USE = (
    '{"detail":"The first request with this Idempotency-Key is still being answered.",'
    '"code":"idempotency_key_in_use"}'
)
BAD_KEY = '{"detail":"Idempotency-Key must be 1 to 255 printable ASCII characters."}'
REPLAYED = "idempotent-replayed"
OF_CHAT = "WHERE id = (SELECT thread_id FROM chat WHERE id = %s)"


@pytest.fixture(scope="module")
def ida(server: Server) -> Iterator[Client]:
    """A user whose assistants and chats nobody else makes."""
    with server.login("ida") as client:
        yield client


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


@pytest.fixture
def database(contract_database: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(contract_database, autocommit=True) as connection:
        yield connection


def upload(
    client: Client,
    key: dict[str, str],
    boundary: str,
    text: bytes = b"One.",
    path: str = ASSISTANTS,
) -> httpx.Response:
    """An assistant's fields with a file, in a form with a boundary of its own."""
    content_type = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    files = {"files": ("one.txt", text)}
    return client.post(path, data=FIELDS, files=files, headers=content_type | key)


def same(first: httpx.Response, again: httpx.Response, status: int) -> None:
    """Assert that an answer was given again, to the byte."""
    assert (first.status_code, REPLAYED in first.headers) == (status, False), first.text
    exactly(again, status, first.text)
    assert again.headers[REPLAYED] == "true"


def age(connection: "psycopg.Connection[Any]", key: dict[str, str], interval: str) -> None:
    """Make a key older."""
    connection.execute(
        "UPDATE idempotency SET created_at = created_at - %s::interval WHERE key = %s",
        (interval, *key.values()),
    )


def keys(connection: "psycopg.Connection[Any]") -> set[str]:
    return {key for (key,) in connection.execute("SELECT key FROM idempotency")}


def test_an_assistant_with_files_is_made_once(
    server: Server, ida: Client, key: dict[str, str]
) -> None:
    first = upload(ida, key, "first-boundary")
    before = len(ida.get(ASSISTANTS).json()), stored_files(server)
    same(first, upload(ida, key, "another-boundary"), 201)
    ida.read(first.json()["id"])  # the document is read by now, and the answer is still the first
    same(first, upload(ida, key, "a-third-boundary"), 201)
    assert (len(ida.get(ASSISTANTS).json()), stored_files(server)) == before


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fields_are_compared_and_not_their_order(
    ida: Client, key: dict[str, str], encoding: str
) -> None:
    ida.headers.update(key)
    try:
        first = send(ida, "POST", ASSISTANTS, FIELDS, encoding)
        turned = dict(reversed(FIELDS.items()))
        same(first, send(ida, "POST", ASSISTANTS.rstrip("/"), turned, encoding), 201)
    finally:
        del ida.headers["Idempotency-Key"]


@row("idempotency")
def test_documents_are_added_once(ida: Client, key: dict[str, str]) -> None:
    path = f"{ASSISTANTS}{ida.assistant()['id']}/documents/"
    first = upload(ida, key, "first-boundary", path=path)
    ida.delete(f"{path}{first.json()[0]['id']}/")
    again = upload(ida, key, "another-boundary", path=path)
    # What a deletion took is not told any more; the request is a new one.
    assert (again.status_code, REPLAYED in again.headers) == (201, False)
    assert again.json()[0]["id"] != first.json()[0]["id"]
    same(again, upload(ida, key, "a-third-boundary", path=path), 201)
    assert len(ida.get(path).json()) == 1


@row("idempotency")
def test_another_request_with_the_key_is_refused(ida: Client, key: dict[str, str]) -> None:
    made = upload(ida, key, "b")
    path = f"{ASSISTANTS}{made.json()['id']}/documents/"
    before = len(ida.get(ASSISTANTS).json())
    exactly(upload(ida, key, "b", text=b"Two."), 422, REUSED)
    exactly(upload(ida, key, "b", path=path), 422, REUSED)
    exactly(ida.post(ASSISTANTS, json=FIELDS, headers=key), 422, REUSED)
    exactly(ida.post(CHAT, json={"assistant_id": made.json()["id"]}, headers=key), 422, REUSED)
    assert len(ida.get(ASSISTANTS).json()) == before
    same(made, upload(ida, key, "b"), 201)


def test_two_users_may_choose_the_same_key(ida: Client, bob: Client, key: dict[str, str]) -> None:
    mine, his = (one.post(ASSISTANTS, json=FIELDS, headers=key) for one in (ida, bob))
    assert (his.status_code, REPLAYED in his.headers) == (201, False)
    assert his.json()["id"] != mine.json()["id"]


def test_what_was_wrong_is_not_kept(
    ida: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    assert ida.post(ASSISTANTS, json={"name": "a"}, headers=key).status_code == 400
    assert ida.post(CHAT, json={"assistant_id": 2**40}, headers=key).status_code == 404
    assert key["Idempotency-Key"] not in keys(database)
    again = ida.post(ASSISTANTS, json=FIELDS, headers=key)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


@contextmanager
def no_new_assistants(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """Whoever makes one waits until the block ends."""
    with connection.transaction():
        connection.execute("LOCK TABLE assistant IN EXCLUSIVE MODE")
        yield


def test_a_duplicate_at_the_same_time_is_told_to_wait(
    ida: Client, key: dict[str, str], contract_database: str, database: "psycopg.Connection[Any]"
) -> None:
    answers: list[httpx.Response] = []

    def make() -> None:
        answers.append(ida.post(ASSISTANTS, json=FIELDS, headers=key))

    first = threading.Thread(target=make)
    with psycopg.connect(contract_database) as locks, no_new_assistants(locks):
        first.start()
        eventually(lambda: key["Idempotency-Key"] in keys(database))
        busy = ida.post(ASSISTANTS, json=FIELDS, headers=key)
        exactly(busy, 409, IN_USE)
        assert busy.headers["retry-after"] == "1"
        other = ida.post(ASSISTANTS, json=FIELDS | {"name": "Other"}, headers=key)
        exactly(other, 422, REUSED)
    first.join()
    same(answers[0], ida.post(ASSISTANTS, json=FIELDS, headers=key), 201)


def test_a_key_whose_process_died_is_taken_over(
    ida: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    ida.post(ASSISTANTS, json=FIELDS, headers=key)
    database.execute(
        "UPDATE idempotency SET status = NULL, body = NULL WHERE key = %s", tuple(key.values())
    )
    exactly(ida.post(ASSISTANTS, json=FIELDS, headers=key), 409, IN_USE)
    age(database, key, "4 minutes")
    again = ida.post(ASSISTANTS, json=FIELDS, headers=key)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)
    same(again, ida.post(ASSISTANTS, json=FIELDS, headers=key), 201)


def test_answers_are_kept_for_a_day(
    ida: Client, bob: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    first = ida.post(ASSISTANTS, json=FIELDS, headers=key)
    age(database, key, "23 hours 59 minutes")
    same(first, ida.post(ASSISTANTS, json=FIELDS, headers=key), 201)
    age(database, key, "2 minutes")
    again = ida.post(ASSISTANTS, json=FIELDS | {"name": "Other"}, headers=key)
    assert (again.status_code, again.json()["name"]) == (201, "Other")
    age(database, key, "25 hours")
    fresh = {"Idempotency-Key": str(uuid4())}
    bob.post(ASSISTANTS, json=FIELDS, headers=fresh)
    assert keys(database).isdisjoint(key.values()), "the next key of anybody sweeps"


@pytest.mark.parametrize("wrong", [b"", b"k" * 256, b"caf\xe9", b"a\tb"])
def test_a_key_is_printable_ascii(ida: Client, wrong: bytes) -> None:
    header = {b"Idempotency-Key": wrong}
    exactly(ida.post(ASSISTANTS, json=FIELDS, headers=header), 400, BAD_KEY)


def test_the_longest_key_of_any_signs(ida: Client) -> None:
    header = {"Idempotency-Key": ("~ !\"'%" + str(uuid4())).ljust(255, "k")}
    first = ida.post(ASSISTANTS, json=FIELDS, headers=header)
    same(first, ida.post(ASSISTANTS, json=FIELDS, headers=header), 201)


def test_calls_that_make_nothing_ignore_it(
    ida: Client, nobody: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    path = f"{ASSISTANTS}{ida.assistant()['id']}/search/"
    for query in ("one", "two"):
        assert ida.post(path, json={"query": query}, headers=key).status_code == 200
    login = {"username": "nobody", "password": "a wrong passphrase"}
    assert nobody.post(f"{API}/tokens/", json=login, headers=key).status_code == 400
    assert keys(database).isdisjoint(key.values())


def test_deep_nesting_beside_the_fields_is_no_fault(ida: Client, key: dict[str, str]) -> None:
    for depth in (100, 900, 960, 2_000):
        nested = b"[" * depth + b"]" * depth
        body = b'{"name":"a","company_name":"b","instructions":"c","x":' + nested + b"}"
        answer = ida.post(
            ASSISTANTS,
            content=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": f"{key}{depth}"},
        )
        assert answer.status_code in {201, 400}, answer.text


@row("idempotency")
def test_a_chat_is_begun_once(ida: Client, key: dict[str, str]) -> None:
    asked = {"assistant_id": ida.assistant()["id"]}
    first = ida.post(CHAT, json=asked, headers=key)
    before = len(ida.get(CHAT).json())
    same(first, ida.post(CHAT, json=asked, headers=key), 201)
    assert len(ida.get(CHAT).json()) == before


@row("idempotency")
def test_a_question_is_answered_once(
    ida: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    assistant = ida.assistant(report_md=b"# Report\n\nThe group employed 1,204 people.\n")
    path = f"{CHAT}{ida.chat(assistant['id'])}/"
    asked = {"assistant_id": assistant["id"], "input": "How many people were employed?"}
    first = ida.put(path, json=asked, headers=key)
    assert "1,204" in first.json()["output"]
    same(first, ida.put(path, json=asked, headers=key), 200)
    assert len(ida.get(path).json()["messages"]) == 2
    exactly(ida.put(path, json=asked | {"input": "And who?"}, headers=key), 422, REUSED)
    # What is deleted is nowhere: not in an answer that was kept either.
    ida.delete(f"{ASSISTANTS}{assistant['id']}/documents/{assistant['documents'][0]['id']}/")
    kept = database.execute("SELECT body FROM idempotency WHERE key = %s", tuple(key.values()))
    assert kept.fetchall() == []


def test_a_stream_that_is_told_again_says_so(ida: Client, key: dict[str, str]) -> None:
    assistant = ida.assistant(report_md=b"# Report\n\nThe group employed 1,204 people.\n")
    path = f"{CHAT}{ida.chat(assistant['id'])}/"
    asked = {"assistant_id": assistant["id"], "input": "How many people?", "stream": True}
    first, again = (ida.put(path, json=asked, headers=key) for _ in range(2))
    assert (first.status_code, REPLAYED in first.headers) == (200, False)
    assert again.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert again.headers[REPLAYED] == "true"
    ends = [one.text.partition("event: done")[2] for one in (first, again)]
    assert ends[0] == ends[1] != ""


def test_a_busy_chat_is_not_kept(
    ida: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    assistant = ida.assistant()["id"]
    chat = ida.chat(assistant)
    take = "UPDATE thread SET lease_token = gen_random_uuid(), lease_expires_at = now() + '1h'"
    database.execute(f"{take} {OF_CHAT}", (chat,))
    asked = {"assistant_id": assistant, "input": "How many?"}
    busy = ida.put(f"{CHAT}{chat}/", json=asked, headers=key)
    assert (busy.status_code, busy.json()["code"]) == (409, "chat_busy")
    free = "UPDATE thread SET lease_token = NULL"
    database.execute(f"{free} {OF_CHAT}", (chat,))
    again = ida.put(f"{CHAT}{chat}/", json=asked, headers=key)
    assert (again.status_code, REPLAYED in again.headers) == (200, False)
    same(again, ida.put(f"{CHAT}{chat}/", json=asked, headers=key), 200)


def test_words_of_a_deleted_chat_are_not_kept(
    ida: Client, key: dict[str, str], database: "psycopg.Connection[Any]"
) -> None:
    assistant = ida.assistant()["id"]
    path = f"{CHAT}{ida.chat(assistant)}/"
    asked = {"assistant_id": assistant, "input": "A secret question?"}
    assert ida.put(path, json=asked, headers=key).status_code == 200
    assert key["Idempotency-Key"] in keys(database)
    assert ida.delete(path).status_code == 204
    assert keys(database).isdisjoint(key.values())
