"""Who did what: written with what it tells of, read by administrators, and nothing else in it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
import pytest

from contract.rows import row
from contract.wire import exactly
from support.server import API, PASSWORD, Client, Server
from support.starter import run

AUDIT = f"{API}/audit/"
TEXT = b"# Report\n\nThe marmalade vault holds 1,204 jars.\n"
_numbers = count(1)


@pytest.fixture(scope="module")
def root(server: Server, contract_database: str) -> Iterator[Client]:
    """An administrator of the shared server."""
    with server.login("auditor") as client:
        sql(contract_database, "UPDATE \"user\" SET is_admin = true WHERE username = 'auditor'")
        yield client


@pytest.fixture
def name() -> str:
    return f"actor{next(_numbers)}"


@pytest.fixture
def actor(server: Server, name: str) -> Iterator[Client]:
    with server.login(name) as client:
        yield client


def sql(database: str, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(statement, values)
        return found.fetchall() if found.description else []


def told(root: Client, name: str, **query: str) -> list[dict[str, Any]]:
    """What somebody did, oldest first."""
    found = root.get(AUDIT, params={"actor": name, **query})
    assert found.status_code == 200, found.text
    events: list[dict[str, Any]] = found.json()
    return events[::-1]


def does_much(client: Client) -> list[str]:
    """Do all that is written down; the ids of the objects, and secrets and words at the end."""
    made = client.assistant(report_md=TEXT)
    document = made["documents"][0]
    own = f"{API}/assistants/{made['id']}/"
    assert client.delete(f"{own}documents/{document['id']}/").status_code == 204
    token = client.post(f"{API}/users/me/tokens/", json={"name": "Secret script"}).json()
    assert client.delete(f"{API}/tokens/{token['id']}/").status_code == 204
    widget = client.post(f"{API}/widgets/", json={"assistant_id": made["id"]}).json()
    place = f"{API}/widgets/{widget['id']}/"
    assert client.put(place, json={"title": "Ask us"}).status_code == 200
    assert client.delete(place).status_code == 204
    assert client.delete(own).status_code == 204
    other = {"password": PASSWORD, "new_password": "an even longer passphrase"}
    assert client.put(f"{API}/users/me/password/", json=other).status_code == 204
    ids = [made["id"], document["id"], token["id"], widget["id"]]
    return [*map(str, ids), token["token"], widget["key"]]


@row("audit")
def test_what_somebody_does_is_written_down(root: Client, actor: Client, name: str) -> None:
    user = str(actor.get(f"{API}/users/me/").json()["id"])
    assistant, document, token, widget, *secrets = does_much(actor)
    events = told(root, name)
    login = events[1]["object_id"]
    assert [(one["action"], one["object_kind"], one["object_id"]) for one in events] == [
        ("user.created", "user", user),
        ("login", "token", login),
        ("assistant.created", "assistant", assistant),
        ("document.deleted", "document", document),
        ("token.created", "token", token),
        ("token.revoked", "token", token),
        ("widget.created", "widget", widget),
        ("widget.changed", "widget", widget),
        ("widget.deleted", "widget", widget),
        ("vector_store.deleted", "vector_store", events[9]["object_id"]),
        ("assistant.deleted", "assistant", assistant),
        ("user.password_changed", "user", user),
    ]
    assert {(one["actor_id"], one["address"]) for one in events} == {(int(user), "127.0.0.1")}
    assert all(one["at"].endswith("Z") for one in events)
    everything = root.get(AUDIT).text
    bearer = actor.headers["authorization"].removeprefix("Token ")
    words = [*secrets, bearer, PASSWORD, "marmalade", "report.md", "Secret script", "Ask us"]
    assert [one for one in words if one in everything] == []


@row("audit")
def test_the_other_surface_is_written_down_as_well(
    root: Client, actor: Client, name: str, contract_database: str
) -> None:
    made = actor.post("/v1/assistants", json={"model": "any", "name": "Mine"}).json()
    store = actor.post("/v1/vector_stores", json={}).json()
    assert actor.delete(f"/v1/vector_stores/{store['id']}").status_code == 200
    assert actor.delete(f"/v1/assistants/{made['id']}").status_code == 200
    done = [one["action"] for one in told(root, name)][2:]
    assert done == ["assistant.created", "vector_store.deleted", "assistant.deleted"]


@row("audit")
def test_what_is_refused_is_not_written_down(root: Client, actor: Client, name: str) -> None:
    assert actor.delete(f"{API}/assistants/999999/").status_code == 404
    assert actor.post(f"{API}/assistants/", json={"name": "No company"}).status_code == 400
    again = {"username": name, "password": PASSWORD}
    assert actor.post(f"{API}/users/", json=again).status_code == 400
    assert [one["action"] for one in told(root, name)] == ["user.created", "login"]


@row("audit")
def test_failed_logins_do_not_fill_the_table(
    root: Client, actor: Client, name: str, contract_database: str
) -> None:
    for _ in range(3):
        actor.post(f"{API}/tokens/", json={"username": name, "password": "wrong every time"})
    failed = told(root, name, action="login.failed")
    assert [(one["object_id"], one["address"]) for one in failed] == [(None, "127.0.0.1")]
    typed = "my password by mistake"
    actor.post(f"{API}/tokens/", json={"username": typed, "password": "x"})
    assert [one["actor_id"] for one in told(root, "?", action="login.failed")][-1:] == [None]
    assert sql(contract_database, "SELECT id FROM audit_event e WHERE e::text ~ 'mistake'") == []


@row("audit", "paging")
def test_it_is_read_page_by_page(root: Client, actor: Client, name: str) -> None:
    for _ in range(3):
        actor.post(f"{API}/tokens/", json={"username": name, "password": PASSWORD})
    whole = root.get(AUDIT, params={"actor": name}).json()
    page, seen = root.get(AUDIT, params={"actor": name, "limit": 2}), []
    while True:
        seen += page.json()
        if "next" not in page.links:
            break
        page = root.get(page.links["next"]["url"])
    assert len(seen) == 5
    assert seen == whole
    assert [one["id"] for one in seen] == sorted((one["id"] for one in seen), reverse=True)
    exactly(
        root.get(AUDIT, params={"limit": 0}),
        400,
        '{"limit":["Ensure this value is between 1 and 500."]}',
    )
    assert root.get(AUDIT, params={"action": "nothing.such"}).json() == []


def test_the_command_line_acts_and_reads(server: Server, actor: Client, name: str) -> None:
    environment = server.process.environment

    def command(*arguments: str) -> str:
        done = run(arguments, environment, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("users", "suspend", name)
    command("users", "resume", name)
    lines = [line.split("\t") for line in command("audit", "--actor", "command line").splitlines()]
    user = actor.get(f"{API}/users/me/").json()["id"]
    assert [line[1:] for line in lines if line[3] == f"user {user}"] == [
        ["command line", "user.suspended", f"user {user}", "-"],
        ["command line", "user.resumed", f"user {user}", "-"],
    ]
    assert command("audit", "--since", "2999-01-01", "--json") == ""
    first = command("audit", "--actor", name, "--json").splitlines()[0]
    assert f'"actor":"{name}","action":"user.created"' in first
    wrong = run(["audit", "--since", "yesterday"], environment, timeout=60)
    assert (wrong.returncode, "a date such as" in wrong.stderr) == (2, True)
