"""The database goes away and comes back: everybody is told so, on every kind of route."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, PASSWORD, Client, running_server
from support.waiting import eventually
from web.widget.visitors import SITE, Visitor, visitor, widget

LEASE = b"# Lease\n\nThe rent of the flat is EUR 900 a month.\n"
SAID = [{"role": "user", "content": "What is the rent?"}]
PATIENCE_SECONDS = 20.0
"""Far more than the six seconds that are promised: the machine may be busy."""

Call = Callable[[], httpx.Response]


def calls(client: Client, made: dict[str, Any], ada: Visitor) -> dict[str, Call]:
    """Reads and writes of both surfaces, of who logs in, and of a widget."""
    number, public = made["id"], made["openai_id"]
    own, chat = f"{API}/assistants/{number}/", client.chat(number)
    thread = client.post("/v1/threads", json={}).json()["id"]
    question = {"assistant_id": number, "input": "What is the rent?"}
    who = {"username": "ann", "password": PASSWORD}
    new = {"name": "x", "company_name": "x", "instructions": "x"}
    asked, purpose = {"model": public, "messages": SAID}, {"purpose": "assistants"}
    run = {"assistant_id": public, "additional_messages": SAID}
    requests: dict[str, tuple[str, str, dict[str, Any]]] = {
        "login": ("POST", f"{API}/tokens/", {"json": who}),
        "registration": ("POST", f"{API}/users/", {"json": {**who, "email": ""}}),
        "list": ("GET", f"{API}/assistants/", {}),
        "new": ("POST", f"{API}/assistants/", {"json": new}),
        "once": ("POST", f"{API}/assistants/", {"json": new, "headers": {"Idempotency-Key": "x"}}),
        "change": ("PUT", own, {"json": new}),
        "upload": ("POST", f"{own}documents/", {"files": {"files": ("a.md", b"# A\n\nB.\n")}}),
        "original": ("GET", f"{made['documents'][0]['url']}content/", {}),
        "search": ("POST", f"{own}search/", {"json": {"query": "rent"}}),
        "question": ("PUT", f"{API}/chat/{chat}/", {"json": question}),
        "stream": ("PUT", f"{API}/chat/{chat}/", {"json": {**question, "stream": True}}),
        "deletion": ("DELETE", f"{API}/chat/{chat}/", {}),
        "usage": ("GET", f"{API}/usage/", {}),
        "v1 models": ("GET", "/v1/models", {}),
        "v1 completion": ("POST", "/v1/chat/completions", {"json": asked}),
        "v1 response": ("POST", "/v1/responses", {"json": {"model": public, "input": "Who?"}}),
        "v1 file": ("POST", "/v1/files", {"data": purpose, "files": {"file": ("a.md", b"x")}}),
        "v1 thread": ("POST", "/v1/threads", {"json": {}}),
        "v1 message": ("POST", f"/v1/threads/{thread}/messages", {"json": SAID[0]}),
        "v1 run": ("POST", f"/v1/threads/{thread}/runs", {"json": run}),
        "v1 stores": ("GET", "/v1/vector_stores", {}),
    }
    found: dict[str, Call] = {
        name: lambda one=one: client.request(one[0], one[1], timeout=PATIENCE_SECONDS, **one[2])  # type: ignore[misc]  # mypy cannot infer it
        for name, one in requests.items()
    }
    body = {"origin": SITE}
    return found | {
        "widget session": lambda: client.post(ada.path("session/"), json=body),
        "widget history": lambda: ada.request("GET", "messages/"),
        "widget question": ada.post,
    }


@contextmanager
def away(cluster_url: str, url: str) -> Iterator[None]:
    """Nobody gets into the database, and who was there is put out."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(cluster_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def code_of(answer: httpx.Response) -> object:
    """On either surface."""
    told = answer.json()
    return told.get("error", told)["code"]


def test_everybody_is_told_and_all_goes_on_by_itself(cluster_url: str, fake: FakeModel) -> None:
    url = clone(cluster_url)
    with running_server(url, fake.base_url) as server, server.login("ann") as client:
        made = client.assistant(lease_md=LEASE)
        ada = visitor(server, widget(client, made["id"])["key"])
        wanted = calls(client, made, ada)
        with away(cluster_url, url), ThreadPoolExecutor(len(wanted)) as pool:
            begun = {name: pool.submit(call) for name, call in wanted.items()}
            live, ready = client.get("/health/live"), client.get("/health/ready")
            page, loader = client.get("/"), client.get("/widget.js")
            answers = {name: one.result() for name, one in begun.items()}
        assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(
            wanted, 503
        )
        assert {code_of(one) for one in answers.values()} == {"database_unavailable"}
        assert {name for name, one in answers.items() if "retry-after" not in one.headers} == set()
        assert [one.status_code for one in (live, ready, page, loader)] == [200, 503, 200, 200]

        eventually(lambda: client.get("/health/ready").status_code == 200)
        # What was refused was not done, and the worker reads on.
        assert [one["name"] for one in client.get(f"{API}/assistants/").json()] == ["Reports"]
        path = f"{API}/assistants/{made['id']}/documents/"
        assert client.post(path, files={"files": ("b.md", b"# B\n\nC.\n")}).status_code == 201
        states = {one["filename"]: one["status"] for one in client.read(made["id"])["documents"]}
        assert states == {"lease.md": "ready", "b.md": "ready"}
        wanted["deletion"]()
        assert wanted["deletion"]().status_code == 404
        assert ada.post().status_code == 200
