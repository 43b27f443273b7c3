"""A server that speaks S3, as a process of its own, and a way to it that can be troubled."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
from typing_extensions import override

from support.server import free_port

SECRET = "sk-of-the-object-store"
KEY_ID = "AKIDOFTHETESTS"
START_SECONDS = 60
KEPT_HEADERS = ("Content-Type", "Content-Range", "ETag", "Last-Modified")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running server, or a way to one."""

    endpoint: str

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"bucket-{uuid4().hex[:12]}"
        made = httpx.put(f"{self.endpoint}/{name}", trust_env=False)
        assert made.status_code == 200, made.text
        return name

    def keys(self, bucket: str) -> list[str]:
        """Of all objects of a bucket."""
        listed = httpx.get(f"{self.endpoint}/{bucket}?list-type=2", trust_env=False).text
        return [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to use it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """A server of its own, with nothing in it."""
    port = free_port()
    store = ObjectStore(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_ready(store, process)
        yield store
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(store: ObjectStore, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(store.endpoint, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the object store did not start")


Answer = tuple[int, bytes]
Trouble = Callable[[str, str], Answer | None]
"""What method and path are answered instead: status and body; None: what the store says."""


class TroubledWay:
    """A way to a store, on which requests may meet trouble."""

    def __init__(self, store: ObjectStore) -> None:
        self.trouble: Trouble | None = None
        self._host = store.endpoint.removeprefix("http://")
        way = self

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                way._pass(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_any  # noqa: N815  # their names

            @override
            def log_message(self, format: str, *args: object) -> None:  # its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def open(self) -> Iterator["TroubledWay"]:
        """Let requests pass until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _pass(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        answer = self.trouble(request.command, request.path) if self.trouble else None
        length = None
        if answer is None:
            onward = HTTPConnection(self._host)
            onward.request(request.command, request.path, body, dict(request.headers.items()))
            given = onward.getresponse()
            answer, length = (given.status, given.read()), given.getheader("Content-Length")
            kept = {one: given.getheader(one) for one in KEPT_HEADERS}
            onward.close()
        else:
            kept = {}
        request.send_response(answer[0])
        for name, value in kept.items():
            if value is not None:
                request.send_header(name, value)
        is_head = request.command == "HEAD"
        request.send_header("Content-Length", length or "0" if is_head else str(len(answer[1])))
        request.end_headers()
        if not is_head:
            request.wfile.write(answer[1])
