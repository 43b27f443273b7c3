"""A user who goes on working while the server dies under them, and keeps a ledger.

What a user has is theirs alone, and they do one thing after the other: so they know what must be
there. Every name and every question is used once, so that what was done twice can be seen.
"""

import json
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.soak.storm.ledger import Entry, Ledger, Traffic

API = "/api/v1"
PATIENCE_SECONDS = 30.0
"""Longer than anything may take here, with a processor shared by all."""
PAUSE_SECONDS = 0.05
"""Before a user tries again what nobody listened to."""
TRIES = 3
"""Of a request with an Idempotency-Key: an answer that did not come is asked for again."""
ENDED = frozenset(["completed", "failed", "cancelled", "incomplete", "expired"])
ANSWERED = frozenset(["complete", "redacted"])
KEPT_BY = frozenset([503, 409])
"""Refusals that a storm may bring: a part is away, or a process that died holds something."""


class User:
    """One of them; `work` until it is told to end."""

    def __init__(self, name: str, base_url: str, traffic: Traffic, seed: int) -> None:
        self.name = name
        self.ledger = Ledger()
        self._traffic = traffic
        self._chance = random.Random(seed)  # noqa: S311  # the same each time
        self._client = httpx.Client(base_url=base_url, timeout=PATIENCE_SECONDS, trust_env=False)
        self._number = 0
        self._assistants: list[dict[str, Any]] = []
        self._documents: list[tuple[str, dict[str, Any]]] = []
        self._chats: list[tuple[str, int, int]] = []
        self._threads: list[str] = []
        self._files: list[str] = []
        self._store = ""

    def arrive(self, documents: int) -> None:
        """Register, log in, and put some documents there; the storm has not begun."""
        who = {"username": self.name, "password": "correct horse battery"}
        new = {**who, "email": f"{self.name}@example.com"}
        self._client.post(f"{API}/users/", json=new).raise_for_status()
        token = self._client.post(f"{API}/tokens/", json=who).raise_for_status().json()["token"]
        self._client.headers["Authorization"] = f"Token {token}"
        while not self._assistants:
            self.new_assistant()
        for _ in range(documents):
            self.upload()
        store = self.send("POST", "/v1/vector_stores", json={"name": self.name})
        if store is None or not self._documents:
            raise RuntimeError(f"{self.name} could not begin")
        self._store = store.json()["id"]
        self.ledger.promise(f"/v1/vector_stores/{self._store}", Entry({"name": self.name}))

    def work(self, until: Callable[[], bool]) -> None:
        """Do one thing after the other."""
        acts = {
            self.ask: 6,
            self.say: 4,
            self.run: 2,
            self.upload: 3,
            self.replace: 1,
            self.upload_to_store: 2,
            self.read: 3,
            self.new_assistant: 1,
            self.delete_document: 1,
            self.delete_file: 1,
            self.delete_chat: 1,
            self.delete_assistant: 1,
        }
        while not until():
            (act,) = self._chance.choices(list(acts), list(acts.values()))
            act()

    def new_assistant(self) -> None:
        """On either surface."""
        name = self._name("assistant")
        if self._chance.random() < 0.5:
            body = {"model": "any", "name": name, "instructions": "Be brief."}
            if (made := self._once("POST", "/v1/assistants", json=body)) is not None:
                self.ledger.promise(f"/v1/assistants/{made.json()['id']}", Entry({"name": name}))
            return
        body = {"name": name, "company_name": "Acme", "instructions": "Be brief."}
        if (made := self._once("POST", f"{API}/assistants/", json=body)) is not None:
            found = made.json()
            self._assistants.append(found)
            self.ledger.promise(_assistant(found["id"]), Entry({"name": name}))

    def upload(self) -> None:
        """A document of an assistant."""
        if self._assistants:
            self._put(self._chance.choice(self._assistants)["id"], self._name("document") + ".md")

    def replace(self) -> None:
        """Another version of a document."""
        if self._documents:
            url, document = self._chance.choice(self._documents)
            self.ledger.there.pop(url, None)  # which version is there, only an answer tells
            self._put(document["assistant"], document["filename"])

    def ask(self) -> None:
        """In a chat of before or in a new one, streamed or not."""
        if not self._assistants:
            return
        if not self._chats or self._chance.random() < 0.3:
            self._begin_chat()
            return
        address, chat, assistant = self._chance.choice(self._chats)
        streams = self._chance.random() < 0.5
        question = f"What does {self._name('question')} say of the rent?"
        body = {"assistant_id": assistant, "input": question, "stream": streams}
        answer = self.send("PUT", f"{API}/chat/{chat}/", ends_with="done", json=body)
        if answer is None:
            return
        done = _last(answer)[1] if streams else answer.json()
        fields = {"status": ANSWERED, "content": done["output"]}
        self.ledger.promise(f"{address}messages/{done['message_id']}/", Entry(fields, address))

    def say(self) -> None:
        """A message in a thread of OpenAI's wire."""
        if not self._threads or self._chance.random() < 0.2:
            if (made := self.send("POST", "/v1/threads", json={})) is not None:
                self._threads.append(f"/v1/threads/{made.json()['id']}")
                self.ledger.promise(self._threads[-1], Entry({}))
            return
        thread = self._chance.choice(self._threads)
        body = {"role": "user", "content": f"I speak of {self._name('message')}."}
        if (made := self.send("POST", f"{thread}/messages", json=body)) is not None:
            entry = Entry({"role": "user", "content": body["content"]}, thread)
            self.ledger.promise(f"{thread}/messages/{made.json()['id']}", entry)

    def run(self) -> None:
        """Let an assistant answer in a thread, listened to or not."""
        if not self._threads or not self._assistants:
            return
        thread = self._chance.choice(self._threads)
        assistant = self._chance.choice(self._assistants)["openai_id"]
        said = [{"role": "user", "content": f"And {self._name('message')}?"}]
        body = {"assistant_id": assistant, "additional_messages": said}
        if (made := self._once("POST", f"{thread}/runs", json=body)) is not None:
            entry = Entry({"status": ENDED}, thread)
            self.ledger.promise(f"{thread}/runs/{made.json()['id']}", entry)

    def upload_to_store(self) -> None:
        """A file of OpenAI's wire, and then into the user's vector store."""
        name, content = f"{self._name('file')}.md", self._text()
        files = {"file": (name, content)}
        made = self.send("POST", "/v1/files", data={"purpose": "assistants"}, files=files)
        if made is None:
            return
        file = made.json()["id"]
        address, inside = f"/v1/files/{file}", f"/v1/vector_stores/{self._store}/files"
        self._files.append(address)
        self.ledger.promise(address, Entry({"filename": name, "bytes": len(content)}))
        if self.send("POST", inside, json={"file_id": file}) is not None:
            self.ledger.promise(f"{inside}/{file}", Entry({"status": "completed"}, address))

    def read(self) -> None:
        """What was promised is there in between, too."""
        if self.ledger.there:
            address = self._chance.choice(list(self.ledger.there))
            self.send("GET", address)

    def delete_document(self) -> None:
        """With the words of answers that cite it."""
        if len(self._documents) > 1:
            url, document = self._documents.pop(self._chance.randrange(len(self._documents)))
            self._redacted(_assistant(document["assistant"]))
            self._delete(url)

    def delete_file(self) -> None:
        """Out of its vector store, too."""
        if self._files:
            self._delete(self._files.pop(self._chance.randrange(len(self._files))))

    def delete_chat(self) -> None:
        """With its messages."""
        if len(self._chats) > 1:
            self._delete(self._chats.pop(self._chance.randrange(len(self._chats)))[0])

    def delete_assistant(self) -> None:
        """With its documents and chats; the first one stays."""
        if len(self._assistants) > 1:
            doomed = self._assistants.pop(self._chance.randrange(1, len(self._assistants)))["id"]
            self._documents = [one for one in self._documents if one[1]["assistant"] != doomed]
            self._chats = [one for one in self._chats if one[2] != doomed]
            self._delete(_assistant(doomed))

    def look(self, address: str) -> httpx.Response:
        """What is there, when the storm is over."""
        return self._client.get(address)

    def close(self) -> None:
        """Go."""
        self._client.close()

    def send(
        self, method: str, path: str, *, ends_with: str = "", **more: Any
    ) -> httpx.Response | None:
        """A request's answer; None where it was not acknowledged, whatever came of it.

        `ends_with` is the last event of a streamed answer that is one.
        """
        began = time.monotonic()
        try:
            answer = self._client.request(method, path, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self._traffic.count("unreachable", began)
            time.sleep(PAUSE_SECONDS)
            return None
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException):
                self._traffic.complain(f"{method} {path} was not answered: {error!r}")
            self._traffic.count("lost", began)
            return None
        if not answer.is_success:
            self._refused(method, path, answer, began)
            return None
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            name, data = _last(answer)
            if name != ends_with:
                self._traffic.count(f"stream {data.get('code', name)}", began)
                return None
        self._traffic.count("acknowledged", began)
        return answer

    def _refused(self, method: str, path: str, answer: httpx.Response, began: float) -> None:
        told = _code(answer)
        self._traffic.count(f"{answer.status_code} {told}", began)
        is_active = answer.status_code == 400 and " active" in answer.text  # a dead run's thread
        if answer.status_code not in KEPT_BY and not is_active:
            self._traffic.complain(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        elif answer.status_code == 503 and "retry-after" not in answer.headers:
            self._traffic.complain(f"{method} {path}: 503 {told} without Retry-After")
        time.sleep(PAUSE_SECONDS)

    def _once(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """A request that is sent again where nobody answered, and must not be done again."""
        headers = {"Idempotency-Key": uuid4().hex}
        for _ in range(TRIES):
            if (answer := self.send(method, path, headers=headers, **more)) is not None:
                return answer
        return None

    def _put(self, assistant: int, name: str) -> None:
        content = self._text()
        path = f"{_assistant(assistant)}documents/"
        made = self._once("POST", path, files=[("files", (name, content))])
        if made is None:
            return
        (found,) = made.json()
        url = httpx.URL(found["url"]).path
        if url not in [one for one, _ in self._documents]:
            self._documents.append((url, {"assistant": assistant, "filename": name}))
        fields = {"filename": name, "bytes": len(content), "status": "ready"}
        self.ledger.promise(url, Entry(fields, _assistant(assistant), content))

    def _begin_chat(self) -> None:
        assistant = self._chance.choice(self._assistants)["id"]
        made = self._once("POST", f"{API}/chat/", json={"assistant_id": assistant})
        if made is not None:
            chat = made.json()["id"]
            address = f"{API}/chat/{chat}/"
            self._chats.append((address, chat, assistant))
            self.ledger.promise(address, Entry({"id": chat}, _assistant(assistant)))

    def _delete(self, address: str) -> None:
        answer = self.send("DELETE", address)
        self.ledger.delete(address, is_sure=answer is not None)

    def _redacted(self, assistant: str) -> None:
        """Answers may lose their words now."""
        there = self.ledger.there
        chats = {name for name, one in there.items() if one.within == assistant}
        for name, one in list(there.items()):
            if one.within in chats and "/messages/" in name:
                there[name] = Entry({"status": ANSWERED}, one.within)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{self.name} {kind} {self._number}"

    def _text(self) -> bytes:
        """A few passages."""
        said = (
            f"## Flat {number}\n\nThe rent of flat {number} in the house of {self._name('owner')} "
            f"is EUR {self._chance.randint(500, 5_000)} a month. " + "It is due on the first. " * 40
            for number in range(self._chance.randint(2, 8))
        )
        return "\n\n".join(said).encode()


def _assistant(number: int) -> str:
    return f"{API}/assistants/{number}/"


def _last(answer: httpx.Response) -> tuple[str, dict[str, Any]]:
    """The last event of a stream."""
    name, _, data = answer.text.strip().rpartition("\n\n")[2].partition("\ndata: ")
    return name.removeprefix("event: "), json.loads(data) if data.startswith("{") else {}


def _code(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return "no JSON"
    told = found.get("error", found) if isinstance(found, dict) else {}
    return str(told.get("code") if isinstance(told, dict) else told)
