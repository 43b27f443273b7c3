"""A turn as server-sent events, and what is left of it when somebody leaves or dies."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, client_with_model, running_server
from support.waiting import eventually

TEXT = b"""# Supply contract

## Price

The price of one pump is EUR 1,250 until 31 December 2026.

## Term

The contract ends on 30 June 2028.
"""
QUESTION = "What is the price of one pump, and when does the contract end?"
REPLY = (
    "The price of one pump is EUR 1,250 until 31 December 2026 [1]. It is a good pump. "
    "The contract ends on 30 June 2028 [1]."
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One server-sent event."""

    name: str
    data: dict[str, Any]


@contextmanager
def streamed(client: Client, chat: int, body: dict[str, Any], **headers: str) -> Iterator[Any]:
    """A turn's response and its events as they come."""
    with client.stream("PUT", f"{API}/chat/{chat}/", json=body, headers=headers) as response:
        yield response


def events(response: httpx.Response) -> Iterator[Sent]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Sent(name, json.loads(line.removeprefix("data: ")))


def messages(client: Client, chat: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{API}/chat/{chat}/").json()["messages"]
    return found


@contextmanager
def slow(cluster_url: str, fake: FakeModel, model: str, **settings: str) -> Iterator[Client]:
    with client_with_model(clone(cluster_url), fake.base_url, model, **settings) as client:
        yield client


@pytest.mark.parametrize("how", ["body", "header"])
def test_events_in_their_order(with_model: Client, fake: FakeModel, how: str) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    chat = with_model.chat(assistant["id"])
    fake.script(REPLY)
    body: dict[str, Any] = {"assistant_id": assistant["id"], "input": QUESTION}
    headers = {"Accept": "text/event-stream"} if how == "header" else {}
    body |= {"stream": True} if how == "body" else {}
    with streamed(with_model, chat, body, **headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["cache-control"] == "no-store"
        assert "content-encoding" not in response.headers
        assert response.headers["x-content-type-options"] == "nosniff"
        sent = list(events(response))

    assert sent[0].name == "start"
    assert sent[0].data["chat_id"] == chat
    assert sent[0].data["passages"] > 0
    assert [one.name for one in sent].count("done") == 1
    assert sent[-1].name == "done"
    done = sent[-1].data
    assert sent[0].data["message_id"] == done["message_id"]
    assert "".join(one.data["text"] for one in sent if one.name == "delta") == done["output"]
    assert [one.data for one in sent if one.name == "citation"] == done["citations"]
    assert len(done["citations"]) == 2
    assert [one["supported"] for one in done["claims"]] == [True, False, True]
    assert done["output"].count("[") == 2
    assert done["input"] == QUESTION
    assert {"embed", "search", "first_token", "model", "total"} <= set(done["milliseconds"])

    stored = messages(with_model, chat)[-1]
    assert (stored["id"], stored["status"]) == (done["message_id"], "complete")
    for key in ("citations", "claims", "model", "usage", "finish_reason", "milliseconds"):
        assert stored[key] == done[key]
    assert stored["content"] == done["output"]


def test_a_mark_is_announced_before_the_text_that_holds_it(
    with_model: Client, fake: FakeModel
) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    fake.script(REPLY)
    body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
    with streamed(with_model, with_model.chat(assistant["id"]), body) as response:
        known: set[int] = set()
        for one in events(response):
            if one.name == "citation":
                known.add(one.data["index"])
            if one.name == "delta":
                assert all(f"[{n}]" not in one.data["text"] or n in known for n in range(1, 9))


def test_the_stream_of_an_assistant_without_model_or_documents(ann: Client) -> None:
    assistant = ann.assistant()
    body = {"assistant_id": assistant["id"], "input": "Hello?", "stream": True}
    with streamed(ann, ann.chat(assistant["id"]), body) as response:
        names = [one.name for one in events(response)]
    assert names == ["start", "delta", "done"]


def test_what_is_wrong_before_the_stream_is_an_ordinary_answer(with_model: Client) -> None:
    assistant = with_model.assistant()
    chat = with_model.chat(assistant["id"])
    wanted = {"assistant_id": assistant["id"], "stream": True}
    missing = with_model.put(f"{API}/chat/{chat}/", json=wanted)
    assert (missing.status_code, missing.json()) == (400, {"input": ["This field is required."]})
    unknown = with_model.put(f"{API}/chat/999999/", json={**wanted, "input": "Hi"})
    assert (unknown.status_code, unknown.json()["detail"][:7]) == (404, "No Chat")


def test_a_client_that_leaves_stops_the_model_and_keeps_what_was_said(
    cluster_url: str, fake: FakeModel
) -> None:
    with slow(cluster_url, fake, "fake:slow_drip=0.2") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        fake.script("The contract ends on 30 June 2028. " + "And so on it goes. " * 50)
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        said, message_id = "", ""
        with streamed(client, chat, body) as response:
            for one in events(response):
                message_id = one.data.get("message_id", message_id)
                said += one.data.get("text", "")
                if "[1]" in said:
                    break
        eventually(lambda: fake.chats()[-1].outcome == "client_gone")
        eventually(lambda: messages(client, chat)[-1]["status"] != "in_progress")

        kept = client.get(f"{API}/chat/{chat}/messages/{message_id}/").json()
        assert (kept["status"], kept["error"]) == ("interrupted", None)
        assert kept["content"].startswith(said)
        assert kept["citations"][0]["quote"] == "The contract ends on 30 June 2028."
        assert kept["milliseconds"]["total"] > 0

        fake.script("Hello.")
        with streamed(client, chat, body) as response:  # the thread is free at once
            assert next(events(response)).name == "start"
        prompt = fake.chats()[-1].body["messages"]
        assert [one["role"] for one in prompt] == ["system", "user"], "no half answers in a prompt"


def test_a_client_that_leaves_a_plain_call_stops_the_model(
    cluster_url: str, fake: FakeModel
) -> None:
    with slow(cluster_url, fake, "fake:slow_drip=0.2") as client:
        assistant = client.assistant()
        chat = client.chat(assistant["id"])
        fake.script("On and on. " * 50)
        body = {"assistant_id": assistant["id"], "input": QUESTION}
        with pytest.raises(httpx.ReadTimeout):
            client.put(f"{API}/chat/{chat}/", json=body, timeout=1)
        eventually(lambda: fake.chats()[-1].outcome == "client_gone")
        eventually(lambda: messages(client, chat)[-1]["status"] == "interrupted")
        assert messages(client, chat)[-1]["content"].startswith("On and on.")


@pytest.mark.parametrize("mode", ["cut_clean", "cut_chunked", "stream_error"])
def test_a_stream_that_breaks_off(cluster_url: str, fake: FakeModel, mode: str) -> None:
    with slow(cluster_url, fake, f"fake:{mode}") as client:
        assistant = client.assistant()
        fake.script("First things first, and then the second thing.")
        body = {"assistant_id": assistant["id"], "input": QUESTION}
        rooms = client.chat(assistant["id"]), client.chat(assistant["id"])
        with streamed(client, rooms[0], {**body, "stream": True}) as response:
            sent = list(events(response))
        assert sent[-1].name == "error"
        assert sent[-1].data["code"] == "model_bad_response"
        assert "done" not in [one.name for one in sent]
        assert len(fake.chats()) == 1, "it is not asked again by itself"
        answer = client.put(f"{API}/chat/{rooms[1]}/", json=body)
        assert (answer.status_code, answer.json()["code"]) == (502, "model_bad_response")
        for room in rooms:
            kept = messages(client, room)[-1]
            assert (kept["status"], kept["error"]) == ("interrupted", "model_bad_response")
            assert kept["content"].startswith("First things")


def test_a_deadline_keeps_what_was_said(cluster_url: str, fake: FakeModel) -> None:
    settings = {"AICONVOKIT_CHAT_DEADLINE_SECONDS": "2"}
    with slow(cluster_url, fake, "fake:slow_drip=0.2", **settings) as client:
        assistant = client.assistant()
        chat = client.chat(assistant["id"])
        fake.script("On and on. " * 50)
        body = {"assistant_id": assistant["id"], "input": QUESTION}
        answer = client.put(f"{API}/chat/{chat}/", json=body)
        assert (answer.status_code, answer.json()["code"]) == (504, "model_timeout")
        kept = messages(client, chat)[-1]
        assert (kept["status"], kept["error"]) == ("interrupted", "model_timeout")
        assert kept["content"].startswith("On and on.")


def test_a_process_that_dies_in_a_turn_leaves_an_interrupted_answer(
    cluster_url: str, fake: FakeModel
) -> None:
    database = clone(cluster_url)
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.2", "AICONVOKIT_LEASE_SECONDS": "2"}
    fake.script("On and on. " * 50)
    with running_server(database, fake.base_url, environment=settings) as first:
        client = first.login("ann")
        assistant = client.assistant()
        chat = client.chat(assistant["id"])
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        with streamed(client, chat, body) as response:
            sent = events(response)
            assert [next(sent).name, next(sent).name] == ["start", "delta"]
            first.kill()
        token = client.headers["Authorization"]
        client.close()
    with (
        running_server(database, fake.base_url, environment=settings) as second,
        second.client(Authorization=token) as client,
    ):
        eventually(lambda: messages(client, chat)[-1]["status"] == "interrupted")
        with streamed(client, chat, body) as response:
            assert response.status_code == 200


def test_a_prompt_that_is_too_long_is_shortened_once(cluster_url: str, fake: FakeModel) -> None:
    with slow(cluster_url, fake, "fake:context_length-once") as client:
        pages = "\n\n".join(f"## Part {n}\n\n{'The price of a pump. ' * 40}" for n in range(12))
        assistant = client.assistant(contract_md=pages.encode())
        chat = client.chat(assistant["id"])
        answer = client.ask(chat, assistant["id"], "What is the price of a pump?")
        assert answer["finish_reason"] == "stop"
        first, second = (one.body["messages"][-1]["content"] for one in fake.chats())
        assert len(second) < len(first)
        assert 0 < second.count("<passage ") < first.count("<passage ")


def test_a_prompt_that_stays_too_long_is_told(cluster_url: str, fake: FakeModel) -> None:
    with slow(cluster_url, fake, "fake:context_length") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        body = {"assistant_id": assistant["id"], "input": QUESTION}
        answer = client.put(f"{API}/chat/{chat}/", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "input_too_long")
        assert len(fake.chats()) == 2


def test_reasoning_that_shows_too_late_is_taken_back(cluster_url: str, fake: FakeModel) -> None:
    with slow(cluster_url, fake, "fake:slow_drip=0.05") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        fake.script("Let me see, and see again. </think>The contract ends on 30 June 2028.")
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        for expected in (1, 0):  # the second time it is known
            with streamed(client, chat, body) as response:
                sent = list(events(response))
            names = [one.name for one in sent]
            assert names.count("restart") == expected
            last = len(names) - names[::-1].index("restart") if expected else 0
            said = "".join(one.data["text"] for one in sent[last:] if one.name == "delta")
            assert said == sent[-1].data["output"] == "The contract ends on 30 June 2028. [1]"
        assert "Let me see" not in str(messages(client, chat))


def test_a_prompt_that_is_called_too_long_behind_the_first_words(
    cluster_url: str, fake: FakeModel
) -> None:
    with slow(cluster_url, fake, "fake:stream_too_long") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        with streamed(client, chat, body) as response:
            sent = list(events(response))
        said = "".join(one.data["text"] for one in sent if one.name == "delta")
        assert (sent[-1].name, sent[-1].data["code"]) == ("error", "model_bad_response")
        assert len(fake.chats()) == 1, "what was said cannot be taken back"
        assert messages(client, chat)[-1]["content"] == said


def test_an_answer_of_marks_and_blanks_alone_is_not_begun(
    with_model: Client, fake: FakeModel
) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    fake.script("[1]\n")
    body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
    with streamed(with_model, with_model.chat(assistant["id"]), body) as response:
        sent = list(events(response))
    said = "".join(one.data["text"] for one in sent if one.name == "delta")
    assert said == sent[-1].data["output"]
    assert sent[-1].data["model"] == "extractive"


def test_turns_in_work_are_kept_when_the_server_is_stopped_at_once(
    cluster_url: str, fake: FakeModel
) -> None:
    database = clone(cluster_url)
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.2"}
    fake.script("On and on. " * 200)
    with running_server(database, fake.base_url, environment=settings) as server:
        client = server.login("ann")
        assistant = client.assistant()
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        rooms = [client.chat(assistant["id"]) for _ in range(8)]
        with ExitStack() as open_streams:
            for room in rooms:
                response = open_streams.enter_context(streamed(client, room, body))
                sent = events(response)
                assert [next(sent).name, next(sent).name] == ["start", "delta"]
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGTERM)  # twice: now
            server.process.wait(60)
        client.close()
    with psycopg.connect(database) as connection:
        kept = connection.execute(
            "SELECT status, content <> '' FROM message WHERE role = 'assistant'"
        ).fetchall()
        leases = connection.execute("SELECT count(lease_token) FROM thread").fetchone()
    assert kept == [("interrupted", True)] * len(rooms)
    assert leases == (0,)


def test_no_connection_is_held_while_the_model_is_awaited(
    cluster_url: str, fake: FakeModel
) -> None:
    database = clone(cluster_url)
    with client_with_model(database, fake.base_url, "fake:hang") as client:
        assistant = client.assistant(contract_md=TEXT)
        body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
        rooms = [client.chat(assistant["id"]) for _ in range(3)]
        with (
            streamed(client, rooms[0], body) as one,
            streamed(client, rooms[1], body) as two,
            streamed(client, rooms[2], body) as three,
        ):
            for response in (one, two, three):
                assert next(events(response)).name == "start"
            eventually(lambda: len(fake.chats()) == 3)
            eventually(lambda: _busy_backends(database) == 0)


def _busy_backends(database_url: str) -> int:
    """Connections of the database that are in a statement or a transaction, but for this one."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        ).fetchone()
    assert row is not None
    return int(row[0])
