"""Visitors of a widget, as their browsers would talk to the server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from support.server import API, Client, Server

SITE = "https://www.example.org"
TEXT = b"""# Supply contract

## Price

The price of one pump is EUR 1,250 until 31 December 2026.

## Term

The contract ends on 30 June 2028.
"""
QUESTION = "When does the contract end?"
REPLY = "The contract ends on 30 June 2028. [1]"

CALLS: tuple[tuple[str, str, object], ...] = (
    ("GET", "messages/", None),
    ("POST", "messages/", {"input": "Who?"}),
    ("PUT", "messages/msg_x/rating/", {"rating": 1}),
    ("POST", "restart/", {}),
)
"""Of a session, once it was begun."""


def widget(owner: Client, assistant: int, **fields: object) -> dict[str, Any]:
    """A new widget that may stand on `SITE`."""
    new = {"assistant_id": assistant, "origins": [SITE], **fields}
    answer = owner.post(f"{API}/widgets/", json=new)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def change(owner: Client, widget_id: int, **fields: object) -> None:
    """Change some of a widget's fields."""
    answer = owner.put(f"{API}/widgets/{widget_id}/", json=fields)
    assert answer.status_code == 200, answer.text


def usage(owner: Client, widget_id: int) -> dict[str, int]:
    """What was spent today."""
    found: dict[str, int] = owner.get(f"{API}/widgets/{widget_id}/").json()["usage"]
    return found


@dataclass(frozen=True, slots=True)
class Sent:
    """One server-sent event."""

    name: str
    data: dict[str, Any]


def events(response: httpx.Response) -> Iterator[Sent]:
    """Events as they come."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Sent(name, json.loads(line.removeprefix("data: ")))


@dataclass(slots=True)
class Visitor:
    """A browser with one widget's page open; each call is a connection of its own."""

    server: Server
    key: str
    origin: str = SITE
    visitor: str | None = None
    token: str = ""
    begun: dict[str, Any] = field(default_factory=dict)

    def begin(self) -> httpx.Response:
        """Ask for a session."""
        body = {"origin": self.origin} | ({"visitor": self.visitor} if self.visitor else {})
        with self.server.client() as client:
            answer = client.post(self.path("session/"), json=body)
        if answer.is_success:
            self.begun = answer.json()
            self.token = self.begun["token"]
        return answer

    def path(self, rest: str) -> str:
        """An address below the widget's."""
        return f"/embed/{self.key}/{rest}"

    def request(
        self, method: str, rest: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """A call with the session's token."""
        headers = {"Authorization": f"Visitor {self.token}", **headers}
        with self.server.client(**headers) as client:
            return client.request(method, self.path(rest), json=body)

    def post(self, question: str = QUESTION) -> httpx.Response:
        """Ask; the whole stream, or the refusal."""
        return self.request("POST", "messages/", {"input": question})

    def ask(self, question: str = QUESTION) -> list[Sent]:
        """Ask and be answered."""
        answer = self.post(question)
        assert answer.status_code == 200, answer.text
        return list(events(answer))

    @contextmanager
    def streamed(self, question: str = QUESTION) -> Iterator[httpx.Response]:
        """Ask, and read as it comes."""
        with (
            self.server.client(Authorization=f"Visitor {self.token}") as client,
            client.stream("POST", self.path("messages/"), json={"input": question}) as response,
        ):
            yield response

    def history(self) -> list[dict[str, Any]]:
        """What was said."""
        found: list[dict[str, Any]] = self.reloaded()["messages"]
        return found

    def reloaded(self) -> dict[str, Any]:
        """What a page that is loaded again goes on with."""
        answer = self.request("GET", "messages/")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def visitor(server: Server, key: str, name: str | None = None, origin: str = SITE) -> Visitor:
    """A visitor whose session was begun."""
    found = Visitor(server, key, origin=origin, visitor=name)
    answer = found.begin()
    assert answer.status_code == 200, answer.text
    return found


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """A refusal with its code and a sentence."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["detail"]
    assert answer.headers["cache-control"] == "no-store"


def is_waiting(database: str) -> bool:
    """Whether somebody waits for a lock there."""
    waiting = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(sql(database, waiting))


def sql(database: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the database itself."""
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(statement, values)
        return found.fetchall() if found.description else []
