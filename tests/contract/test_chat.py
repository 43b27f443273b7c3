"""Chats, answers, and what deleting does to them."""

import json
import re
from typing import Any

import httpx
import pytest

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client, Server

CHAT = f"{API}/chat/"
TEXT = b"# Report\n\nThe group employed 1,204 people at the end of the year.\n"
QUESTION = "How many people were employed?"
ANSWER_KEYS = (
    "id absolute_url thread_id input output citations claims message_id model usage finish_reason"
    " passages milliseconds"
)
CITATION_KEYS = "index document_id version stale filename page quote start end url"
ITEM_KEYS = "id absolute_url thread_id assistant_id title created_at updated_at"
REDACTED = "[redacted: a cited document was deleted]"


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    return int(ann.assistant(report_md=TEXT)["id"])


@row("chat.create", "bodies", "slashes", "error.assistant_id")
@pytest.mark.parametrize("path", [CHAT, CHAT.rstrip("/")])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_beginning_a_chat(
    server: Server, ann: Client, assistant: int, encoding: str, path: str
) -> None:
    for given in (assistant, str(assistant)):
        answer = send(ann, "POST", path, {"assistant_id": given}, encoding)
        number, thread = answer.json()["id"], answer.json()["thread_id"]
        assert re.fullmatch(r"thread_[0-9A-Za-z]{24}", thread)
        address = f"{server.base_url}/api/v1/chat/{number}/"
        expected = f'{{"id":{number},"absolute_url":"{address}","thread_id":"{thread}"}}'
        exactly(answer, 201, expected)


@row("chat.ask", "bodies", "slashes", "compact", "citations", "claims", "answer_additions")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_asking(server: Server, ann: Client, assistant: int, encoding: str, slash: str) -> None:
    begun = ann.post(CHAT, json={"assistant_id": assistant}).text
    chat = int(ann.get(CHAT).json()[0]["id"])
    asked = {"assistant_id": assistant, "input": QUESTION}
    answer = send(ann, "PUT", f"{CHAT}{chat}{slash}", asked, encoding)
    found = answer.json()
    assert (answer.status_code, " ".join(found)) == (200, ANSWER_KEYS)
    assert answer.text.startswith(f'{begun[:-1]},"input":"{QUESTION}","output":"')
    assert re.fullmatch(r"msg_[0-9A-Za-z]{24}", found["message_id"])
    assert found["model"] == "extractive"
    citation = found["citations"][0]
    assert " ".join(citation) == CITATION_KEYS
    page = ann.get(citation["url"]).json()["text"]
    assert page[citation["start"] : citation["end"]] == citation["quote"]
    [claim] = found["claims"]
    assert " ".join(claim) == "start end supported reason citations"
    assert "1,204 people" in found["output"][claim["start"] : claim["end"]]
    assert claim["citations"] == [citation["index"]]


