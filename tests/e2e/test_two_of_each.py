"""Two API processes and two workers on one database, with the originals in an object store."""

import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.object_store import ObjectStore, TroubledWay, running_object_store
from support.server import (
    API,
    PASSWORD,
    Client,
    Server,
    data_folder,
    running_server,
    server_environment,
)
from support.starter import Process, run, start
from support.waiting import eventually

EMBEDDER = "fake@150"
"""Slow enough that documents of two users are in work at once: more than one worker takes."""
FILES = 20
LOGINS = 6
ROUNDS = 4

# What a finished job was is deleted with it: each start is noted.
NOTED = """
CREATE TABLE started (job_id bigint, worker_id bigint, document_id text, attempts int);
CREATE FUNCTION note_start() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO started
    VALUES (NEW.id, NEW.worker_id, NEW.args->>'document_id', NEW.attempts);
    RETURN NEW;
END $$;
CREATE TRIGGER note_start AFTER UPDATE ON procrastinate_jobs FOR EACH ROW
WHEN (NEW.status = 'doing' AND OLD.status <> 'doing') EXECUTE FUNCTION note_start();
"""


@dataclass(frozen=True, slots=True)
class House:
    """All of it."""

    url: str
    one: Server
    other: Server
    objects: ObjectStore
    way: TroubledWay
    bucket: str
    environment: dict[str, str]

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    def on_other(self, client: Client) -> Client:
        """The same user, at the other API."""
        return self.other.client(Authorization=client.headers["Authorization"])


