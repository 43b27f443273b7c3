"""The database is killed and comes back while runs are in work: nothing is done by halves."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import psycopg
import pytest

from aiconvokit import schema
from aiconvokit.embedded_postgres import EmbeddedPostgres
from fake_model.server import FakeModel
from support.official import official
from support.server import data_folder, running_server
from support.waiting import eventually

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

SLOW = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.3"}
ANSWER = "word " * 30
"""Nine seconds: the database is away for some of them."""
SAID: Any = [{"role": "user", "content": "Who?"}]
TABLES = ("thread", "message", "run", "assistant", "collection")


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """Without a database; behind the block it is there again, as after a power cut."""
    pid = (folder / "data/postgres/postmaster.pid").read_text().split()[0]
    os.kill(int(pid), signal.SIGQUIT)
    try:
        yield
    finally:
        EmbeddedPostgres(folder / "data").start()


def rows(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        found = [connection.execute(f'SELECT count(*) FROM "{one}"').fetchone() for one in TABLES]  # noqa: S608  # ours
    return [one[0] for one in found if one]


def refused(client: openai.OpenAI, path: str, body: dict[str, Any]) -> None:
    """Every POST is told that the database is away, and when to come again."""
    with pytest.raises(openai.InternalServerError) as error:
        client.post(path, body=body, cast_to=object)
    assert (error.value.status_code, error.value.code) == (503, "database_unavailable")
    assert error.value.response.headers["retry-after"] == "5"


def has_ended(client: openai.OpenAI, thread_id: str) -> bool:
    (run,) = client.beta.threads.runs.list(thread_id).data
    return run.status in {"completed", "failed"}


def test_runs_end_without_their_database(fake: FakeModel) -> None:
    fake.script(ANSWER)
    with data_folder() as folder, EmbeddedPostgres(folder / "data") as url:
        schema.upgrade(url)
        with (
            running_server(url, fake.base_url, "--no-worker", environment=SLOW) as server,
            server.login("ann") as ann,
            official(server, ann) as client,
        ):
            threads, runs = client.beta.threads, client.beta.threads.runs
            assistant_id = client.beta.assistants.create(model="m").id
            told, other, idle = (threads.create(messages=SAID).id for _ in range(3))
            quiet = runs.create(thread_id=other, assistant_id=assistant_id).id
            events: list[str] = []

            def listen() -> None:
                with runs.create(thread_id=told, assistant_id=assistant_id, stream=True) as stream:
                    events.extend(one.event for one in stream)

            listener = threading.Thread(target=listen)
            listener.start()
            eventually(lambda: "thread.message.delta" in events)
            before = rows(url)
            with away(folder):
                refused(client, "/threads", {})
                refused(client, f"/threads/{idle}/runs", {"assistant_id": assistant_id})
                refused(client, f"/threads/{idle}/messages", SAID[0])
                refused(client, f"/threads/{other}/runs/{quiet}/cancel", {})
            listener.join()
            # Which, is a matter of when the database was back: an answer is stored at its end.
            assert events[-1] in {"thread.run.completed", "thread.run.failed", "error"}
            eventually(lambda: has_ended(client, told) and has_ended(client, other))
            assert rows(url) == before
            fake.script("Short.")
            for thread in (told, other, idle):
                threads.messages.create(thread, role="user", content="And now?")
                again = runs.create_and_poll(thread_id=thread, assistant_id=assistant_id)
                assert again.status == "completed"
