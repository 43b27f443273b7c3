"""A server is backed up while people work on it, and is the same in another place."""

import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deletion.everywhere import data_of, told_to
from deletion.story import OTHER, Story
from fake_model.server import FakeModel
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

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")

# What is made anew each time it is asked for: the key of a link, which says until when it is good.
FLEETING = re.compile(r"key=[\w-]+")


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@dataclass
class Writer:
    """Somebody who goes on making and deleting assistants with a document in a chat."""

    client: Client
    made: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Beside the block."""
        end = threading.Event()
        thread = threading.Thread(target=self._work, args=[end])
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
        assert not self.errors, self.errors
        assert self.deleted, "nothing was done meanwhile"

    def _work(self, end: threading.Event) -> None:
        try:
            while not end.is_set():
                self.once()
        except (AssertionError, httpx.HTTPError) as error:  # told where the thread is waited for
            self.errors.append(error)

    def once(self) -> None:
        """A turn: two assistants more, one of which goes again."""
        for number in range(2):
            text = f"# Note\n\nNote {len(self.made)}, {number}.\n".encode()
            files = {"files": ("note.md", text)}
            fields = {"name": "Notes", "company_name": "Acme", "instructions": "Be brief."}
            answer = self.client.post(f"{API}/assistants/", data=fields, files=files)
            assert answer.status_code == 201, answer.text
            self.made.append(answer.json()["id"])
            self.client.chat(self.made[-1])
        gone = self.made.pop()
        assert self.client.delete(f"{API}/assistants/{gone}/").status_code == 204
        self.deleted.append(gone)


def all_told(story: Story, server: Server) -> list[str]:
    """What every GET answers, and a search, on one server or the other."""
    with server.client(Authorization=story.user.headers["authorization"]) as user:
        told = [*told_to(user, story.addresses), user.get(f"{API}/tokens/").text]
        path = f"{API}/assistants/{story.assistant}/search/"
        told.append(user.post(path, json={"query": "ledger vault", "limit": 50}).text)
        visitors = [replace(one, server=server) for one in story.visitors]
        told += [str(one.request("GET", "messages/").text) for one in visitors]
    return [FLEETING.sub("", one.replace(server.base_url, "")) for one in told]


def command(environment: dict[str, str], *arguments: str) -> str:
    """What a command says that works."""
    done = run(arguments, environment, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_restored_server_is_the_same(
    server: Server, database: str, fake: FakeModel, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    with server.login("ann") as user, official(server, user) as client, server.login("bob") as bob:
        story = Story(server, database, fake, user, client, "quillworth")
        story.tell()
        writer = Writer(bob)
        writer.once()
        before, last = all_told(story, server), writer.deleted[-1]
        own = server_environment("", database, fake.base_url)
        own["AICONVOKIT_DATA_DIR"] = str(data_of(server))
        with writer.at_work():
            said = command(own, "backup", str(file))
        assert "originals" in said
        assert sum("quillworth" in one for one in before) > 20
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    with data_folder() as folder:
        # Without a DATABASE_URL: an embedded Postgres of its own.
        new = server_environment(str(folder), "", fake.base_url)
        assert "Everything is there, and nothing else." in command(new, "restore", str(file))
        told: dict[str, Any] = {
            "AICONVOKIT_DATA_DIR": new["AICONVOKIT_DATA_DIR"],
            "AICONVOKIT_CHAT_MODEL": "fake",
        }
        with running_server("", fake.base_url, environment=told) as restored:
            assert all_told(story, restored) == before
            goes_on(restored, story, writer.made[0], last)


def goes_on(server: Server, story: Story, kept: int, deleted: int) -> None:
    """Everybody works on: with the old password, on new ids, with what was there."""
    with server.client() as door:
        login = {"username": "bob", "password": PASSWORD}
        token = door.post(f"{API}/tokens/", json=login).json()["token"]
    with server.client(Authorization=f"Token {token}") as bob:
        there = {one["id"] for one in bob.get(f"{API}/assistants/").json()}
        assert (kept in there, deleted in there) == (True, False)
        new = bob.assistant("New", canteen_md=OTHER)
        assert new["id"] > max(there | {deleted})
        assert new["documents"][0]["status"] == "ready"
        for one in there:  # what waited to be read then is read
            assert bob.read(one)["documents"][0]["status"] == "ready"
    story.fake.script(f"{story.fact} [1]")
    with server.client(Authorization=story.user.headers["authorization"]) as ann:
        answer = ann.ask(story.chats[0], story.assistant, "Where is the ledger kept since 2011?")
        assert answer["citations"], answer
