"""How an answer came about, who may read it, and what deleting takes out of it."""

import hashlib
from typing import Any

import psycopg
import pytest

from contract.rows import row
from contract.wire import exactly
from support.server import API, Client

CHAT = f"{API}/chat/"
REPORT = b"# Report\n\nThe group employed 1,204 people at the end of the year.\n"
CORRECTION = b"# Erratum\n\nThe auditor of the accounts is Fabrikam, not Contoso.\n"
QUESTION = "How many people were employed?"
KEYS = "message_id redacted rewritten space passages messages model parameters usage milliseconds"
PASSAGE_KEYS = (
    "rank document_id version filename page start end heading sha256 score dense lexical sent"
)
PARAMETER_KEYS = "model chat_deadline_seconds prompt_passages passage_tokens history_tokens"
NO_MESSAGE = '{"detail":"No Message matches the given query."}'
NO_CHAT = '{"detail":"No Chat matches the given query."}'


def receipt_path(chat: int, message_id: str) -> str:
    return f"{CHAT}{chat}/messages/{message_id}/receipt/"


def receipts_in(database_url: str, message_id: str) -> int:
    with psycopg.connect(database_url) as connection:
        statement = "SELECT count(*) FROM receipt WHERE content ->> 'message_id' = %s"
        found = connection.execute(statement, [message_id]).fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module")
def made(ann: Client) -> dict[str, Any]:
    return ann.assistant(report_md=REPORT, correction_md=CORRECTION)


@row("receipt", "slashes")
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_receipt_without_a_model(ann: Client, made: dict[str, Any], slash: str) -> None:
    chat = ann.chat(made["id"])
    asked = ann.ask(chat, made["id"], QUESTION)
    answer = ann.get(receipt_path(chat, asked["message_id"]).rstrip("/") + slash)
    found = answer.json()
    assert (answer.status_code, " ".join(found)) == (200, KEYS)
    assert (found["message_id"], found["model"]) == (asked["message_id"], "extractive")
    assert (found["redacted"], found["rewritten"], found["usage"]) == (False, None, None)
    assert found["messages"] == []
    assert (found["space"]["model"], found["space"]["dim"]) == ("fake", 256)
    assert " ".join(found["parameters"]) == PARAMETER_KEYS
    assert found["parameters"]["model"] is None
    assert set(found["milliseconds"]) == {"embed", "search", "extract", "total"}
    assert [one["rank"] for one in found["passages"]] == [1, 2]
    assert [one["sent"] for one in found["passages"]] == [True, True]
    best = found["passages"][0]
    assert " ".join(best) == PASSAGE_KEYS
    assert (best["filename"], best["heading"], best["lexical"] > 0) == ("report.md", "Report", True)


@row("receipt")
def test_a_hash_is_that_of_the_place_it_names(ann: Client, made: dict[str, Any]) -> None:
    chat = ann.chat(made["id"])
    asked = ann.ask(chat, made["id"], QUESTION)
    documents = f"{API}/assistants/{made['id']}/documents/"
    for one in ann.get(receipt_path(chat, asked["message_id"])).json()["passages"]:
        page = ann.get(f"{documents}{one['document_id']}/pages/{one['page']}/").json()["text"]
        text = page[one["start"] : one["end"]]
        assert one["sha256"] == hashlib.sha256(text.encode()).hexdigest()


@row("receipt")
def test_an_answer_that_there_is_none_has_a_receipt(ann: Client, made: dict[str, Any]) -> None:
    chat = ann.chat(made["id"])
    asked = ann.ask(chat, made["id"], "Which vaccines were approved for children?")
    assert asked["citations"] == []
    found = ann.get(receipt_path(chat, asked["message_id"])).json()
    assert [one["rank"] for one in found["passages"]] == [1, 2]
    empty = ann.assistant("Without documents")["id"]
    chat = ann.chat(empty)
    message = ann.ask(chat, empty, QUESTION)["message_id"]
    assert ann.get(receipt_path(chat, message)).json()["passages"] == []


@row("receipt", "ownership", "error.unknown_id", "error.foreign_id")
def test_receipts_that_are_not_there(ann: Client, bob: Client, made: dict[str, Any]) -> None:
    chat, other = ann.chat(made["id"]), ann.chat(made["id"])
    answer = ann.ask(chat, made["id"], QUESTION)["message_id"]
    question = ann.get(f"{CHAT}{chat}/").json()["messages"][0]["id"]
    unknown = f"msg_{'0' * 24}"
    for message in (question, unknown, "1", "msg_", "%00", "%ED%A0%80", "x" * 2_000):
        exactly(ann.get(receipt_path(chat, message)), 404, NO_MESSAGE)
    exactly(ann.get(receipt_path(other, answer)), 404, NO_MESSAGE)
    for number in (0, 2**31, 2**63):
        exactly(ann.get(receipt_path(number, answer)), 404, NO_CHAT)
    exactly(bob.get(receipt_path(chat, answer)), 404, NO_CHAT)


@row("receipt_redaction", "deletion")
def test_a_receipt_loses_the_words_of_deleted_documents(ann: Client) -> None:
    made = ann.assistant(report_md=REPORT, correction_md=CORRECTION)
    chat = ann.chat(made["id"])
    path = receipt_path(chat, ann.ask(chat, made["id"], QUESTION)["message_id"])
    before = ann.get(path).json()
    urls = {document["filename"]: document["url"] for document in made["documents"]}

    ann.delete(urls["report.md"])
    answer = ann.get(path)
    assert "eport" not in answer.text
    report, correction = before["passages"]
    gone = {"filename": None, "heading": None, "sha256": None}
    expected = before | {"redacted": True, "passages": [report | gone, correction]}
    assert answer.json() == expected

    ann.delete(urls["correction.md"])
    expected["passages"] = [report | gone, correction | gone]
    assert ann.get(path).json() == expected


@row("receipt_redaction")
def test_a_document_that_was_found_and_not_cited_goes_too(ann: Client) -> None:
    made = ann.assistant(report_md=REPORT, correction_md=CORRECTION)
    chat = ann.chat(made["id"])
    asked = ann.ask(chat, made["id"], QUESTION)
    assert {one["filename"] for one in asked["citations"]} == {"report.md"}
    [url] = [one["url"] for one in made["documents"] if one["filename"] == "correction.md"]
    ann.delete(url)
    found = ann.get(receipt_path(chat, asked["message_id"]))
    assert found.json()["redacted"] is True
    assert "Erratum" not in found.text
    stored = ann.get(f"{CHAT}{chat}/").json()["messages"][1]
    assert (stored["status"], stored["content"]) == ("complete", asked["output"])


@row("receipt", "chat_delete", "assistant_delete")
def test_receipts_go_with_their_chat(ann: Client, contract_database: str) -> None:
    made = ann.assistant(report_md=REPORT)
    chats = [ann.chat(made["id"]) for _ in range(2)]
    first, second = (ann.ask(chat, made["id"], QUESTION)["message_id"] for chat in chats)
    ann.delete(f"{CHAT}{chats[0]}/")
    left = [receipts_in(contract_database, one) for one in (first, second)]
    assert left == [0, 1]
    ann.delete(f"{API}/assistants/{made['id']}/")
    assert receipts_in(contract_database, second) == 0
