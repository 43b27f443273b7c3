"""Who is suspended, deleted, or has lost their token, is not answered to the end."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from fake_model.server import FakeModel
from support.server import API, Client, Server
from support.starter import run
from support.waiting import PATIENCE_SECONDS, eventually
from web.widget.visitors import SITE, TEXT, visitor

SENTENCE = "The contract ends on 30 June 2028. [1]\n\n"
LONG = SENTENCE * 100
"""Nearly a minute at the pace of this module's model."""
QUESTION = "When does the contract end?"
_numbers = count(1)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """A model that takes its time."""
    return {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.04"}


@pytest.fixture
def name() -> str:
    return f"out{next(_numbers)}"


@pytest.fixture
def user(server: Server, name: str) -> Iterator[Client]:
    with server.login(name) as client:
        yield client


@pytest.fixture
def assistant(user: Client) -> dict[str, Any]:
    return user.assistant(contract_md=TEXT)


def sql(database: str, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(statement, values)
        return found.fetchall() if found.description else []


def answers_of(database: str, name: str) -> list[Any]:
    """Status and content of the answers in a user's threads."""
    return sql(
        database,
        "SELECT m.status, m.content FROM message m JOIN thread t ON t.id = m.thread_id"
        " JOIN \"user\" u ON u.id = t.owner_id WHERE u.username = %s AND m.role = 'assistant'",
        name,
    )


def users(server: Server, *arguments: str) -> None:
    done = run(["users", *arguments], server.process.environment, timeout=60)
    assert done.returncode == 0, done.stderr


class Reader:
    """Somebody who reads a stream on a thread, to its end."""

    def __init__(self, opened: Callable[[], Any], begun: str) -> None:
        """Open it; `begun` stands in the first line that holds words of the answer."""
        self.has_begun = threading.Event()
        self.lines: list[str] = []
        self._opened = opened
        self._begun = begun

    def read(self) -> None:
        try:
            with self._opened() as response:
                assert response.status_code == 200
                for line in response.iter_lines():
                    self.lines.append(line)
                    if self._begun in line:
                        self.has_begun.set()
        finally:
            self.has_begun.set()

    def data(self) -> list[Any]:
        """What the events hold."""
        told = [one.removeprefix("data: ") for one in self.lines if one.startswith("data: ")]
        return [one if one == "[DONE]" else json.loads(one) for one in told]


@contextmanager
def reading(readers: Sequence[Reader]) -> Iterator[list["Future[None]"]]:
    """All of them read, and have read the first words."""
    with ThreadPoolExecutor(max_workers=len(readers)) as threads:
        answers = [threads.submit(one.read) for one in readers]
        for one in readers:
            assert one.has_begun.wait(PATIENCE_SECONDS)
        yield answers


def chat_stream(client: Client, assistant: dict[str, Any]) -> Reader:
    """A question on `/api/v1`."""
    path = f"{API}/chat/{client.chat(assistant['id'])}/"
    body = {"assistant_id": assistant["id"], "input": QUESTION, "stream": True}
    return Reader(lambda: client.stream("PUT", path, json=body), '"text":')


def completion(client: Client, assistant: dict[str, Any]) -> Reader:
    asked = [{"role": "user", "content": QUESTION}]
    body = {"model": assistant["openai_id"], "messages": asked, "stream": True}
    path = "/v1/chat/completions"
    return Reader(lambda: client.stream("POST", path, json=body), "contract")


def thread_run(client: Client, assistant: dict[str, Any]) -> Reader:
    thread = {"messages": [{"role": "user", "content": QUESTION}]}
    body = {"assistant_id": assistant["openai_id"], "thread": thread, "stream": True}
    path = "/v1/threads/runs"
    return Reader(lambda: client.stream("POST", path, json=body), "thread.message.delta")


def response(client: Client, assistant: dict[str, Any]) -> Reader:
    body = {"model": assistant["openai_id"], "input": QUESTION, "stream": True}
    path = "/v1/responses"
    return Reader(lambda: client.stream("POST", path, json=body), "output_text.delta")


def visit(server: Server, client: Client, assistant: dict[str, Any]) -> Reader:
    new = {"assistant_id": assistant["id"], "origins": [SITE]}
    ada = visitor(server, client.post(f"{API}/widgets/", json=new).json()["key"])
    return Reader(lambda: ada.streamed(QUESTION), "delta")


def test_every_open_answer_ends(
    server: Server,
    user: Client,
    name: str,
    assistant: dict[str, Any],
    fake: FakeModel,
    database: str,
) -> None:
    fake.script(LONG)
    chat, whole = chat_stream(user, assistant), user.chat(assistant["id"])
    readers = [
        chat,
        completion(user, assistant),
        thread_run(user, assistant),
        visit(server, user, assistant),
        response(user, assistant),
    ]
    plain: list[httpx.Response] = []
    body = {"assistant_id": assistant["id"], "input": QUESTION}
    waiting = threading.Thread(
        target=lambda: plain.append(user.put(f"{API}/chat/{whole}/", json=body))
    )
    waiting.start()
    with reading(readers) as answers:
        eventually(lambda: len(fake.chats()) == len(readers) + 1)
        users(server, "suspend", name)
        waiting.join()
        for one in answers:
            one.result()
    told = [one.data() for one in readers]
    detail = "User inactive or deleted."
    assert told[0][-1] == {"code": "suspended", "detail": detail}
    assert [told[1][-1]["error"][key] for key in ("code", "message")] == ["suspended", detail]
    assert (told[2][-2]["code"], told[2][-1]) == ("suspended", "[DONE]")
    assert told[3][-1]["code"] == "session_ended"
    assert [told[4][-1][key] for key in ("type", "code", "message")] == [
        "error",
        "suspended",
        detail,
    ]
    assert told[4][-1]["sequence_number"] == len(told[4]) - 1
    assert (plain[0].status_code, plain[0].json()) == (401, {"detail": detail})
    eventually(lambda: {status for status, _ in answers_of(database, name)} == {"interrupted"})
    # A completion belongs to no thread; the question without a stream may have got no word yet.
    kept = [content for _, content in answers_of(database, name)]
    assert len(kept) == len(readers)
    assert sum(text.startswith("The contract ends") for text in kept) >= len(readers) - 1
    eventually(lambda: all(one.outcome == "client_gone" for one in fake.chats()))
    assert sql(database, "SELECT id FROM thread WHERE lease_token IS NOT NULL") == []


def test_a_revoked_token_ends_its_own_answers_only(
    server: Server, user: Client, assistant: dict[str, Any], fake: FakeModel
) -> None:
    fake.script(LONG)
    other = user.post(f"{API}/users/me/tokens/", json={"name": "Script"}).json()
    with server.client(Authorization=f"Bearer {other['token']}") as program:
        ended, goes_on = chat_stream(program, assistant), chat_stream(user, assistant)
        with reading([goes_on, ended]) as (second, first):
            assert user.delete(f"{API}/tokens/{other['id']}/").status_code == 204
            first.result()
            so_far = len(goes_on.lines)
            eventually(lambda: len(goes_on.lines) > so_far)
            assert not second.done()
            mine = user.get(f"{API}/users/me/").json()["token_id"]
            assert user.delete(f"{API}/tokens/{mine}/").status_code == 204
            second.result()
    for one in (ended, goes_on):
        assert one.data()[-1] == {"code": "unauthorized", "detail": "Invalid token."}


def test_a_deleted_user_is_out_as_well(
    server: Server,
    user: Client,
    name: str,
    assistant: dict[str, Any],
    fake: FakeModel,
    database: str,
) -> None:
    fake.script(LONG)
    readers = [chat_stream(user, assistant), thread_run(user, assistant)]
    with reading(readers) as answers:
        users(server, "delete", name)
        for one in answers:
            one.result()
    assert readers[0].data()[-1]["code"] in {"suspended", "not_found"}
    assert readers[1].data()[-1] == "[DONE]"
    eventually(lambda: all(one.outcome == "client_gone" for one in fake.chats()))
    assert sql(database, 'SELECT id FROM "user" WHERE username = %s', name) == []


def test_nothing_that_was_handed_out_is_good_any_more(
    server: Server, user: Client, name: str, assistant: dict[str, Any], fake: FakeModel
) -> None:
    fake.script(SENTENCE)
    asked = [{"role": "user", "content": QUESTION}]
    completed = user.post(
        "/v1/chat/completions", json={"model": assistant["openai_id"], "messages": asked}
    ).json()
    annotation = completed["choices"][0]["message"]["annotations"][0]
    link = urlsplit(annotation["url_citation"]["url"])
    new, key = {"assistant_id": assistant["id"]}, {"Idempotency-Key": "once"}
    made = user.post(f"{API}/chat/", json=new, headers=key)
    assert user.post(f"{API}/chat/", json=new, headers=key).json() == made.json()
    page = f"{API}/assistants/{assistant['id']}/"
    places = ("/v1/models", page, "/v1/files", f"{API}/usage/", made.json()["absolute_url"])
    with server.client() as browser:
        original = f"{link.path}?{link.query}"
        assert browser.get(original).status_code == 200
        users(server, "suspend", name)
        assert browser.get(original).status_code == 404
        assert user.post(f"{API}/chat/", json=new, headers=key).status_code == 401
        assert {user.get(place).status_code for place in places} == {401}
        users(server, "resume", name)
        assert browser.get(original).status_code == 200
        assert user.get(page).status_code == 200
