"""A user whose document has a word, and all that was said of it, by every way there is."""

import io
from dataclasses import dataclass, field
from typing import Any

import openai
import psycopg
from reportlab.pdfgen.canvas import Canvas

from deletion.everywhere import chat_addresses, document_addresses, told_to
from fake_model.server import FakeModel
from support.server import API, Client, Server
from web.widget.visitors import Visitor, visitor, widget

QUESTION = "Where is the ledger kept since 2011?"
OTHER = b"# Canteen\n\nThe canteen opens at noon on weekdays.\n"
NOON = "The canteen opens at noon on weekdays. [1]"
KEY = {"Idempotency-Key": "the very first question"}


def pdf(*lines: str) -> bytes:
    """A page whose words stand in the file as they are."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=0)
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - 20 * number, line)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@dataclass
class Story:
    """A user whose document has the word, and all that was said of it."""

    server: Server
    database: str
    fake: FakeModel
    user: Client
    client: openai.OpenAI
    word: str
    made: dict[str, Any] = field(default_factory=dict)
    chats: list[int] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    visitors: list[Visitor] = field(default_factory=list)

    @property
    def fact(self) -> str:
        return f"The {self.word} ledger is kept in vault nine of the Brasov office since 2011."

    @property
    def assistant(self) -> int:
        return int(self.made["id"])

    @property
    def ledger(self) -> dict[str, Any]:
        [found] = [one for one in self.made["documents"] if one["filename"] == "ledger.pdf"]
        return dict(found)

    @property
    def place(self) -> tuple[str, str]:
        """The document's vector store and file."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute(
                "SELECT c.public_id, f.public_id FROM document d"
                " JOIN collection c ON c.id = d.collection_id JOIN file f ON f.id = d.file_id"
                " WHERE d.id = %s",
                [self.ledger["id"]],
            ).fetchone()
        assert row is not None
        return row[0], row[1]

    def tell(self) -> None:
        """Put the document there, in two versions, and let every way of asking say its word."""
        old = f"The {self.word} ledger was kept in a shed of the Oradea office until 2010."
        self.made = self.user.assistant("Ledgers", ledger_pdf=pdf(old), other_md=OTHER)
        self.fake.script(f"{old} [1]")
        self._chat("Where was the ledger kept until 2010?")
        files = {"files": ("ledger.pdf", pdf(self.fact, old))}
        answer = self.user.post(f"{API}/assistants/{self.assistant}/documents/", files=files)
        assert answer.status_code == 201, answer.text
        self.made = self.user.read(self.assistant)
        assert self.ledger["status"] == "ready", self.ledger
        self.addresses += document_addresses(self.ledger["url"])
        self.fake.script(f"{self.fact} [1]")
        self._plainly()
        self._as_openai_does()
        self._as_responses()
        self._misquoted()
        self.fake.script(NOON)
        self.other = self._chat("When does the canteen open?")

    def _chat(self, *questions: str, **headers: str) -> int:
        chat = self.user.chat(self.assistant)
        self.chats.append(chat)
        for question in questions:
            answer = self._ask(chat, question, **headers)
            assert answer["output"], answer
            self.threads.append(answer["thread_id"])
            self.addresses += chat_addresses(chat, answer["thread_id"])
        return chat

    def _ask(self, chat: int, question: str, **headers: str) -> dict[str, Any]:
        body = {"assistant_id": self.assistant, "input": question}
        answer = self.user.put(f"{API}/chat/{chat}/", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _plainly(self) -> None:
        first = self._chat(QUESTION, **KEY)
        # Said again without a quote, and asked about after that.
        self.fake.script(f"As I said: {self.word}.")
        self._ask(first, "Which ledger was that again, in one word?")
        self._ask(first, "And once more?")
        self.fake.script(f"{self.fact} [1]")
        body = {"assistant_id": self.assistant, "input": QUESTION, "stream": True}
        streamed = self.user.chat(self.assistant)
        self.chats.append(streamed)
        assert self.word in self.user.put(f"{API}/chat/{streamed}/", json=body).text
        made = widget(self.user, self.assistant, shows_pictures=True)
        self.visitors.append(visitor(self.server, made["key"]))
        self.visitors[0].ask(QUESTION)
        assert self.word in str(self.visitors[0].history())
        self.addresses.append(f"{API}/widgets/{made['id']}/chats/")
        found = self.user.get(self.addresses[-1]).json()
        self.addresses += [f"{API}/chat/{one['id']}/" for one in found if "id" in one]
        for rest in ("picture/", "marks/?start=0&end=40"):
            assert self.user.get(f"{self.ledger['url']}pages/1/{rest}").status_code == 200

    def _as_openai_does(self) -> None:
        asked: Any = [{"role": "user", "content": QUESTION}]
        model = self.made["openai_id"]
        said = self.client.chat.completions.create(model=model, messages=asked)
        assert self.word in str(said)
        threads = self.client.beta.threads
        thread = threads.create(messages=asked)
        run = threads.runs.create_and_poll(thread_id=thread.id, assistant_id=model)
        assert run.status == "completed", run
        self.threads.append(thread.id)
        path = f"/v1/threads/{thread.id}"
        self.addresses += [f"{path}/messages", f"{path}/runs"]
        again = {"thread_id": thread.id, "assistant_id": model, "additional_messages": asked}
        with threads.runs.stream(**again) as stream:
            stream.until_done()

    def _as_responses(self) -> None:
        """By itself, in a conversation, and said again without a quote."""
        model, create = self.made["openai_id"], self.client.responses.create
        self.responses = [create(model=model, input=QUESTION).id]
        conversation = self.client.conversations.create().id
        create(model=model, input=QUESTION, conversation=conversation)
        self.fake.script(f"As I said: {self.word}.")
        again = "Which ledger was that again, in one word?"
        aside = create(model=model, input=again, previous_response_id=self.responses[0])
        assert self.word in aside.output_text
        self.fake.script(f"{self.fact} [1]")
        self.responses.append(aside.id)
        for path in self.responses:
            self.addresses.append(f"/v1/responses/{path}?include[]=file_search_call.results")
        self.addresses.append(f"/v1/conversations/{conversation}/items")

    def _misquoted(self) -> None:
        """The word in a sentence that no quote proves: a number in it is wrong."""
        self.fake.script(self.fact.replace("2011", "2019"))
        self._chat(QUESTION)
        self.fake.script(f"{self.fact} [1]")

    def read(self) -> list[str]:
        """Everything that can be read of the word now, and asked for."""
        told = list(told_to(self.user, self.addresses))
        told += [str(one.request("GET", "messages/").text) for one in self.visitors]
        path = f"{API}/assistants/{self.assistant}/search/"
        told.append(self.user.post(path, json={"query": "ledger vault", "limit": 50}).text)
        return told

    def ask_again(self) -> list[str]:
        """What comes of asking again, everywhere, and of sending a request again."""
        told = []
        body = {"assistant_id": self.assistant, "input": QUESTION}
        for chat in self.chats:
            for headers in ({}, KEY):
                answer = self.user.put(f"{API}/chat/{chat}/", json=body, headers=headers)
                told.append(answer.text)
        told += [one.post(QUESTION).text for one in self.visitors]
        for thread in self.threads:
            new = {"assistant_id": self.made["openai_id"], "stream": True}
            new["additional_messages"] = [{"role": "user", "content": QUESTION}]
            told.append(self.user.post(f"/v1/threads/{thread}/runs", json=new).text)
        asked = {
            "model": self.made["openai_id"],
            "messages": [{"role": "user", "content": QUESTION}],
        }
        told.append(self.user.post("/v1/chat/completions", json=asked).text)
        for response in self.responses:
            on = {"model": asked["model"], "input": QUESTION, "previous_response_id": response}
            told.append(self.user.post("/v1/responses", json=on).text)
        return told


def saying(word: str, texts: list[str]) -> list[str]:
    """Those of some texts that have a word, shortened around it."""
    found = [(one, one.casefold().find(word)) for one in texts]
    return [f"{one[:80]} … {one[max(0, at - 60) : at + 60]}" for one, at in found if at >= 0]
