"""The shipped server on an embedded Postgres of its own, and its first user."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.turns.servers import free_port, running
from benchmarks.web.model import NAME

USER = "ann"
PASSWORD = "a long passphrase"  # noqa: S105  # of a server that lives for minutes
READ_SECONDS = 300
POLL_SECONDS = 0.1

Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is logged in: `http` speaks to the API with `token`."""

    base_url: str
    token: str
    http: httpx.Client

    def get(self, path: str) -> Any:
        """What the API has there."""
        return self.http.get(path).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the API made."""
        return self.http.post(path, json=body).raise_for_status().json()

    def assistant(self, fields: Mapping[str, str], files: Files) -> int:
        """A new assistant once its documents are read: its id."""
        parts = [("files", one) for one in files]
        answer = self.http.post("/assistants/", data=dict(fields), files=parts or None)
        made = int(answer.raise_for_status().json()["id"])
        deadline = time.monotonic() + READ_SECONDS
        while {one["status"] for one in self._documents(made)} & {"queued", "processing"}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The documents were not read within {READ_SECONDS} s.")
            time.sleep(POLL_SECONDS)
        return made

    def ask(self, assistant_id: int, question: str) -> int:
        """A new chat with the answer to a question: its id."""
        chat = int(self.post("/chat/", {"assistant_id": assistant_id})["id"])
        asked = {"assistant_id": assistant_id, "input": question}
        self.http.put(f"/chat/{chat}/", json=asked).raise_for_status()
        return chat

    def _documents(self, assistant_id: int) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.get(f"/assistants/{assistant_id}/")["documents"]
        return found


@contextmanager
def serving(model_url: str) -> Iterator[str]:
    """`aiconvokit serve` with that model, the local embedder and a new data folder: its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "aiconvokit", "serve", "--port", str(port)]
    with tempfile.TemporaryDirectory(prefix="ack-web-") as folder:
        Path(folder).chmod(0o711)  # the embedded database's own user must pass
        environment = {
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": "sk-none",
            "AICONVOKIT_CHAT_MODEL": NAME,
            "AICONVOKIT_LIMITS": "off",
            "AICONVOKIT_DATA_DIR": f"{folder}/data",
        }
        with running(command, environment, f"{url}/health/ready"):
            yield url


@contextmanager
def logged_in(url: str) -> Iterator[Owner]:
    """The server's only user, registered now."""
    login = {"username": USER, "password": PASSWORD}
    with httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False) as http:
        http.post("/users/", json={**login, "email": "ann@example.com"}).raise_for_status()
        token = http.post("/tokens/", json=login).raise_for_status().json()["token"]
        http.headers["Authorization"] = f"Token {token}"
        yield Owner(url, token, http)
