"""A process that is asked to stop: what is in work ends, and nothing is lost or counted twice."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import (
    API,
    Client,
    Server,
    data_folder,
    running_server,
    server_environment,
)
from support.starter import start
from support.waiting import eventually
from web.widget.visitors import Visitor, visitor, widget

DRIP = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.1"}
SHORT, LONG = "Word and " * 20, "On and on. " * 300
"""A few seconds, and far more than a server waits for."""
QUESTION = "Who?"
SLOW = {"AICONVOKIT_EMBEDDING_MODEL": "fake@700"}
PAGES = b"\n\n".join(b"Paragraph %d: the quick brown fox jumps. " % n * 60 for n in range(60))


@dataclass
class Listener:
    """Reads one stream to its end in a thread of its own."""

    open: Callable[[], Any]
    """A context that yields the response."""
    lines: list[str] = field(default_factory=list)
    broke: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        eventually(lambda: len(self.lines) > 2 or bool(self.broke))

    def _read(self) -> None:
        try:
            with self.open() as response:
                assert response.status_code == 200, response.read()
                self.lines.extend(one for one in response.iter_lines() if one)
        except (httpx.HTTPError, AssertionError) as error:
            self.broke.append(error)

    def end(self) -> str:
        """Its last lines, as soon as it ended as a stream should."""
        self._thread.join(60)
        assert not self.broke, self.broke
        return "\n".join(self.lines[-3:])


def streams(client: Client, made: dict[str, Any], ada: Visitor) -> dict[str, Callable[[], Any]]:
    """Every surface's way to ask for a stream."""
    thread = client.post("/v1/threads", json={"messages": [{"role": "user", "content": QUESTION}]})
    run = {"assistant_id": made["openai_id"], "stream": True}
    asked = {"model": made["openai_id"], "messages": [{"role": "user", "content": QUESTION}]}
    response = {"model": made["openai_id"], "input": QUESTION, "stream": True}
    return {
        "chat": chat_stream(client, made["id"]),
        "completion": lambda: client.stream(
            "POST", "/v1/chat/completions", json={**asked, "stream": True}
        ),
        "run": lambda: client.stream("POST", f"/v1/threads/{thread.json()['id']}/runs", json=run),
        "response": lambda: client.stream("POST", "/v1/responses", json=response),
        "widget": ada.streamed,
    }


def chat_stream(client: Client, assistant: int) -> Callable[[], Any]:
    path = f"{API}/chat/{client.chat(assistant)}/"
    body = {"assistant_id": assistant, "input": QUESTION, "stream": True}
    return lambda: client.stream("PUT", path, json=body)


def is_refused(server: Server) -> bool:
    try:
        httpx.get(f"{server.base_url}/health/live", trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def test_streams_end_with_a_last_event(cluster_url: str, fake: FakeModel) -> None:
    database = clone(cluster_url)
    with (
        running_server(database, fake.base_url, environment=DRIP) as server,
        server.login("ann") as client,
    ):
        made = client.assistant()
        ada = visitor(server, widget(client, made["id"])["key"])
        opened = streams(client, made, ada)
        fake.script(LONG)
        long = {name: Listener(one) for name, one in opened.items()}
        fake.script(SHORT)
        short = Listener(chat_stream(client, made["id"]))
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: is_refused(server))
        assert "event: done" in short.end()
        assert server.process.poll() is None, "the others are waited for"
        server.process.send_signal(signal.SIGTERM)
        ends = {name: one.end() for name, one in long.items()}
        assert server.process.wait(60) == 0
        assert {name: "server_stopping" in end for name, end in ends.items()} == dict.fromkeys(
            ends, True
        ), ends
    with psycopg.connect(database) as connection:
        statuses = connection.execute(
            "SELECT status, count(*) FROM message WHERE role = 'assistant' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        held = connection.execute("SELECT count(lease_token) FROM thread").fetchone()
    assert (statuses, held) == ([("complete", 1), ("interrupted", 4)], (0,))


@pytest.mark.parametrize("command", ["worker", "serve"])
def test_a_stopped_worker_burns_no_attempt(cluster_url: str, fake: FakeModel, command: str) -> None:
    database = clone(cluster_url)
    with data_folder() as folder:
        environment = server_environment(str(folder), database, fake.base_url) | SLOW
        with (
            running_server(
                database, fake.base_url, "--no-worker", environment=environment
            ) as server,
            server.login("ann") as client,
        ):
            files = [("files", ("long.txt", PAGES))]
            new = {"name": "Long", "company_name": "Acme", "instructions": "Be brief."}
            client.post(f"{API}/assistants/", data=new, files=files)
        arguments = [command, *(["--port", "0"] if command == "serve" else [])]
        for _ in range(2):  # the second time it is taken up again
            before = count(database, "chunk_stage")
            process = start(arguments, environment, Path(folder) / "log")
            try:
                eventually(lambda: count(database, "chunk_stage") > before)  # noqa: B023  # called here
                assert attempts(database) == [(0, None)]
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
            finally:
                process.kill()
            assert attempts(database) == []
        log = (Path(folder) / "log").read_text()
    assert "Traceback" not in log, log
    with psycopg.connect(database) as connection:
        document = connection.execute("SELECT status, error_code FROM document").fetchall()
    assert document == [("processing", None)]


def count(database: str, table: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # ours
    return int(row[0]) if row else 0


def attempts(database: str) -> list[tuple[int, object]]:
    """Of the jobs that wait or run: tries of their own, and those of jobs before."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT attempts, args -> 'burned' FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing')"
        ).fetchall()