def events(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """The names and data of server-sent events."""
    found = re.findall(r"^event: (\w+)\ndata: (.+)\n\n", answer.text, re.MULTILINE)
    return [(name, json.loads(data)) for name, data in found]


@row("stream")
@pytest.mark.parametrize(
    ("more", "headers"),
    [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})],
    ids=["field", "header"],
)
def test_asking_for_a_stream(
    ann: Client, assistant: int, more: dict[str, object], headers: dict[str, str]
) -> None:
    chat = ann.chat(assistant)
    asked = {"assistant_id": assistant, "input": QUESTION, **more}
    answer = ann.put(f"{CHAT}{chat}/", json=asked, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    (first, start), *between, (last, done) = events(answer)
    assert (first, " ".join(start)) == ("start", "chat_id message_id passages")
    assert (last, " ".join(done)) == ("done", ANSWER_KEYS)
    assert (start["chat_id"], start["message_id"]) == (chat, done["message_id"])
    deltas = [data["text"] for name, data in between if name == "delta"]
    assert "1,204 people" in done["output"]
    assert "".join(deltas) == done["output"]
    assert [data for name, data in between if name == "citation"] == done["citations"]
    stored = ann.get(f"{CHAT}{chat}/").json()["messages"][1]
    assert (stored["content"], stored["status"]) == (done["output"], "complete")


@row("assistant_object")
def test_answered_questions_are_counted(ann: Client) -> None:
    made = ann.assistant(report_md=TEXT)
    ann.ask(ann.chat(made["id"]), made["id"], QUESTION)
    assert ann.get(f"{API}/assistants/{made['id']}/").json()["query_count"] == 1


@row("error.chat_unknown_assistant")
@pytest.mark.parametrize("number", [-1, 0, 2**31, 2**63 - 1])
def test_a_chat_with_an_unknown_assistant(ann: Client, number: int) -> None:
    answer = ann.post(CHAT, json={"assistant_id": number})
    exactly(answer, 404, '{"detail":"No Assistant matches the given query."}')


@row("error.chat_other_assistant", "error.missing", "error.blank", "error.too_long")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_wrong_questions(ann: Client, assistant: int, encoding: str) -> None:
    path = f"{CHAT}{ann.chat(assistant)}/"
    other = ann.assistant("Other")["id"]
    for given in (other, 2**40):
        answer = send(ann, "PUT", path, {"assistant_id": given, "input": "Who?"}, encoding)
        exactly(answer, 400, '{"assistant_id":["This chat belongs to another assistant."]}')
    required = '["This field is required."]'
    missing = f'{{"assistant_id":{required},"input":{required}}}'
    exactly(send(ann, "PUT", path, {}, encoding), 400, missing)
    for value, sentence in (
        ("\n", "This field may not be blank."),
        ("x" * 100_001, "Ensure this field has no more than 100000 characters."),
    ):
        answer = send(ann, "PUT", path, {"assistant_id": assistant, "input": value}, encoding)
        exactly(answer, 400, f'{{"input":["{sentence}"]}}')
    assert ann.get(path).json()["messages"] == []


@row("chat_list", "paging")
def test_own_chats_newest_first(server: Server) -> None:
    with server.login("chatter") as client:
        exactly(client.get(CHAT), 200, "[]")
        assistant = client.assistant()["id"]
        made = [client.chat(assistant) for _ in range(3)]
        first = client.get(CHAT, params={"limit": 2})
        assert " ".join(first.json()[0]) == ITEM_KEYS
        rest = client.get(first.links["next"]["url"])
        assert [one["id"] for one in first.json() + rest.json()] == made[::-1]
        assert "link" not in rest.headers


@row("chat_detail", "times", "paging")
def test_a_chat_with_its_messages(ann: Client, assistant: int) -> None:
    chat = ann.chat(assistant)
    asked = ann.ask(chat, assistant, QUESTION)
    path = f"{CHAT}{chat}/"
    found = ann.get(path).json()
    assert " ".join(found) == f"{ITEM_KEYS} messages"
    question, answer = found["messages"]
    assert (question["role"], question["content"]) == ("user", QUESTION)
    assert (answer["role"], answer["content"]) == ("assistant", asked["output"])
    assert answer["id"] == asked["message_id"]
    assert (answer["citations"], answer["claims"]) == (asked["citations"], asked["claims"])
    assert re.fullmatch(r"[-\dT:]+\.\d{6}Z", answer["created_at"])
    first = ann.get(path, params={"limit": 1})
    rest = ann.get(first.links["next"]["url"])
    assert first.json()["messages"] + rest.json()["messages"] == [question, answer]


def removed(client: Client, answer: httpx.Response) -> dict[str, object]:
    """What a deletion lists: the numbers and ids that are not zero or empty."""
    assert (answer.status_code, answer.content) == (204, b"")
    listed = client.get(answer.headers["location"])
    assert listed.status_code == 200
    found = listed.json()
    assert list(found) == ["id", "kind", "object_id", "removed", "created_at"]
    return {name: value for name, value in found["removed"].items() if value}


@row("chat_delete", "deletion")
def test_deleting_a_chat(ann: Client, bob: Client, assistant: int) -> None:
    chat = ann.chat(assistant)
    ann.ask(chat, assistant, QUESTION)
    gone = ann.delete(f"{CHAT}{chat}/")
    assert removed(ann, gone) == {"chats": [chat], "messages": 2}
    exactly(ann.get(f"{CHAT}{chat}/"), 404, '{"detail":"No Chat matches the given query."}')
    foreign = bob.get(gone.headers["location"])
    exactly(foreign, 404, '{"detail":"No Deletion matches the given query."}')


@row("assistant_delete", "assistant_gone", "deletion")
def test_deleting_an_assistant(ann: Client) -> None:
    made = ann.assistant(report_md=TEXT + b"Its own.\n")
    [document] = made["documents"]
    chat = ann.chat(made["id"])
    ann.ask(chat, made["id"], QUESTION)
    path = f"{API}/assistants/{made['id']}/"
    assert removed(ann, ann.delete(path)) == {
        "assistants": [made["id"]],
        "documents": [document["id"]],
        "chats": [chat],
        "messages": 2,
        "pages": 1,
        "passages": 1,
        "files": 1,
    }
    unknown = '{"detail":"No Assistant matches the given query."}'
    for address in (path, document["url"], f"{document['url']}pages/1/"):
        exactly(ann.get(address), 404, unknown)
    exactly(ann.get(f"{CHAT}{chat}/"), 404, '{"detail":"No Chat matches the given query."}')
    exactly(ann.delete(path), 404, unknown)


@row("redaction", "documents", "deletion")
def test_answers_lose_the_words_of_a_deleted_document(ann: Client) -> None:
    made = ann.assistant(report_md=TEXT)
    [document] = made["documents"]
    chat = ann.chat(made["id"])
    assert "1,204" in ann.ask(chat, made["id"], QUESTION)["output"]
    gone = removed(ann, ann.delete(document["url"]))
    assert gone["redacted_answers"] == 1
    exactly(ann.get(document["url"]), 404, '{"detail":"No Document matches the given query."}')
    stored = ann.get(f"{CHAT}{chat}/")
    assert "1,204" not in stored.text
    answer = stored.json()["messages"][1]
    assert (answer["status"], answer["content"], answer["claims"]) == ("redacted", REDACTED, [])
    [citation] = answer["citations"]
    assert (citation["quote"], citation["stale"]) == (REDACTED, True)


@row("versions", "known_filename")
def test_an_old_citation_is_stale_and_its_page_stays(ann: Client) -> None:
    made = ann.assistant(report_md=TEXT)
    chat = ann.chat(made["id"])
    [old, *_] = ann.ask(chat, made["id"], QUESTION)["citations"]
    newer = TEXT.replace(b"1,204", b"1,377")
    ann.post(f"{API}/assistants/{made['id']}/documents/", files=[("files", ("report.md", newer))])
    [document] = ann.read(made["id"])["documents"]
    assert (document["id"], document["version"]) == (old["document_id"], 2)
    [stored, *_] = ann.get(f"{CHAT}{chat}/").json()["messages"][1]["citations"]
    assert stored["stale"] is True
    page = ann.get(stored["url"], params={"version": stored["version"]}).json()["text"]
    assert page[stored["start"] : stored["end"]] == stored["quote"]
    assert "1,377" in ann.get(stored["url"]).json()["text"]
    wrong = ann.get(stored["url"], params={"version": 3})
    exactly(wrong, 404, '{"detail":"Not found."}')
