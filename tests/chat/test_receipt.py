"""Receipts of answers that a model wrote, or failed to; what a trace becomes."""

import threading
from typing import Any

import pytest

from aiconvokit.chat.prompt import Said
from aiconvokit.chat.proof import Source
from aiconvokit.chat.receipt import Trace, documents_in, draw
from aiconvokit.config import Limits
from aiconvokit.llm.chat_model import ChatMessage
from fake_model.server import FakeModel
from support.databases import clone
from support.passages import passage
from support.server import API, Client, client_with_model
from support.waiting import eventually

TEXT = b"# Supply contract\n\nThe price of one pump is EUR 1,250 until 31 December 2026.\n"
QUESTION = "What is the price of one pump?"
REPLY = "The price of one pump is EUR 1,250 until 31 December 2026 [1]."


def test_what_the_budget_cut_was_found_and_not_sent() -> None:
    found = [passage(chunk_id=number, document_id=7) for number in (11, 12, 13)]
    sent = [Source(index, one, one.text) for index, one in enumerate(found[:2], start=1)]
    drawn = draw(Trace(found=found, sent=sent), "msg_1", Limits(), "fake", None)
    assert [(one.rank, one.sent) for one in drawn.passages] == [(1, True), (2, True), (3, False)]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (
            Trace(
                found=[
                    passage(document_id=7),
                    passage(document_id=8),
                    passage(document_id=7),
                ]
            ),
            {7, 8},
        ),
        (
            Trace(found=[passage(document_id=7)], messages=[ChatMessage("user", "?")]),
            {5, 6, 7},
        ),
        (Trace(rewritten="And the price?"), {5, 6}),
        (Trace(), set()),
    ],
)
def test_the_words_of_a_conversation_are_those_of_what_it_cites(
    trace: Trace, expected: set[int]
) -> None:
    history = [Said("user", "?"), Said("assistant", "!", (5, 6)), Said("user", "?")]
    assert documents_in(trace, history) == expected


PARTS = {"embed", "search", "first_token", "model", "attribution", "total"}


def test_a_receipt_holds_exactly_what_the_model_was_sent(
    with_model: Client, fake: FakeModel
) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    chat = with_model.chat(assistant["id"])
    fake.script(REPLY)
    for question in (QUESTION, "Until when does this price hold?"):
        asked = with_model.ask(chat, assistant["id"], question)
        found = with_model.receipt(chat, asked["message_id"])
        sent = [one for one in fake.requests() if one.path == "/v1/chat/completions"][-1]
        assert found["messages"] == sent.body["messages"]
        assert (found["model"], found["usage"]) == (asked["model"], asked["usage"])
        assert found["parameters"]["model"] == sent.body["model"] == "fake@700"
        assert set(found["milliseconds"]) == PARTS
        assert found["milliseconds"]["total"] >= found["milliseconds"]["model"] >= 700


def test_deleting_a_document_empties_the_prompt_that_held_it(
    with_model: Client, fake: FakeModel
) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    chat = with_model.chat(assistant["id"])
    fake.script(REPLY)
    asked = with_model.ask(chat, assistant["id"], QUESTION)
    before = with_model.receipt(chat, asked["message_id"])
    assert "1,250" in str(before["messages"])
    with_model.delete(assistant["documents"][0]["url"])
    after = with_model.receipt(chat, asked["message_id"])
    assert (after["redacted"], after["messages"]) == (True, [])
    for name in ("model", "usage", "parameters", "milliseconds", "space"):
        assert after[name] == before[name]


def test_a_document_deleted_while_the_model_writes(with_model: Client, fake: FakeModel) -> None:
    assistant = with_model.assistant(contract_md=TEXT)
    chat = with_model.chat(assistant["id"])
    fake.script(REPLY)
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(
        target=lambda: answers.append(with_model.ask(chat, assistant["id"], QUESTION))
    )
    asking.start()
    eventually(lambda: any(one.path == "/v1/chat/completions" for one in fake.requests()))
    with_model.delete(assistant["documents"][0]["url"])
    asking.join()
    found = with_model.receipt(chat, answers[0]["message_id"])
    assert (found["redacted"], found["messages"]) == (True, [])
    assert [one["sha256"] for one in found["passages"]] == [None]


def test_an_answer_that_failed_has_a_receipt_of_how_far_it_came(
    cluster_url: str, fake: FakeModel
) -> None:
    with client_with_model(clone(cluster_url), fake.base_url, "fake:401") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        body = {"assistant_id": assistant["id"], "input": QUESTION}
        assert client.put(f"{API}/chat/{chat}/", json=body).status_code == 502
        failed = client.get(f"{API}/chat/{chat}/").json()["messages"][1]
        found = client.receipt(chat, failed["id"])
        assert (found["model"], found["parameters"]["model"]) == (None, "fake:401")
        assert "1,250" in found["messages"][1]["content"]
        assert [one["sent"] for one in found["passages"]] == [True]
        assert set(found["milliseconds"]) == {"embed", "search", "model", "total"}
        assert "sk-test-secret" not in str(found)
