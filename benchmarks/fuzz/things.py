"""A user with one of everything, so that made-up requests reach further than "not found"."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "a long passphrase"  # noqa: S105  # of a user that lives for a minute
REPORT = b"# Report\n\nThe group employed 1,204 people at the end of the year.\n"


@dataclass(frozen=True, slots=True)
class Things:
    """The user's token, and ids by the names that paths have for them."""

    token: str
    ids: Mapping[str, str]


def made(url: str) -> Things:
    """A new user with an assistant, a document, a chat, a widget, and a thread with a run."""
    login = {"username": f"fuzzer-{secrets.token_hex(6)}", "password": PASSWORD}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:

        def post(path: str, **what: Any) -> Any:
            return http.post(path, **what).raise_for_status().json()

        post("/api/v1/users/", json={**login, "email": "fuzz@example.com"})
        token = post("/api/v1/tokens/", json=login)["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        fields = {"name": "Reports", "company_name": "Acme", "instructions": "Be brief."}
        files = [("files", ("report.md", REPORT))]
        own = post("/api/v1/assistants/", data=fields, files=files)
        chat = post("/api/v1/chat/", json={"assistant_id": own["id"]})
        file = post("/v1/files", data={"purpose": "assistants"}, files={"file": ("a.md", REPORT)})
        store = post("/v1/vector_stores", json={"name": "a", "file_ids": [file["id"]]})
        thread = post("/v1/threads", json={"messages": [{"role": "user", "content": "How many?"}]})
        message = http.get(f"/v1/threads/{thread['id']}/messages").json()["data"][0]
        assistant = post("/v1/assistants", json={"model": "any", "name": "Plain"})
        run = post(f"/v1/threads/{thread['id']}/runs", json={"assistant_id": assistant["id"]})
    ids = {
        "/api/v1 assistant_id": own["id"],
        "/api/v1 document_id": own["documents"][0]["id"],
        "/api/v1 chat_id": chat["id"],
        "/api/v1 number": 1,
        "/v1 assistant_id": assistant["id"],
        "/v1 file_id": file["id"],
        "/v1 vector_store_id": store["id"],
        "/v1 store_id": store["id"],
        "/v1 thread_id": thread["id"],
        "/v1 message_id": message["id"],
        "/v1 run_id": run["id"],
    }
    return Things(token, {name: str(one) for name, one in ids.items()})
