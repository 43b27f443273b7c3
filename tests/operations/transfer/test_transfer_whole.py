"""A filled server's user moves to an empty server: everything that could be read can be read."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB

from aiconvokit import schema
from deletion.everywhere import data_of
from deletion.story import OTHER, Story, pdf
from fake_model.server import FakeModel
from operations.transfer.addresses import GAP, READ, addresses, unknown
from security.test_matrix import digests
from support.databases import clone
from support.locked_pdf import locked
from support.official import official
from support.server import (
    API,
    PASSWORD,
    Client,
    Server,
    data_folder,
    running_server,
    server_environment,
)
from support.starter import run
from support.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")

# What is made anew each time it is asked for: the key of a link, which says until when it is good.
FLEETING = re.compile(rb"key=[\w-]+")


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


def answered(user: Client, method: str, path: str, **body: Any) -> Any:
    answer = user.request(method, path, **body)
    assert answer.is_success, (path, answer.text)
    return answer.json() if answer.content else None


def fill(story: Story) -> None:
    """All that the story leaves out: stores, batches, attributes, ratings, failures, deletions."""
    user = story.user
    story.tell()
    visitor = story.visitors[0]
    rated = f"messages/{visitor.history()[-1]['id']}/rating/"
    assert visitor.request("PUT", rated, {"rating": 1}).is_success
    answered(user, "PUT", f"{API}/chat/{story.chats[0]}/title/", json={"title": "The ledger"})
    upload = {"file": ("canteen.md", OTHER)}
    file = answered(user, "POST", "/v1/files", files=upload, data={"purpose": "assistants"})["id"]
    expires = {"anchor": "last_active_at", "days": 9}
    new = {"name": "Canteen", "metadata": {"a": "b"}, "expires_after": expires}
    store = answered(user, "POST", "/v1/vector_stores", json=new)["id"]
    path = f"/v1/vector_stores/{store}"
    said = {"file_id": file, "attributes": {"year": 2026, "is_open": True, "share": 0.5}}
    answered(user, "POST", f"{path}/file_batches", json={"files": [said]})
    eventually(lambda: answered(user, "GET", path)["file_counts"]["completed"] == 1)
    resources = {"file_search": {"vector_store_ids": [store]}}
    chef = {"name": "Chef", "model": "m", "tools": [{"type": "file_search"}], "temperature": 0.5}
    chef |= {"tool_resources": resources, "instructions": "Be kind.", "metadata": {"x": "y"}}
    answered(user, "POST", "/v1/assistants", json=chef)
    attached = {"file_id": file, "tools": [{"type": "file_search"}]}
    message = {"role": "user", "content": "When is lunch?", "attachments": [attached]}
    threads = [
        answered(user, "POST", "/v1/threads", json={"messages": [message], "metadata": {"t": "u"}})
        for _ in range(2)
    ]
    answered(user, "DELETE", f"/v1/threads/{threads[1]['id']}")
    _respond(user, story)
    files = [("files", ("broken.pdf", b"%PDF-1.4 broken")), ("files", ("locked.pdf", locked("x")))]
    made = user.post(f"{API}/assistants/{story.assistant}/documents/", files=files)
    assert made.status_code == 201, made.text
    _open(user, story)
    german = {"language": "german"}
    answered(user, "PUT", f"{API}/assistants/{story.assistant}/retrieval/", json=german)
    eventually(lambda: not _retrieval(user, story)["language_changing"])
    _replace_with_nonsense(user)
    _delete_one(story)


def _respond(user: Client, story: Story) -> None:
    """Responses: one by itself, one behind it, and one in a conversation."""
    asked = {"model": story.made["openai_id"], "input": "Where is the ledger kept since 2011?"}
    first = answered(user, "POST", "/v1/responses", json=asked)["id"]
    answered(user, "POST", "/v1/responses", json={**asked, "previous_response_id": first})
    conversation = answered(user, "POST", "/v1/conversations", json={"metadata": {"a": "b"}})["id"]
    answered(user, "POST", "/v1/responses", json={**asked, "conversation": conversation})


def _retrieval(user: Client, story: Story) -> dict[str, Any]:
    found: dict[str, Any] = answered(user, "GET", f"{API}/assistants/{story.assistant}/retrieval/")
    return found


def _open(user: Client, story: Story) -> None:
    """A document with a password, which is said."""
    found = user.read(story.assistant)["documents"]
    [one] = [one for one in found if one["filename"] == "locked.pdf"]
    assert one["error"]["code"] == "encrypted"
    answered(user, "PUT", one["url"], json={"password": "x"})
    user.read(story.assistant)


def _replace_with_nonsense(user: Client) -> None:
    """A document whose newest version cannot be read: the one before is searched."""
    made = user.assistant("Leases", lease_pdf=pdf("The rent of flat nine is EUR 900 a month."))
    files = {"files": ("lease.pdf", b"%PDF-1.4 broken")}
    user.post(f"{API}/assistants/{made['id']}/documents/", files=files)
    [one] = user.read(made["id"])["documents"]
    assert (one["status"], one["version"]) == ("failed", 2), one


def _delete_one(story: Story) -> None:
    """A document that an answer cites is deleted: the answer is redacted."""
    user = story.user
    made = user.assistant("Gone", gone_md=b"# Gone\n\nThe safe opens with the number 4711.\n")
    story.fake.script("The safe opens with the number 4711. [1]")
    said = user.ask(user.chat(made["id"]), made["id"], "With what does the safe open?")
    assert said["citations"], said
    assert user.delete(made["documents"][0]["url"]).status_code == 204
    other = user.assistant("Other")
    assert user.delete(f"{API}/assistants/{other['id']}/").status_code == 204


def told(user: Client, wanted: list[str]) -> dict[str, tuple[int, str, bytes]]:
    """What is answered at some addresses, whatever the server is called."""
    found = {}
    own = str(user.base_url).rstrip("/").encode()
    for address in wanted:
        answer = user.get(address)
        body = FLEETING.sub(b"", answer.content.replace(own, b""))
        found[address] = answer.status_code, answer.headers["content-type"], body
    return found


def searched(user: Client, story: Story) -> Any:
    path = f"{API}/assistants/{story.assistant}/search/"
    found = answered(user, "POST", path, json={"query": "ledger vault rent", "limit": 50})
    assert len(found["results"]) > 2
    return str(found).replace(str(user.base_url).rstrip("/"), "")


def command(environment: dict[str, str], *arguments: str, said: str = "") -> str:
    done = run(arguments, environment, timeout=120, said=said)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Move:
    """The story's user on the old server and on the new one, with the folder between them."""

    story: Story
    old: Client
    new: Client
    database: str
    """The old one."""
    folder: Path
    environment: dict[str, str]
    """Of commands on the new server."""


