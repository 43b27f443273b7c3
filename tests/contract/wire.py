"""Requests in each of the three body types, and answers compared to the byte."""

from pathlib import Path
from typing import Any

import httpx

from support.server import Server

ENCODINGS = ("json", "form", "multipart")


def send(
    client: httpx.Client, method: str, path: str, fields: dict[str, Any], encoding: str = "json"
) -> httpx.Response:
    """The same fields as JSON, as a urlencoded form, or as a multipart form."""
    if encoding == "json":
        return client.request(method, path, json=fields)
    if encoding == "form":
        return client.request(method, path, data=fields)
    parts = [(name, (None, str(value).encode())) for name, value in fields.items()]
    return client.request(method, path, files=parts)


def exactly(answer: httpx.Response, status: int, body: str) -> None:
    """Assert status, bytes and type of an answer, and what every answer carries."""
    assert (answer.status_code, answer.content.decode()) == (status, body)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    assert answer.headers.get("www-authenticate") == ("Token" if status == 401 else None)


def stored_files(server: Server) -> set[str]:
    """Names of everything in the server's storage, unfinished parts too."""
    data = Path(server.process.environment["AICONVOKIT_DATA_DIR"])
    return {path.name for path in (data / "files").rglob("*") if path.is_file()}
