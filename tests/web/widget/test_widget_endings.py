"""What is deleted ends its visitors' sessions, also while they ask."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import pytest

from fake_model.server import FakeModel
from support.server import API, Client, Server
from support.starter import run
from web.widget.visitors import CALLS, TEXT, Visitor, refused, sql, visitor, widget

_numbers = count(1)
MANY = 65_536
"""One more than the parameters that the protocol of Postgres counts in 16 bits."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of a test's own."""

    name: str
    client: Client


@pytest.fixture
def doomed(server: Server) -> Iterator[Owner]:
    name = f"doomed{next(_numbers)}"
    with server.login(name) as client:
        yield Owner(name, client)


def users(server: Server, action: str, name: str) -> None:
    """The command, with the server's own environment."""
    done = run(["users", action, name], server.process.environment, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", ["widget", "assistant", "user", "suspended"])
def test_what_is_deleted_ends_its_sessions(
    server: Server, doomed: Owner, fake: FakeModel, database: str, what: str
) -> None:
    owner = doomed.client
    assistant = owner.assistant(contract_md=TEXT)["id"]
    made = widget(owner, assistant)
    ada = visitor(server, made["key"])
    ada.ask()
    if what == "widget":
        owner.delete(f"{API}/widgets/{made['id']}/")
    elif what == "assistant":
        owner.delete(f"{API}/assistants/{assistant}/")
    else:
        users(server, "delete" if what == "user" else "suspend", doomed.name)
    asked = len(fake.chats())
    for method, path, body in CALLS:
        refused(ada.request(method, path, body), 401, "session_ended")
    refused(Visitor(server, made["key"]).begin(), 403, "origin_not_allowed")
    assert len(fake.chats()) == asked
    if what == "suspended":
        return
    assert sql(database, "SELECT id FROM widget_session WHERE widget_id = %s", made["id"]) == []
    threads = 'SELECT t.id FROM thread t JOIN "user" u ON u.id = t.owner_id WHERE u.username = %s'
    assert sql(database, threads, doomed.name) == []


def test_a_widget_with_more_conversations_than_a_statement_has_parameters(
    doomed: Owner, database: str
) -> None:
    assistant = doomed.client.assistant()["id"]
    made = widget(doomed.client, assistant)
    sql(
        database,
        'WITH named AS (SELECT id FROM "user" WHERE username = %s), threads AS ('
        "  INSERT INTO thread (public_id, owner_id, origin)"
        "  SELECT 'thread_' || %s || n, named.id, 'widget' FROM named, generate_series(1, %s) n"
        "  RETURNING id),"
        " chats AS (INSERT INTO chat (thread_id, assistant_id)"
        "  SELECT id, %s FROM threads RETURNING id)"
        " INSERT INTO widget_chat (chat_id, widget_id, visitor) SELECT id, %s, 'v' FROM chats",
        doomed.name,
        doomed.name,
        MANY,
        assistant,
        made["id"],
    )
    gone = doomed.client.delete(f"{API}/widgets/{made['id']}/")
    assert gone.status_code == 204, gone.text
    left = "SELECT id FROM chat WHERE assistant_id = %s"
    assert sql(database, left, assistant) == []


def test_deleting_while_visitors_ask_ends_in_answers(
    server: Server, doomed: Owner, fake: FakeModel, database: str
) -> None:
    """Whoever comes late is told that it is over; nobody waits for ever, and nothing stays."""
    owner = doomed.client
    with ThreadPoolExecutor(10) as pool:
        for number in range(6):
            assistant = owner.assistant()["id"]
            made = widget(owner, assistant)
            crowd = [visitor(server, made["key"]) for _ in range(6)]
            path = f"widgets/{made['id']}/" if number % 2 else f"assistants/{assistant}/"
            begun = [pool.submit(one.post) for one in crowd[:3]]
            begun += [pool.submit(owner.delete, f"{API}/{path}")]
            begun += [pool.submit(one.post) for one in crowd[3:]]
            begun += [pool.submit(Visitor(server, made["key"]).begin)]
            statuses = {one.result().status_code for one in begun}
            assert statuses <= {200, 204, 401, 403, 404}
            refused(crowd[0].post(), 401, "session_ended")
    threads = 'SELECT t.id FROM thread t JOIN "user" u ON u.id = t.owner_id WHERE u.username = %s'
    assert sql(database, threads, doomed.name) == []
