"""One's own chats: titles, search, files, and answers as HTML."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from markdown_it import MarkdownIt

from contract.rows import row
from contract.test_chat import ANSWER_KEYS, ITEM_KEYS, QUESTION, TEXT, events
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client, Server

CHAT = f"{API}/chat/"
NO_CHAT = '{"detail":"No Chat matches the given query."}'
CITED = (
    '[{"index":1,"document_id":0,"version":1,"filename":"a.md","page":1,"start":0,"end":1,'
    '"quote":"a"}]'
)
WRONG_BOOLEAN = '{"html":["Must be a valid boolean."]}'


@pytest.fixture(scope="module")
def cleo(server: Server) -> Iterator[Client]:
    with server.login("cleo") as client:
        yield client


@pytest.fixture(scope="module")
def assistant(cleo: Client) -> int:
    return int(cleo.assistant(report_md=TEXT)["id"])


@pytest.fixture
def chat(cleo: Client, assistant: int) -> int:
    return cleo.chat(assistant)


def listed(client: Client, **query: Any) -> list[int]:
    return [one["id"] for one in client.get(CHAT, params=query).json()]


def item(client: Client, chat: int) -> dict[str, Any]:
    return next(one for one in client.get(CHAT).json() if one["id"] == chat)


@row("chat_title")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_chat_is_called_something(cleo: Client, assistant: int, chat: int, encoding: str) -> None:
    assert item(cleo, chat)["title"] == ""
    cleo.ask(chat, assistant, QUESTION)
    assert item(cleo, chat)["title"] == QUESTION
    answer = send(cleo, "PUT", f"{CHAT}{chat}/title/", {"title": "  Über Leute "}, encoding)
    assert (answer.status_code, " ".join(answer.json())) == (200, ITEM_KEYS)
    assert answer.json()["title"] == "Über Leute"
    assert answer.json() == item(cleo, chat)
    assert cleo.get(f"{CHAT}{chat}/").json()["title"] == "Über Leute"
    again = send(cleo, "PUT", f"{CHAT}{chat}/title", {"title": " "}, encoding)
    assert again.json()["title"] == QUESTION


@row("chat_title")
def test_a_long_first_question_is_cut(cleo: Client, assistant: int, chat: int) -> None:
    cleo.ask(chat, assistant, "Who\n\n  are " + "the people " * 20)
    title = item(cleo, chat)["title"]
    assert title.startswith("Who are the people the people")
    assert title.endswith("\u2026")
    assert len(title) <= 80


@row("chat_title", "error.missing", "error.too_long", "error.foreign_id")
def test_wrong_titles(cleo: Client, bob: Client, chat: int) -> None:
    path = f"{CHAT}{chat}/title/"
    long = '{"title":["Ensure this field has no more than 200 characters."]}'
    exactly(cleo.put(path, json={"title": "x" * 201}), 400, long)
    exactly(cleo.put(path, json={}), 400, '{"title":["This field is required."]}')
    exactly(cleo.put(path, json={"title": 7}), 400, '{"title":["Not a valid string."]}')
    assert cleo.put(path, json={"title": None}).json()["title"] == ""
    exactly(bob.put(path, json={"title": "x"}), 404, NO_CHAT)
    exactly(bob.put(path, json={}), 404, NO_CHAT)
    assert item(cleo, chat)["title"] == ""


@row("chat_list", "times")
def test_a_chat_tells_when_it_was_last_talked_in(cleo: Client, assistant: int, chat: int) -> None:
    found = item(cleo, chat)
    assert found["assistant_id"] == assistant
    assert found["updated_at"] == found["created_at"]
    cleo.ask(chat, assistant, QUESTION)
    newest = cleo.get(f"{CHAT}{chat}/").json()["messages"][-1]["created_at"]
    assert item(cleo, chat)["updated_at"] == newest > found["created_at"]


@row("chat_search", "paging")
def test_searching_in_titles_and_messages(server: Server) -> None:
    with server.login("seeker") as client:
        one, other = client.assistant()["id"], client.assistant("Other")["id"]
        chats = [client.chat(one), client.chat(one), client.chat(other)]
        for chat, title in zip(chats, ("100% Cotton", "Snake_case", "100 cottons"), strict=True):
            client.put(f"{CHAT}{chat}/title/", json={"title": title})
        client.ask(chats[1], one, "Is ZEBRA striped?")
        newest_first = chats[::-1]
        assert listed(client, search="COTTON") == [chats[2], chats[0]]
        assert listed(client, search="100%") == [chats[0]]
        assert listed(client, search="e_c") == [chats[1]]
        assert listed(client, search="striped zebra") == []
        assert listed(client, search="zebra STRI") == [chats[1]]
        assert listed(client, search="/") == []
        assert listed(client, search="  ") == newest_first
        assert listed(client, assistant_id=one) == chats[1::-1]
        assert listed(client, assistant_id=one, search="cotton") == [chats[0]]
        assert listed(client, assistant_id=2**40) == []
        first = client.get(CHAT, params={"search": "o", "assistant_id": other, "limit": 1})
        assert "link" not in first.headers
        first = client.get(CHAT, params={"search": "cotton", "limit": 1})
        rest = client.get(first.links["next"]["url"])
        assert [found["id"] for found in rest.json()] == [chats[0]]
        assert "link" not in rest.headers


@row("chat_search")
def test_wrong_searches(cleo: Client) -> None:
    long = '{"search":["Ensure this field has no more than 200 characters."]}'
    exactly(cleo.get(CHAT, params={"search": "x" * 201}), 400, long)
    nul = '{"search":["Null characters are not allowed."]}'
    exactly(cleo.get(f"{CHAT}?search=a%00b"), 400, nul)
    integer = '{"assistant_id":["A valid integer is required."]}'
    exactly(cleo.get(CHAT, params={"assistant_id": "x"}), 400, integer)


@row("chat_search", "ownership")
def test_nobody_finds_in_others_chats(cleo: Client, bob: Client, chat: int) -> None:
    cleo.put(f"{CHAT}{chat}/title/", json={"title": "Quetzalcoatlus"})
    assert listed(cleo, search="quetzal") == [chat]
    assert listed(bob, search="quetzal") == []


@row("chat_list")
def test_visitors_chats_are_not_listed_and_can_be_read(
    cleo: Client, assistant: int, chat: int, contract_database: str
) -> None:
    cleo.ask(chat, assistant, QUESTION)
    with psycopg.connect(contract_database) as connection:
        connection.execute(
            "UPDATE thread SET origin = 'widget' FROM chat"
            " WHERE chat.thread_id = thread.id AND chat.id = %s",
            [chat],
        )
        connection.execute(
            "UPDATE message SET rating = -1 FROM chat WHERE role = 'assistant'"
            " AND message.thread_id = chat.thread_id AND chat.id = %s",
            [chat],
        )
    assert chat not in listed(cleo)
    assert chat not in listed(cleo, search=QUESTION)
    messages = cleo.get(f"{CHAT}{chat}/").json()["messages"]
    assert [one["rating"] for one in messages] == [None, -1]
    assert cleo.get(f"{CHAT}{chat}/export/").status_code == 200
    renamed = cleo.put(f"{CHAT}{chat}/title/", json={"title": "Ann's"})
    assert renamed.json()["title"] == "Ann's"


@row("chat_export")
def test_a_chat_as_markdown(cleo: Client, assistant: int, chat: int) -> None:
    asked = cleo.ask(chat, assistant, QUESTION)
    cleo.ask(chat, assistant, "How many people\nwere employed?")
    cleo.ask(chat, assistant, "# And now?")
    cleo.put(f"{CHAT}{chat}/title/", json={"title": 'A/B: "<Größe> *x*"'})
    found = cleo.get(f"{CHAT}{chat}/export/")
    assert found.headers["content-type"] == "text/markdown; charset=utf-8"
    name = quote("A B Größe x.md", safe="")
    expected = f"attachment; filename=\"chat-{chat}.md\"; filename*=UTF-8''{name}"
    assert found.headers["content-disposition"] == expected
    text = found.content.decode()
    assert text.startswith('# A/B: "\\<Größe\\> \\*x\\*"\n\n')
    assert f"## Question 1\n\n> {QUESTION}\n\n## Answer 1\n\n*" in text
    assert "## Question 2\n\n> How many people\n> were employed?\n" in text
    assert "## Question 3\n\n> # And now?\n" in text
    [citation] = asked["citations"]
    assert asked["output"].replace("[1]", "[^1-1]") in text
    words = citation["quote"].replace("#", "\\#")
    assert f"\n[^1-1]: report.md, page 1: \u201c{words}\u201d\n" in text
    assert "\n[^2-1]: report.md, page 1: " in text
    assert cleo.get(f"{CHAT}{chat}/export?format=markdown").text == text


@row("chat_export")
def test_a_file_loads_nothing_from_strangers(
    cleo: Client, chat: int, contract_database: str
) -> None:
    said = (
        "![i](http://x.org/i.png) <img src=http://x.org/i.png> `vec![1]`",
        "Yes![1]",
        "Twice `a\n![i](http://x.org/i.png)`",  # code by its line, an image by its paragraph
        "```rust\nvec![1]",
        "```\n![i](http://x.org/i.png)\n```",  # the block above ends where its answer does
    )
    with psycopg.connect(contract_database) as connection:
        for number, content in enumerate(said):
            for role in ("user", "assistant"):
                connection.execute(
                    "INSERT INTO message (public_id, thread_id, role, status, content, citations)"
                    " SELECT %s, thread_id, %s, 'complete', %s, %s FROM chat WHERE id = %s",
                    [f"msg_{role}_{chat}_{number}", role, content, CITED, chat],
                )
    text = cleo.get(f"{CHAT}{chat}/export/").text
    first = "!\\[i](http://x.org/i.png) &lt;img src=http://x.org/i.png> `vec![1]`"
    assert f"> {first}\n" in text
    assert f"*\n\n{first}\n" in text
    assert "Yes! [^2-1]\n" in text
    assert "\n\nTwice `a\n!\\[i](http://x.org/i.png)`\n" in text
    assert "\n\n```rust\nvec![1]\n```\n" in text
    assert "\n\n```\n![i](http://x.org/i.png)\n```\n" in text
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = {part.type for token in tokens for part in (token, *(token.children or ()))}
    assert not found & {"image", "html_inline", "html_block"}
    shown = cleo.get(f"{CHAT}{chat}/export/?format=json").json()["messages"]
    assert [one["content"] for one in shown[::2]] == list(said)


@row("chat_export")
def test_a_chat_as_json(cleo: Client, assistant: int, chat: int) -> None:
    path = f"{CHAT}{chat}/export/?format=json"
    empty = cleo.get(path)
    assert empty.json() == cleo.get(f"{CHAT}{chat}/").json()
    cleo.ask(chat, assistant, QUESTION)
    found = cleo.get(path)
    assert found.headers["content-type"] == "application/json"
    assert found.headers["content-disposition"].endswith(".json")
    assert found.json() == cleo.get(f"{CHAT}{chat}/").json()


@row("chat_export")
def test_a_long_chat_is_whole(cleo: Client, chat: int, contract_database: str) -> None:
    with psycopg.connect(contract_database) as connection:
        connection.execute(
            "INSERT INTO message (public_id, thread_id, role, status, content)"
            " SELECT 'msg_' || %(chat)s || '_' || n, thread_id,"
            " CASE n %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete', 'said ' || n"
            " FROM chat, generate_series(1, 301) n WHERE chat.id = %(chat)s ORDER BY n",
            {"chat": chat},
        )
    found = cleo.get(f"{CHAT}{chat}/export/?format=json").json()["messages"]
    assert [one["content"] for one in found] == [f"said {n}" for n in range(1, 302)]
    text = cleo.get(f"{CHAT}{chat}/export/").text
    assert re.findall(r"said \d+", text) == ["said 1", *(f"said {n}" for n in range(1, 302))]
    assert "## Answer 150\n" in text


@row("chat_export", "error.foreign_id")
def test_what_is_not_written_out(cleo: Client, bob: Client, chat: int) -> None:
    wrong = '{"format":["\\"pdf\\" is not a valid choice."]}'
    exactly(cleo.get(f"{CHAT}{chat}/export/?format=pdf"), 400, wrong)
    exactly(bob.get(f"{CHAT}{chat}/export/"), 404, NO_CHAT)
    exactly(cleo.get(f"{CHAT}-1/export/"), 404, NO_CHAT)


@row("chat_html", "stream")
def test_answers_as_html(cleo: Client, assistant: int, chat: int) -> None:
    path, asked = f"{CHAT}{chat}/", {"assistant_id": assistant, "input": QUESTION}
    plain = cleo.put(path, json=asked).json()
    assert " ".join(plain) == ANSWER_KEYS
    whole = cleo.put(f"{path}?html=true", json=asked).json()
    assert " ".join(whole) == f"{ANSWER_KEYS} html"
    words, _, _ = whole["output"].partition(" [1]")
    mark = '<a class="mark" href="#citation-1" data-index="1">1</a>'
    assert whole["html"] == f"<p>{words} {mark}</p>\n"
    (_, start), *_, (last, done) = events(cleo.put(f"{path}?html=1", json=asked | {"stream": True}))
    assert (last, done["html"]) == ("done", whole["html"])
    (*_, (_, without)) = events(cleo.put(path, json=asked | {"stream": True}))
    assert "html" not in without
    messages = cleo.get(f"{path}?html=true").json()["messages"]
    assert [one.get("html") for one in messages[:4]] == [None, whole["html"]] * 2
    assert "html" not in messages[0]
    assert "html" not in cleo.get(path).text
    one = cleo.get(f"{path}messages/{start['message_id']}/?html=true").json()
    assert one == messages[5]
    assert "html" not in cleo.get(f"{path}messages/{start['message_id']}/?html=false").json()


@row("chat_html")
def test_an_answer_without_support_is_marked(
    cleo: Client, chat: int, contract_database: str
) -> None:
    with psycopg.connect(contract_database) as connection:
        connection.execute(
            "INSERT INTO message (public_id, thread_id, role, status, content, claims, citations)"
            " SELECT 'msg_html', thread_id, 'assistant', 'complete', %s, %s, '[]' FROM chat"
            " WHERE id = %s",
            [
                "- <b>So</b> ![i](http://x.org/i.png)",
                '[{"start":2,"end":11,"supported":false,"reason":"no_match","citations":[]}]',
                chat,
            ],
        )
    found = cleo.get(f"{CHAT}{chat}/messages/msg_html/?html=true").json()["html"]
    marked = '<span class="unsupported" data-reason="no_match">&lt;b&gt;So&lt;/b&gt;</span>'
    assert found == f"<ul>\n<li>{marked} i</li>\n</ul>\n"


@row("chat_html", "paging")
def test_html_goes_on_with_the_list(cleo: Client, assistant: int, chat: int) -> None:
    cleo.ask(chat, assistant, QUESTION)
    first = cleo.get(f"{CHAT}{chat}/?html=true&limit=1")
    [answer] = cleo.get(first.links["next"]["url"]).json()["messages"]
    assert answer["html"].startswith("<p>")


@row("chat_html", "idempotency")
@pytest.mark.parametrize("streams", [False, True])
def test_a_replay_is_html_where_that_is_asked_for(
    cleo: Client, assistant: int, chat: int, *, streams: bool
) -> None:
    path, key = f"{CHAT}{chat}/", {"Idempotency-Key": f"html-{streams}"}
    asked = {"assistant_id": assistant, "input": QUESTION}
    first = cleo.put(path, json=asked, headers=key).json()
    more = {"Accept": "text/event-stream"} if streams else {}
    again = cleo.put(f"{path}?html=true", json=asked, headers=key | more)
    found = events(again)[-1][1] if streams else again.json()
    assert found.pop("html").startswith("<p>")
    assert found == first
    assert cleo.put(path, json=asked, headers=key).json() == first


@row("chat_html", "error.foreign_id")
def test_neither_yes_nor_no(cleo: Client, bob: Client, assistant: int, chat: int) -> None:
    path, asked = f"{CHAT}{chat}/", {"assistant_id": assistant, "input": QUESTION}
    exactly(cleo.put(f"{path}?html=maybe", json=asked), 400, WRONG_BOOLEAN)
    exactly(cleo.get(f"{path}?html="), 400, WRONG_BOOLEAN)
    exactly(cleo.get(f"{path}messages/msg_x/?html=2"), 400, WRONG_BOOLEAN)
    exactly(bob.put(f"{path}?html=maybe", json=asked), 404, NO_CHAT)
    assert cleo.get(path).json()["messages"] == []