@contextmanager
def running_worker(environment: dict[str, str]) -> Iterator[Process]:
    """A worker of its own, on a machine of its own."""
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        log = Path(folder, "log")
        told = environment | {"AICONVOKIT_DATA_DIR": f"{folder}/data"}
        process = start(["worker"], told, log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        assert (code, "Traceback" in log.read_text()) == (0, False), log.read_text()


@pytest.fixture(scope="module")
def house(cluster_url: str, fake_server: FakeModel) -> Iterator[House]:
    url = clone(cluster_url)
    with psycopg.connect(url) as connection:
        connection.execute(NOTED)
    with ExitStack() as stack:
        objects = stack.enter_context(running_object_store())
        bucket, way = objects.bucket(), stack.enter_context(TroubledWay(objects).open())
        folder = stack.enter_context(data_folder())
        shared = objects.environment | {
            "AWS_ENDPOINT_URL": way.endpoint,
            "AICONVOKIT_STORAGE_URL": f"s3://{bucket}/originals",
            "AICONVOKIT_EMBEDDING_MODEL": EMBEDDER,
            "AICONVOKIT_CHAT_MODEL": "fake",
            "AICONVOKIT_LIMITS": "on",
            "AICONVOKIT_LOGIN_BURST": str(LOGINS),
        }
        environment = server_environment(str(folder), url, fake_server.base_url) | shared
        one, other = (
            stack.enter_context(
                running_server(url, fake_server.base_url, "--no-worker", environment=shared)
            )
            for _ in range(2)
        )
        for _ in range(2):
            stack.enter_context(running_worker(environment))
        eventually(lambda: _workers(url) == 2)
        yield House(url, one, other, objects, way, bucket, environment)


def _workers(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def ann(house: House) -> Iterator[Client]:
    with house.one.login("ann") as client:
        yield client


@pytest.fixture(scope="module")
def bob(house: House) -> Iterator[Client]:
    with house.other.login("bob") as client:
        yield client


def documents_of(assistant: int) -> str:
    return f"{API}/assistants/{assistant}/documents/"


def upload(client: Client, assistant: int, name: str, content: bytes) -> dict[str, Any]:
    answer = client.post(documents_of(assistant), files=[("files", (name, content))])
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()[0]
    return found


def rent(flat: int) -> bytes:
    return b"# Flat %d\n\nThe rent of flat %d is EUR %d a month.\n" % (flat, flat, 900 + flat)


@pytest.fixture(scope="module")
def assistants(house: House, ann: Client, bob: Client) -> list[int]:
    """One of each user's, with ten files each: half of them by each API."""
    found = [int(ann.assistant("Ann's")["id"]), int(bob.assistant("Bob's")["id"])]
    with house.on_other(ann) as other_ann, house.one.client(**_login(bob)) as other_bob:
        ways = [(ann, other_ann, found[0]), (bob, other_bob, found[1])]
        with ThreadPoolExecutor(4) as pool:
            done = [
                pool.submit(upload, clients[flat % 2], assistant, f"{flat}.md", rent(flat))
                for flat in range(FILES)
                for *clients, assistant in [ways[flat < FILES // 2]]
            ]
            for one in done:
                one.result()
    for client, assistant in zip((ann, bob), found, strict=True):
        documents = client.read(assistant)["documents"]
        assert [one["status"] for one in documents] == ["ready"] * (FILES // 2)
    return found


def _login(client: Client) -> dict[str, str]:
    return {"Authorization": client.headers["Authorization"]}


def test_each_document_is_read_once_by_one_of_two_workers(
    house: House, fake_server: FakeModel, assistants: list[int]
) -> None:
    started = house.rows("SELECT document_id, worker_id, attempts FROM started")
    # Twice where one worker queued what the other had just read: such a job ends at once.
    assert len({document for document, _, _ in started}) == FILES
    assert {attempts for _, _, attempts in started} == {0}
    assert len({worker for _, worker, _ in started}) == 2
    [(chunks, places, vectors)] = house.rows(
        "SELECT count(*), count(DISTINCT (document_id, ordinal)), (SELECT count(*) FROM vec_1)"
        " FROM chunk"
    )
    assert chunks == places == vectors >= FILES
    embedded = [
        text
        for one in fake_server.requests()
        if one.path == "/v1/embeddings" and one.body["model"] == EMBEDDER
        for text in one.body["input"]
        if "The rent of flat" in text
    ]
    assert len(embedded) == len(set(embedded)) == FILES
    assert len(house.objects.keys(house.bucket)) == FILES


def test_both_answer_the_same(
    house: House, fake_server: FakeModel, ann: Client, assistants: list[int]
) -> None:
    assistant, answers = assistants[0], []
    fake_server.script("The rent of flat 13 is EUR 913 a month [1].")
    with house.on_other(ann) as other:
        for client in (ann, other):
            answer = client.ask(client.chat(assistant), assistant, "What is the rent of flat 13?")
            cited = [(one["document_id"], one["quote"]) for one in answer["citations"]]
            answers.append((answer["output"], cited))
        assert answers[0] == answers[1]
        assert [quote for _, quote in answers[0][1]] == ["The rent of flat 13 is EUR 913 a month."]
        document = ann.get(f"{API}/assistants/{assistant}/").json()["documents"][0]
        path = f"{document['url']}content/".replace(house.one.base_url, "")
        flat = int(document["filename"].removesuffix(".md"))
        assert other.get(path).content == rent(flat)


def test_a_turn_at_one_keeps_its_chat_busy_at_the_other(
    house: House, fake_server: FakeModel, ann: Client, assistants: list[int]
) -> None:
    chat = ann.chat(assistants[0])
    question = {"assistant_id": assistants[0], "input": "What is the rent of flat 12?"}
    answers: list[httpx.Response] = []
    fake_server.script("It is as the lease says.")
    fake_server.spoil("/chat/completions", "slow_drip=0.3")
    try:
        thread = threading.Thread(
            target=lambda: answers.append(ann.put(f"{API}/chat/{chat}/", json=question))
        )
        thread.start()
        leased = "SELECT count(*) FROM thread WHERE lease_token IS NOT NULL"
        eventually(lambda: house.rows(leased) == [(1,)])
        with house.on_other(ann) as other:
            refused = other.put(f"{API}/chat/{chat}/", json=question)
    finally:
        fake_server.reset()
        thread.join()
    assert (refused.status_code, refused.json()["code"]) == (409, "chat_busy")
    assert [one.status_code for one in answers] == [200]


def test_a_key_is_known_to_both(house: House, ann: Client) -> None:
    key, fields = {"Idempotency-Key": str(uuid4())}, {"name": "Twice", "company_name": "Acme"}
    fields["instructions"] = "Be brief."
    first = ann.post(f"{API}/assistants/", json=fields, headers=key)
    with house.on_other(ann) as other:
        second = other.post(f"{API}/assistants/", json=fields, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"


def test_wrong_passwords_are_counted_together(house: House, ann: Client) -> None:
    """Of an account that nobody has: the address is counted, too, and others come by it."""
    statuses = []
    with house.one.client() as one, house.other.client() as other:
        for number in range(2 * LOGINS):
            client = (one, other)[number % 2]
            login = {"username": "nobody", "password": PASSWORD}
            statuses.append(client.post(f"{API}/tokens/", json=login).status_code)
    refused = statuses.index(429)
    assert refused <= LOGINS
    assert set(statuses[refused:]) == {429}


def test_what_is_deleted_at_one_is_gone_at_the_other(
    house: House, ann: Client, bob: Client, assistants: list[int]
) -> None:
    before = set(house.objects.keys(house.bucket))
    made = upload(ann, assistants[0], "gone.md", b"# Gone\n\nIt goes.\n")
    path = made["url"].replace(house.one.base_url, "")
    assert len(set(house.objects.keys(house.bucket)) - before) == 1
    with house.on_other(ann) as other:
        assert other.delete(path).status_code == 204
    assert ann.get(path).status_code == 404
    assert set(house.objects.keys(house.bucket)) == before
    with ThreadPoolExecutor(2) as pool:  # she deletes while he uploads the same: his stays
        for number in range(ROUNDS):
            content = os.urandom(500).hex().encode()
            doomed = upload(ann, assistants[0], "same.md", content)
            gone = pool.submit(ann.delete, doomed["url"])
            kept = pool.submit(upload, bob, assistants[1], f"same-{number}.md", content).result()
            assert gone.result().status_code == 204
            assert bob.get(f"{kept['url']}content/").content == content


def test_without_the_store_uploads_wait_and_questions_do_not(
    house: House, ann: Client, assistants: list[int]
) -> None:
    document = ann.get(f"{API}/assistants/{assistants[0]}/").json()["documents"][0]
    files = [("files", ("late.md", b"# Late\n\nIt came late.\n"))]
    house.way.trouble = lambda _method, _path: (500, b"")
    try:
        refused = ann.post(documents_of(assistants[0]), files=files)
        unread = ann.get(f"{document['url']}content/")
        ready = ann.get("/health/ready")
        question = {"assistant_id": assistants[0], "input": "What is the rent of flat 3?"}
        answer = ann.put(f"{API}/chat/{ann.chat(assistants[0])}/", json=question)
    finally:
        house.way.trouble = None
    told = {"detail": "The file storage is not available.", "code": "storage_unavailable"}
    assert (refused.status_code, refused.json(), unread.status_code) == (503, told, 503)
    assert int(refused.headers["retry-after"]) > 0
    assert (ready.status_code, ready.json()["checks"]["storage"]) == (503, "unavailable")
    assert answer.status_code == 200
    assert ann.post(documents_of(assistants[0]), files=files).status_code == 201
    assert ann.get("/health/ready").status_code == 200


def test_in_the_end_everything_is_there(
    house: House, ann: Client, bob: Client, assistants: list[int]
) -> None:
    for client, assistant in zip((ann, bob), assistants, strict=True):
        client.read(assistant)
    done = run(["check", "--json"], house.environment, timeout=60)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True, "findings": []})
