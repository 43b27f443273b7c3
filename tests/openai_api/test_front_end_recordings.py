"""What Open WebUI and LibreChat really send, answered so that their users see the sources.

The recordings stand in `front_ends/`; each says of which version it is and how it was made. What a
front end makes of an answer is written here from what its code does, not with its code.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.openai_api.completions.front_ends import recognised, stand_in
from aiconvokit.openai_api.completions.sources import (
    LISTED_CHARACTERS,
    Source,
    listed,
    without_list,
)
from fake_model.server import FakeModel
from support.server import API, Client, Server
from support.waiting import eventually

RECORDINGS = Path(__file__).parent / "front_ends"
TEXT = b"""# Supply contract

## Price

The price of one pump is EUR 1,250 until 31 December 2026.

## Term

The contract ends on 30 June 2028.
"""
PRICE = "The price of one pump is EUR 1,250 until 31 December 2026."
TERM = "The contract ends on 30 June 2028."
REPLY = f"{PRICE[:-1]} [1]. {TERM[:-1]} [1]. Once more: t{PRICE[1:-1]} [1]."
PROVEN = f"{PRICE} [1] {TERM} [2] Once more: t{PRICE[1:]} [1]"
TITLE = "contract.md, page 1"

JOBS = {
    "open_webui/title": ("title", '{"title":"What does one pump cost?"}'),
    "open_webui/tags": ("tags", '{"tags":[]}'),
    "open_webui/follow_ups": ("follow_ups", '{"follow_ups":[]}'),
    "open_webui/queries": ("queries", '{"queries":[]}'),
    "open_webui/autocompletion": ("text", '{"text":""}'),
    "open_webui/image_prompt": ("prompt", '{"prompt":"Draw a pump."}'),
    "open_webui/emoji": ("emoji", "\N{SLIGHTLY SMILING FACE}"),
    "open_webui/compaction": ("summary", "What does one pump cost?"),
    "librechat/title": ("title", "What does one pump cost?"),
    "librechat/title_structured": ("title", "What does one pump cost?"),
    "librechat/summary": ("summary", "What does one pump cost?"),
}
QUESTIONS = [
    "open_webui/question",
    "open_webui/question_with_usage",
    "open_webui/question_with_its_own_file",
    "open_webui/second_turn",
    "open_webui/merged_answers",
    "librechat/question",
    "librechat/question_with_parameters",
    "librechat/second_turn",
    "librechat/second_turn_in_parts",
]


@pytest.fixture(scope="module")
def assistant(ann: Client) -> dict[str, Any]:
    """Ann's, with a contract."""
    return ann.assistant("Pumps", contract_md=TEXT)


@dataclass(frozen=True)
class FrontEnd:
    """A front end with Ann's token, set up for one of her assistants."""

    server: Server
    token: str
    model: str

    def request(self, name: str, **more: Any) -> httpx.Request:
        """A recorded request; keyword arguments replace parts of its body."""
        request = recording(name)["request"]
        body = request.get("body")
        headers = request["headers"]
        assert headers["authorization"] == "Bearer {{token}}"
        return httpx.Request(
            request["method"],
            self.server.base_url + request["path"],
            headers={**headers, "authorization": f"Bearer {self.token}"},
            json=None if body is None else {**body, "model": self.model, **more},
        )

    def send(self, name: str, **more: Any) -> httpx.Response:
        """Its answer, when it is whole."""
        with httpx.Client(timeout=60, trust_env=False) as client:
            answer = client.send(self.request(name, **more))
        assert answer.status_code == 200, answer.text
        return answer

    @contextmanager
    def streaming(self, name: str) -> Iterator[Iterator[str]]:
        """The lines of its answer as they come; then the connection is closed."""
        with httpx.Client(timeout=60, trust_env=False) as client:
            answer = client.send(self.request(name), stream=True)
            try:
                yield answer.iter_lines()
            finally:
                answer.close()


@pytest.fixture(scope="module")
def front_end(server: Server, ann: Client, assistant: dict[str, Any]) -> FrontEnd:
    token = ann.headers["authorization"].split()[1]
    return FrontEnd(server, token, assistant["openai_id"])


