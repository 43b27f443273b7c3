"""Run in a network namespace of its own: the shipped command from its start to an answer.

It prints what the server said, as JSON. Nothing but loopback is there, and that is brought up here.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

FOLDER, LEASE = Path(sys.argv[1]), b"# Lease\n\nThe rent of the flat is EUR 900 a month.\n"
PORT = 8000
API = f"http://127.0.0.1:{PORT}/api/v1"
OUTSIDE = ("192.0.2.1", 443)
READY_SECONDS = 120


def main() -> None:
    """Start, read, answer, stop."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607  # wherever it is
    with (FOLDER / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "aiconvokit", "serve", "--port", str(PORT)],
            env={"PATH": os.environ["PATH"], "AICONVOKIT_DATA_DIR": f"{FOLDER}/data"},  # noqa: TID251  # a process is started
            stdout=log,
            stderr=log,
        )
    try:
        told = {"outside": outside(), **asked(server)}
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(60)
    print(json.dumps({**told, "code": code, "log": (FOLDER / "log").read_text()}))  # noqa: T201  # its one output


def outside() -> str:
    """What comes of asking the world."""
    try:
        with socket.create_connection(OUTSIDE, timeout=5):
            return "reached"
    except OSError as error:
        return type(error).__name__ + str(error.errno)


def asked(server: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """What a new user is told about a new document."""
    with httpx.Client(timeout=READY_SECONDS, trust_env=False) as client:
        until(lambda: is_ready(client), server)
        who = {"username": "ann", "password": "correct horse battery"}
        client.post(f"{API}/users/", json={**who, "email": ""}).raise_for_status()
        token = client.post(f"{API}/tokens/", json=who).raise_for_status().json()["token"]
        client.headers["Authorization"] = f"Token {token}"
        new = {"name": "Leases", "company_name": "Acme", "instructions": "Be brief."}
        files = [("files", ("lease.md", LEASE))]
        made = client.post(f"{API}/assistants/", data=new, files=files).raise_for_status().json()
        address = f"{API}/assistants/{made['id']}/"

        def status() -> str:
            return str(client.get(address).json()["documents"][0]["status"])

        until(lambda: status() in {"ready", "failed"}, server)
        chat = client.post(f"{API}/chat/", json={"assistant_id": made["id"]}).json()["id"]
        question = {"assistant_id": made["id"], "input": "What is the rent of the flat?"}
        answer = client.put(f"{API}/chat/{chat}/", json=question).raise_for_status().json()
        return {"document": status(), **{key: answer[key] for key in ("output", "model")}}


def is_ready(client: httpx.Client) -> bool:
    """Whether the server takes requests."""
    try:
        return client.get(f"http://127.0.0.1:{PORT}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Any, server: "subprocess.Popen[bytes]") -> None:
    """Wait for something, as long as the server lives."""
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        if server.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError((FOLDER / "log").read_text())
        time.sleep(0.05)


if __name__ == "__main__":
    main()
