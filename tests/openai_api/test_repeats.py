"""Requests that come twice: with an `Idempotency-Key` what they make is made once."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import openai
import psycopg
import pytest
from openai import AssistantEventHandler

from fake_model.server import FakeModel
from openai_api.stores import put
from support.server import Client

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

REPLAYED = "Idempotent-Replayed"
SAID: Any = [{"role": "user", "content": "How many people does Northwind employ?"}]


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    return str(ann.assistant("Reports")["openai_id"])


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def twice(ann: Client, path: str, body: dict[str, Any]) -> tuple[Any, Any]:
    """What a request makes, and what it is answered with when it is sent again."""
    key = keyed()
    first, again = (ann.post(f"/v1{path}", json=body, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 200, (first.text, again.text)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    return first.json(), again.json()


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def counted(database: str) -> tuple[int, ...]:
    tables = ("thread", "message", "collection", "assistant", "file", "run", "file_batch")
    with psycopg.connect(database) as connection:
        rows = [connection.execute(f'SELECT count(*) FROM "{one}"').fetchone() for one in tables]  # noqa: S608  # ours
    return tuple(row[0] for row in rows if row)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/assistants", {"model": "m", "name": "Once"}),
        ("/threads", {"messages": SAID, "metadata": {"a": "b"}}),
        ("/vector_stores", {"name": "Once"}),
    ],
)
def test_what_stands_by_itself_is_made_once(
    ann: Client, database: str, path: str, body: dict[str, Any]
) -> None:
    before = sum(counted(database))
    first, again = twice(ann, path, body)
    assert first == again
    assert sum(counted(database)) - before == (2 if "messages" in body else 1)


def test_messages_and_batches_are_made_once(
    ann: Client, anns: openai.OpenAI, database: str
) -> None:
    thread, store = anns.beta.threads.create().id, anns.vector_stores.create().id
    file = put(anns, "once.txt", "The cat sat on the mat.")
    before = counted(database)
    first, again = twice(ann, f"/threads/{thread}/messages", SAID[0])
    assert first == again
    first, again = twice(ann, f"/vector_stores/{store}/file_batches", {"file_ids": [file]})
    assert first["id"] == again["id"]
    after = counted(database)
    assert [now - then for now, then in zip(after, before, strict=True)] == [0, 1, 0, 0, 0, 0, 1]


def test_a_file_is_uploaded_once(ann: Client) -> None:
    def upload(key: dict[str, str], content: bytes) -> httpx.Response:
        files = {"file": ("once.txt", content)}
        return ann.post("/v1/files", data={"purpose": "assistants"}, files=files, headers=key)

    key = keyed()
    first, again = upload(key, b"One."), upload(key, b"One.")
    assert first.json() == again.json()
    assert again.headers[REPLAYED] == "true"
    assert error(upload(key, b"Two.")) == (422, "idempotency_key_reused")
    assert ann.delete(f"/v1/files/{first.json()['id']}").status_code == 200
    gone = upload(key, b"One.")
    assert gone.status_code == 404
    assert first.json()["id"] in gone.json()["error"]["message"]


def test_a_run_is_begun_once(
    ann: Client, anns: openai.OpenAI, reports: str, database: str, fake: FakeModel
) -> None:
    fake.script("1,204 people.")
    thread = anns.beta.threads.create(messages=SAID).id
    before = counted(database)
    first, again = twice(ann, f"/threads/{thread}/runs", {"assistant_id": reports})
    assert first["id"] == again["id"]
    run = anns.beta.threads.runs.poll(first["id"], thread_id=thread)
    assert run.status == "completed"
    assert len(fake.chats()) == 1
    assert [now - then for now, then in zip(counted(database), before, strict=True)] == [
        *(0, 1, 0, 0, 0, 1, 0)
    ]


def test_a_thread_and_its_run_are_made_once(
    ann: Client, anns: openai.OpenAI, reports: str, database: str
) -> None:
    before = counted(database)
    body = {"assistant_id": reports, "thread": {"messages": SAID}}
    first, again = twice(ann, "/threads/runs", body)
    assert (first["id"], first["thread_id"]) == (again["id"], again["thread_id"])
    anns.beta.threads.runs.poll(first["id"], thread_id=first["thread_id"])
    assert [now - then for now, then in zip(counted(database), before, strict=True)] == [
        *(1, 2, 0, 0, 0, 1, 0)
    ]


def test_a_stream_that_is_asked_for_again_is_told_to_its_end(
    anns: openai.OpenAI, reports: str, fake: FakeModel
) -> None:
    fake.script("1,204 people.")
    thread, key = anns.beta.threads.create(messages=SAID).id, keyed()

    def told() -> tuple[list[str], str, Any]:
        with anns.beta.threads.runs.stream(
            thread_id=thread,
            assistant_id=reports,
            event_handler=AssistantEventHandler(),
            extra_headers=key,
        ) as stream:
            events: list[Any] = list(stream)
            deltas = [one.data.delta for one in events if one.event == "thread.message.delta"]
            said = "".join(one.content[0].text.value for one in deltas)
            final = stream.get_final_messages()[0].content[0]
            assert final.type == "text"
            assert said == final.text.value == "1,204 people."
            return [one.event for one in events], said, stream.current_run

    first, _, run = told()
    again, _, same = told()
    assert run.id == same.id
    assert [one for one in first if "delta" not in one] == [
        one for one in again if "delta" not in one
    ]
    assert len(fake.chats()) == 1


def test_a_run_that_has_ended_is_told_from_its_beginning(
    ann: Client, reports: str, fake: FakeModel
) -> None:
    fake.script("1,204 people.")
    body = {"assistant_id": reports, "thread": {"messages": SAID}, "stream": True}
    key = keyed()

    def told() -> list[tuple[str, Any]]:
        text = ann.post("/v1/threads/runs", json=body, headers=key, timeout=30).text
        pairs = [one.split("\n", 1) for one in text.strip().split("\n\n")]
        return [
            (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
            for name, data in pairs
            if data != "data: [DONE]"
        ]

    first, again = told(), told()
    assert first[0] == again[0]
    assert first[0][0] == "thread.created"
    for events in (first, again):
        whole = {name: said for name, said in events if "delta" not in name}
        begun = whole["thread.run.in_progress"]
        assert (begun["status"], begun["completed_at"], begun["usage"]) == (
            "in_progress",
            None,
            None,
        )
        assert whole["thread.run.created"]["status"] == "queued"
        steps = [said for name, said in events if name == "thread.run.step.created"]
        assert {one["status"] for one in steps} == {"in_progress"}
        assert {one["usage"] is None for one in steps} == {True}
        assert whole["thread.run.completed"]["status"] == "completed"


def test_a_key_is_for_one_request_of_one_user(
    ann: Client, bob: Client, anns: openai.OpenAI
) -> None:
    key = keyed()
    mine = ann.post("/v1/threads", json={}, headers=key).json()["id"]
    theirs = bob.post("/v1/threads", json={}, headers=key)
    assert theirs.status_code == 200
    assert theirs.json()["id"] != mine
    other = ann.post("/v1/threads", json={"metadata": {"a": "b"}}, headers=key)
    assert error(other) == (422, "idempotency_key_reused")
    assert ann.post("/v1/vector_stores", json={}, headers=key).status_code == 422
    assert anns.beta.threads.delete(mine).deleted
    assert ann.post("/v1/threads", json={}, headers=key).status_code == 404
    wrong = ann.post("/v1/threads", json={}, headers={"Idempotency-Key": "x" * 256})
    assert wrong.status_code == 400


def test_what_is_kept_has_no_words(ann: Client, database: str) -> None:
    twice(ann, "/threads", {"messages": [{"role": "user", "content": "unspeakable words"}]})
    with psycopg.connect(database) as connection:
        kept = connection.execute("SELECT body FROM idempotency").fetchall()
    assert kept
    assert not any(b"unspeakable" in row[0] for row in kept)


def test_a_refused_request_may_be_sent_again(ann: Client, anns: openai.OpenAI) -> None:
    key, thread = keyed(), anns.beta.threads.create().id
    path = f"/v1/threads/{thread}/messages"
    spoilt = {"role": "user", "content": "Who?", "attachments": [{"file_id": "file_none"}]}
    assert ann.post(path, json=spoilt, headers=key).status_code == 404
    whole = ann.post(path, json=SAID[0], headers=key)
    assert whole.status_code == 200, whole.text


def retried(client: openai.OpenAI, make: Callable[[openai.OpenAI], Any]) -> list[str]:
    """The retry counts that the client tells, of a call whose first answer gets lost."""
    told: list[str] = []

    def lose(response: Any) -> None:
        told.append(response.request.headers["x-stainless-retry-count"])
        if len(told) == 1:
            response.read()
            response.status_code = 503

    transport: Any = client._client  # a test loses what came over the wire
    transport.event_hooks["response"].append(lose)
    try:
        make(client.with_options(max_retries=2))
    finally:
        transport.event_hooks["response"].remove(lose)
    return told


def test_an_answer_that_got_lost_makes_nothing_twice(anns: openai.OpenAI, database: str) -> None:
    before, key = counted(database), keyed()
    told = retried(anns, lambda one: one.beta.threads.create(extra_headers=key))
    assert told == ["0", "1"]
    assert counted(database)[0] - before[0] == 1
