"""Everything that a user can have an id of, and how one comes to it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from deletion.story import pdf
from support.server import API, Client, Server
from support.waiting import eventually
from web.widget.visitors import Visitor, visitor, widget

Ids = dict[str, Any]
"""By kind: a number on `/api/v1`, a text on `/v1` and for messages."""

KEY = {"Idempotency-Key": "the same for both"}
NEW = {"name": "Kept", "company_name": "Acme", "instructions": "Be brief."}
NOBODYS_NUMBER = 2**40
HEADS = ("acw_pk_", "file-")
"""Of ids whose look has more than letters and one underline before what differs."""


def answered(answer: httpx.Response) -> Any:
    """What a request that must go well came to."""
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def belongings(user: Client, word: str) -> Ids:
    """One of each kind, whose words have a word that nobody else has."""
    fact = f"The {word} ledger is kept in vault nine of the Brasov office since 2011."
    made = user.assistant(f"{word} books", ledger_pdf=pdf(fact))
    chat = user.chat(made["id"])
    said = user.ask(chat, made["id"], "Where is the ledger kept since 2011?")
    assert word in said["output"]
    gone = user.delete(f"{API}/chat/{user.chat(made['id'])}/")
    ids = {
        "assistant": made["id"],
        "asst": made["openai_id"],
        "slug": f"{word}-books",
        "document": made["documents"][0]["id"],
        "chat": chat,
        "message": said["message_id"],
        "deletion": int(gone.headers["location"].rstrip("/").rpartition("/")[2]),
        "token": answered(user.post(f"{API}/users/me/tokens/", json={"name": word}))["id"],
        "invitation": 1,
        "kept": answered(user.post(f"{API}/assistants/", json=NEW, headers=KEY))["id"],
    }
    ids |= _of_stores(user, word) | _of_threads(user, made["openai_id"], fact)
    return ids | _of_responses(user, made["openai_id"], fact)


def _of_stores(user: Client, word: str) -> Ids:
    upload = {"file": (f"{word}.md", f"# {word}\n\nThe canteen opens at noon.\n".encode())}
    file = answered(user.post("/v1/files", files=upload, data={"purpose": "assistants"}))["id"]
    store = answered(user.post("/v1/vector_stores", json={"name": word}))["id"]
    path = f"/v1/vector_stores/{store}"
    batch = answered(user.post(f"{path}/file_batches", json={"file_ids": [file]}))["id"]
    eventually(lambda: answered(user.get(path))["file_counts"]["completed"] == 1)
    return {"file": file, "store": store, "batch": batch}


def _of_threads(user: Client, asst: str, fact: str) -> Ids:
    asked = [{"role": "user", "content": "Where is the ledger kept since 2011?"}]
    thread = answered(user.post("/v1/threads", json={"messages": asked}))["id"]
    path = f"/v1/threads/{thread}"
    run = answered(user.post(f"{path}/runs", json={"assistant_id": asst}))["id"]
    eventually(lambda: answered(user.get(f"{path}/runs/{run}"))["status"] == "completed")
    said = answered(user.get(f"{path}/messages"))["data"]
    assert fact in str(said)
    step = answered(user.get(f"{path}/runs/{run}/steps"))["data"][0]["id"]
    told = answered(user.post("/v1/chat/completions", json={"model": asst, "messages": asked}))
    [link] = _links(told)
    return {
        "thread": thread,
        "thread_message": said[0]["id"],
        "run": run,
        "step": step,
        "link": parse_qs(urlsplit(link).query)["key"][0],
    }


def _of_responses(user: Client, asst: str, fact: str) -> Ids:
    asked = {"model": asst, "input": "Where is the ledger kept since 2011?"}
    made = answered(user.post("/v1/responses", json=asked))
    assert fact in str(made["output"])
    given = answered(user.get(f"/v1/responses/{made['id']}/input_items"))["data"]
    conversation = answered(user.post("/v1/conversations", json={}))["id"]
    answered(user.post("/v1/responses", json={**asked, "conversation": conversation}))
    items = answered(user.get(f"/v1/conversations/{conversation}/items"))["data"]
    return {
        "response": made["id"],
        "input_item": given[0]["id"],
        "conversation": conversation,
        "item": items[0]["id"],
    }


def _links(told: Any) -> set[str]:
    noted = told["choices"][0]["message"]["annotations"]
    return {one["url_citation"]["url"] for one in noted if one["type"] == "url_citation"}


def visited(server: Server, user: Client, assistant: int) -> tuple[Visitor, Ids]:
    """A widget of a user's, and a visitor who has asked there."""
    made = widget(user, assistant, shows_pictures=True)
    found = visitor(server, made["key"])
    found.ask("Where is the ledger kept since 2011?")
    ids = {"widget": made["id"], "widget_key": made["key"], "session": found.token}
    return found, ids | {"visitor_message": found.history()[-1]["id"]}


def nobodys(ids: Ids) -> Ids:
    """Ids of the same look that stand for nothing."""
    return {kind: _nobodys(kind, one) for kind, one in ids.items()}


def _nobodys(kind: str, known: Any) -> Any:
    if isinstance(known, int):
        return NOBODYS_NUMBER
    head = next((one for one in HEADS if known.startswith(one)), known.partition("_")[0] + "_")
    head = head if known.startswith(head) else ""
    length = len(known) - len(head)
    return head + (kind.replace("_", "") * length)[:length]
