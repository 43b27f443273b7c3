"""The shipped server as a process of its own, and a client that speaks the documented wire."""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.starter import Process, start

API = "/api/v1"
PASSWORD = "correct horse battery"
READY_SECONDS = 60
INGEST_SECONDS = 120


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client(httpx.Client):
    """httpx against one server, with the calls that many tests begin with."""

    def assistant(self, name: str = "Reports", **files: bytes) -> dict[str, Any]:
        """A new assistant; keyword arguments are files by name, "_" for the last dot."""
        fields = {"name": name, "company_name": "Acme", "instructions": "Be brief."}
        parts = [("files", (_dotted(key), data)) for key, data in files.items()]
        answer = self.post(f"{API}/assistants/", data=fields, files=parts or None)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return self.read(made["id"]) if files else made

    def read(self, assistant_id: int) -> dict[str, Any]:
        """The assistant once none of its documents is in work any more."""
        deadline = time.monotonic() + INGEST_SECONDS
        while True:
            found: dict[str, Any] = self.get(f"{API}/assistants/{assistant_id}/").json()
            states = {document["status"] for document in found["documents"]}
            if states <= {"ready", "failed"}:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def chat(self, assistant_id: int) -> int:
        """A new chat's id."""
        answer = self.post(f"{API}/chat/", json={"assistant_id": assistant_id})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def ask(self, chat_id: int, assistant_id: int, question: str) -> dict[str, Any]:
        """The answer to a question."""
        answer = self.put(
            f"{API}/chat/{chat_id}/", json={"assistant_id": assistant_id, "input": question}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def receipt(self, chat_id: int, message_id: str) -> dict[str, Any]:
        """How an answer came about."""
        answer = self.get(f"{API}/chat/{chat_id}/messages/{message_id}/receipt/")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def _dotted(key: str) -> str:
    stem, _, extension = key.rpartition("_")
    return f"{stem}.{extension}"


@dataclass(frozen=True, slots=True)
class Server:
    """A running `aiconvokit serve`."""

    base_url: str
    process: Process
    log: Path

    def client(self, **headers: str) -> Client:
        """A client without credentials."""
        return Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False)

    def login(self, username: str) -> Client:
        """Register a user and log in."""
        with self.client() as client:
            new = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
            answer = client.post(f"{API}/users/", json=new)
            assert answer.status_code == 201, answer.text
            login = {"username": username, "password": PASSWORD}
            token = client.post(f"{API}/tokens/", json=login).json()["token"]
        return self.client(Authorization=f"Token {token}")

    def kill(self) -> None:
        """SIGKILL, as the out-of-memory killer would."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def running_server(
    database_url: str,
    model_url: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    patches: Sequence[Path] = (),
) -> Iterator[Server]:
    """Start the shipped command and stop it as a service manager would.

    Its standard error must hold no traceback at the end, unless patches break it on purpose.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        log = Path(folder) / "log"
        command = ["serve", "--port", str(port), *arguments]
        told = server_environment(folder, database_url, model_url) | dict(environment or {})
        process = start(command, told, log, patches=patches)
        server = Server(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        assert process.returncode in {0, -signal.SIGKILL}, log.read_text()
        assert patches or "Traceback" not in log.read_text(), log.read_text()


@contextmanager
def client_with_model(
    database_url: str, model_url: str, model: str, **environment: str
) -> Iterator[Client]:
    """A logged-in user of a server of its own that has a chat model."""
    environment = {"AICONVOKIT_CHAT_MODEL": model, **environment}
    with (
        running_server(database_url, model_url, environment=environment) as server,
        server.login("ann") as client,
    ):
        yield client


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder that outlives a server, and that the embedded database's own user can pass."""
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def server_environment(folder: str, database_url: str, model_url: str) -> dict[str, str]:
    """What the server is configured with: the fake models, no rate limits."""
    return {
        "PATH": os.environ["PATH"],  # noqa: TID251  # a test starts a process
        "DATABASE_URL": database_url,
        "OPENAI_BASE_URL": model_url,
        "OPENAI_API_KEY": "sk-test-secret",
        "AICONVOKIT_DATA_DIR": f"{folder}/data",
        "AICONVOKIT_EMBEDDING_MODEL": "fake",
        "AICONVOKIT_LIMITS": "off",
    }


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            httpx.get(f"{server.base_url}{API}/tokens/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(server.log.read_text())