def recording(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    assert found["front_end"]
    assert found["recorded"]
    assert found["source"]
    return found


def messages(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recording(name)["request"]["body"]["messages"]
    return found


def chunks(answer: httpx.Response) -> list[dict[str, Any]]:
    """The data of a stream."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def said(found: list[dict[str, Any]]) -> str:
    """What every front end shows of a stream: the text."""
    deltas = [choice["delta"] for one in found for choice in one["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def text_of(answer: httpx.Response) -> str:
    """The text of an answer, streamed or whole."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return said(chunks(answer))
    return str(answer.json()["choices"][0]["message"]["content"])


@dataclass
class Shown:
    """A source as Open WebUI's page shows it."""

    name: str
    url: str
    texts: list[str] = field(default_factory=list)


def in_open_webui(found: list[dict[str, Any]]) -> list[Shown]:
    """The sources of an answer in Open WebUI; a mark `[n]` opens the n-th.

    Its server hands an `event` of a chunk on to the page, and then makes a source of each
    `url_citation`. The page takes those of one address for one source, named by the first: by its
    address, unless that says that it is `external`.
    """
    told: list[tuple[dict[str, Any], str]] = []
    for chunk in found:
        if event := chunk.get("event"):
            assert event["type"] == "source"
            told += zip(event["data"]["metadata"], event["data"]["document"], strict=True)
        for choice in chunk["choices"]:
            for one in choice["delta"].get("annotations") or ():
                if one["type"] == "url_citation":
                    place = one["url_citation"]
                    metadata = {"source": place["url"], "name": place["title"]}
                    told.append((metadata, place["title"]))
    shown: dict[str, Shown] = {}
    for metadata, text in told:
        address = metadata["source"]
        name = metadata["name"] if metadata.get("external") else address
        shown.setdefault(address, Shown(name, address)).texts.append(text)
    return list(shown.values())


def questions(client: Client, assistant: dict[str, Any]) -> int:
    found = client.get(f"{API}/assistants/{assistant['id']}/").json()
    return int(found["query_count"])


@pytest.mark.parametrize("name", ["open_webui", "librechat"])
def test_models_are_listed(front_end: FrontEnd, name: str) -> None:
    listed_models = front_end.send(f"{name}/models").json()["data"]
    assert {front_end.model, "pumps", "fake"} <= {one["id"] for one in listed_models}


@pytest.mark.parametrize("name", ["question", "question_with_usage"])
def test_open_webui_shows_sources(
    front_end: FrontEnd, server: Server, fake: FakeModel, name: str
) -> None:
    fake.script(REPLY)
    found = chunks(front_end.send(f"open_webui/{name}"))
    assert said(found) == PROVEN
    shown = in_open_webui(found)
    assert [one.name for one in shown] == [TITLE, TITLE]  # an address would go to a service
    assert [one.texts[0] for one in shown] == [PRICE, TERM]  # what [1] and [2] open
    assert {text for one in shown for text in one.texts[1:]} == {TITLE}
    with server.client() as browser:
        for one in shown:
            assert browser.get(one.url).content == TEXT
    assert ("usage" in found[-1]) is (name == "question_with_usage")


def test_open_webui_counts_tokens(front_end: FrontEnd, fake: FakeModel) -> None:
    fake.script(REPLY)
    last = chunks(front_end.send("open_webui/question_with_usage"))[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == len(REPLY.split())


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_searched_and_counted(
    front_end: FrontEnd, ann: Client, fake: FakeModel, assistant: dict[str, Any], name: str
) -> None:
    before = questions(ann, assistant)
    front_end.send(name)
    assert "/v1/embeddings" in [one.path for one in fake.requests()]
    assert not fake.chats()[-1].body.keys() & {"user", "stop", "top_p", "sources_in_text"}
    assert questions(ann, assistant) == before + 1


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_none(
    front_end: FrontEnd, ann: Client, fake: FakeModel, assistant: dict[str, Any], name: str
) -> None:
    before = questions(ann, assistant)
    fake.script("Done.")
    assert text_of(front_end.send(name)) == "Done."
    assert [one.path for one in fake.requests()] == ["/v1/chat/completions"]
    assert fake.chats()[0].body["messages"] == messages(name)
    assert questions(ann, assistant) == before


@pytest.mark.parametrize(("name", "kind", "answer"), [(name, *job) for name, job in JOBS.items()])
def test_a_job_without_a_model(name: str, kind: str, answer: str) -> None:
    asked = [ChatMessage(one["role"], one["content"]) for one in messages(name)]
    job = recognised(asked)
    assert job is not None
    assert job.kind == kind
    assert stand_in(job, asked) == answer


@pytest.mark.parametrize(
    "name", ["open_webui/second_turn", "librechat/second_turn", "librechat/second_turn_in_parts"]
)
def test_the_history_comes_along(front_end: FrontEnd, fake: FakeModel, name: str) -> None:
    front_end.send(name)
    _, question, answer, follow_up = fake.chats()[-1].body["messages"]
    assert question["content"] == "What does one pump cost?"
    assert answer["content"].startswith("One pump costs EUR 1,250.")
    assert follow_up["content"].endswith("Question: And when does the contract end?")


def test_parameters_of_librechat(front_end: FrontEnd, fake: FakeModel) -> None:
    front_end.send("librechat/question_with_parameters")
    sent = fake.chats()[-1].body
    assert "Answer in one sentence." in sent["messages"][0]["content"]
    assert sent["max_tokens"] == 500


@pytest.mark.parametrize("stream", [True, False])
def test_librechat_shows_sources_in_the_text(
    front_end: FrontEnd, server: Server, fake: FakeModel, *, stream: bool
) -> None:
    fake.script(REPLY)
    text = text_of(front_end.send("librechat/question_with_parameters", stream=stream))
    assert text.startswith(f"{PROVEN}\n\n- [1] ")
    assert without_list(text) == PROVEN
    items = re.findall(r"^- \[(\d)\] \[(.+?)\]\((\S+)\): \u201c(.+)\u201d$", text, re.MULTILINE)
    assert [(number, title, quote) for number, title, _, quote in items] == [
        ("1", TITLE, PRICE),
        ("2", TITLE, TERM),
    ]
    with server.client() as browser:
        assert all(browser.get(url).content == TEXT for _, _, url, _ in items)
    fake.script(REPLY)
    assert said(chunks(front_end.send("librechat/question"))) == PROVEN  # nobody asked for a list


@pytest.mark.parametrize("in_parts", [True, False])
def test_the_list_is_no_part_of_the_history(
    front_end: FrontEnd, fake: FakeModel, *, in_parts: bool
) -> None:
    fake.script(REPLY)
    answer = said(chunks(front_end.send("librechat/question", sources_in_text=True)))
    assert "/v1/originals?key=" in answer
    asked, _, follow_up = messages("librechat/second_turn")
    content = [{"type": "text", "text": answer}] if in_parts else answer
    told = {"role": "assistant", "content": content}
    front_end.send("librechat/second_turn", messages=[asked, told, follow_up])
    assert fake.chats()[-1].body["messages"][2]["content"] == PROVEN


@pytest.mark.parametrize("wrong", ["yes", 1, []])
def test_the_list_is_wanted_or_not(front_end: FrontEnd, fake: FakeModel, wrong: Any) -> None:
    with httpx.Client(trust_env=False) as client:
        refused = client.send(front_end.request("librechat/question", sources_in_text=wrong))
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "sources_in_text"
    assert not fake.chats()


@pytest.mark.parametrize("name", ["open_webui", "librechat"])
def test_the_stop_button_stops_the_model(front_end: FrontEnd, fake: FakeModel, name: str) -> None:
    fake.spoil("/chat/completions", "slow_drip=0.05")
    fake.script("On and on. " * 500)
    with front_end.streaming(f"{name}/stopped") as lines:
        assert any('"content":"On' in line for line in lines)
    eventually(lambda: fake.chats()[-1].outcome == "client_gone")


def test_a_list_is_text_whatever_the_document_says() -> None:
    hostile = Source(1, "a](http://x) b.md", "http://s/v1/originals?key=K#page=1", "![i](http://x)")
    text = listed([hostile, Source(2, "c.md, page 2", hostile.url, "one\n\n- two `$` <b>")])
    first, second = text.strip().split("\n")
    assert first == (
        "- [1] [a\\](http://x) b.md](http://s/v1/originals?key=K#page=1): "
        "\u201c!\\[i\\](http://x)\u201d"
    )
    assert second.endswith(": \u201cone - two \\`\\$\\` \\<b>\u201d")
    assert without_list(f"Answer. [1]{text}") == "Answer. [1]"
    long = listed([hostile._replace(quote="word " * 200)])
    assert long.endswith("word …\u201d")
    assert len(long) < LISTED_CHARACTERS + 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing is listed.",
        "- [1] of my own\n- [2] another",
        "- [1] [x](http://s/v1/originals?key=K): \u201cx\u201d\n\nand then more",
    ],
    ids=range(4),
)
def test_other_lists_stay(text: str) -> None:
    assert without_list(text) == text