@pytest.fixture(scope="module")
def moved(
    server: Server, database: str, fake_server: FakeModel, cluster_url: str
) -> Iterator[Move]:
    fake_server.reset()
    with (
        data_folder() as folder,
        server.login("ann") as user,
        official(server, user) as client,
    ):
        story = Story(server, database, fake_server, user, client, "quillworth")
        fill(story)
        own = server_environment("", database, fake_server.base_url)
        own["AICONVOKIT_DATA_DIR"] = str(data_of(server))
        command(own, "export", "--user", "ann", str(folder / "out"))
        url = clone(cluster_url)
        environment = server_environment(str(folder), url, fake_server.base_url)
        command(environment, "users", "create", "ann", said=f"{PASSWORD}\n")
        command(environment, "import", str(folder / "out"))
        settings = {"AICONVOKIT_DATA_DIR": environment["AICONVOKIT_DATA_DIR"]}
        settings["AICONVOKIT_CHAT_MODEL"] = "fake"
        with running_server(url, fake_server.base_url, environment=settings) as other:
            login = {"username": "ann", "password": PASSWORD}
            with other.client() as door:
                token = door.post(f"{API}/tokens/", json=login).json()["token"]
            with other.client(Authorization=f"Token {token}") as new:
                yield Move(story, user, new, database, folder / "out", environment)


def test_everything_is_told_as_before(moved: Move) -> None:
    described = moved.old.get("/schema/openapi.json").json()["paths"]
    paths = {path: found for path, found in described.items() if "get" in found}
    _say_the_password(moved)
    assert unknown(paths) == set(), "say in addresses.py with what it is compared"
    wanted = sorted(addresses(moved.database, paths))
    with ThreadPoolExecutor(2) as both:  # each server has a processor
        before, after = both.map(told, (moved.old, moved.new), (wanted, wanted))
    different = {one: (before[one], after[one]) for one in wanted if before[one] != after[one]}
    assert different == {}, next(iter(different.items()))
    read = {GAP.sub("{}", path) for path in paths if path in READ}
    answered_well = sum(status == 200 for status, _, _ in before.values())
    assert answered_well > 2 * len(read), answered_well


def _say_the_password(moved: Move) -> None:
    """It stays behind: what it opens is searched and cited, and drawn once it is said again."""
    [one] = [
        one
        for one in moved.new.read(moved.story.assistant)["documents"]
        if one["filename"] == "locked.pdf"
    ]
    assert one["status"] == "ready"
    assert moved.new.get(f"{one['url']}pages/1/picture/").json()["code"] == "encrypted"
    answered(moved.new, "PUT", one["url"], json={"password": "x"})


def test_every_table_comes_or_is_named(moved: Move) -> None:
    old, new = (rows_of(url) for url in (moved.database, moved.environment["DATABASE_URL"]))
    for table, rows in old.items():
        assert rows, f"nothing of {table} was there to come"
        assert new[table] == rows, table


STAYS_BEHIND = {
    "user": "the account is the new server's own",
    "token": "credentials",
    "invitation": "credentials",
    "widget_session": "credentials of visitors",
    "audit_event": "what was done on that server",
    "rate_bucket": "of no use an hour later",
    "idempotency": "of no use a day later",
    "endpoint": "what that server's models are like",
    "embedding_space": "the new server's models have their own",
    "chunk_stage": "what is read is read again",
    "bm25": "made anew from the passages",
    "lexeme": "made anew from the passages",
    "lexical_block": "made anew from the passages",
    "lexical_column": "made anew from the passages",
}
"""Tables that do not come, each with the reason. Columns below are the new server's own."""
ITS_OWN = {
    "chunk": {"id"},
    "collection": {
        *("space_id", "indexed_space_id", "previous_space_id", "next_space_id"),
        "removed_since_indexed",
    },
    "document": {"password", "updated_at"},
    "thread": {"lease_token", "lease_expires_at"},
}


def rows_of(url: str) -> dict[str, list[str]]:
    """By table that comes: its rows, without the columns that are a server's own."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in schema.metadata.sorted_tables:
            if table.name in STAYS_BEHIND:
                continue
            own = ITS_OWN.get(table.name, set())
            columns = [_told(one) for one in table.columns if one.name not in own]
            wanted = sql.SQL(", ").join(columns)
            asked = sql.SQL("SELECT CAST(ROW({}) AS text) FROM {} ORDER BY 1")
            rows = connection.execute(asked.format(wanted, sql.Identifier(table.name)))
            found[table.name] = [row[0] for row in rows]
    return found


def _told(column: Column[Any]) -> sql.Composable:
    """A null of JSON is none of SQL; they are read alike."""
    name = sql.Identifier(column.name)
    is_json = isinstance(column.type, JSONB)
    return sql.SQL("nullif({}, 'null')").format(name) if is_json else name


def test_nothing_secret_is_in_it(moved: Move) -> None:
    said = "\n".join(path.read_text() for path in moved.folder.glob("*.json*"))
    token = moved.old.headers["authorization"].split()[1]
    assert "had_password" in said
    for secret in (PASSWORD, token, "argon2", '"password"', "acw_vs_"):
        assert secret not in said
    assert {path.stat().st_mode & 0o077 for path in moved.folder.rglob("*") if path.is_file()} == {
        0
    }


def test_it_is_searched_and_goes_on(moved: Move) -> None:
    story, new = moved.story, moved.new
    assert searched(new, story) == searched(moved.old, story)
    done = run(["check"], moved.environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    story.fake.script(f"{story.fact} [1]")
    said = new.ask(story.chats[0], story.assistant, "Where is the ledger kept since 2011?")
    assert said["citations"], said
    made = new.assistant("New", canteen_md=OTHER)
    old = {one["id"] for one in moved.old.get(f"{API}/assistants/").json()}
    assert made["id"] > max(old)


def test_twice_is_once(moved: Move) -> None:
    url = moved.environment["DATABASE_URL"]
    before = digests(url)
    done = run(["import", str(moved.folder)], moved.environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Imported: nothing." in done.stdout
    assert digests(url) == before
