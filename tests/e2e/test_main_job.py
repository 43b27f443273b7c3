"""The main job over the documented wire: a document, a question, an answer with its proof."""

import pytest

from support.server import API, Client

TEXT = b"""# Annual report 2024

## Liquidity

Cash and cash equivalents amounted to EUR 41.7 million on 31 December 2024.

## People

The group employed 1,204 people at the end of the year, 61 more than a year before.

## Dividend

The board proposes a dividend of EUR 0.85 per share for the financial year 2024.
"""


def test_an_answer_rests_on_a_quote_of_the_stored_page(ann: Client) -> None:
    assistant = ann.assistant(report_md=TEXT)
    document = assistant["documents"][0]
    assert (document["status"], document["pages"], document["error"]) == ("ready", 1, None)

    answer = ann.ask(ann.chat(assistant["id"]), assistant["id"], "How many people are employed?")

    assert "1,204 people" in answer["output"]
    citation = answer["citations"][0]
    page = ann.get(citation["url"]).json()
    assert page["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert "1,204" in citation["quote"]
    assert (citation["document_id"], citation["page"], citation["stale"]) == (
        document["id"],
        1,
        False,
    )
    assert answer["claims"][0]["supported"] is True
    assert answer["claims"][0]["citations"] == [1]


def test_what_the_documents_do_not_hold_is_not_invented(ann: Client) -> None:
    assistant = ann.assistant(report_md=TEXT)
    chat = ann.chat(assistant["id"])
    answer = ann.ask(chat, assistant["id"], "Which football club does the chairman support?")
    assert answer["output"] == "The documents do not answer this question."
    assert answer["citations"] == []


def test_search_shows_the_passages_best_first(ann: Client) -> None:
    assistant = ann.assistant(report_md=TEXT)
    found = ann.post(
        f"{API}/assistants/{assistant['id']}/search/", json={"query": "dividend per share"}
    )
    assert found.status_code == 200
    results = found.json()["results"]
    assert "dividend of EUR 0.85" in results[0]["text"]
    assert [one["score"] for one in results] == sorted(
        (one["score"] for one in results), reverse=True
    )


def test_a_replaced_document_keeps_its_id_and_makes_old_citations_stale(ann: Client) -> None:
    assistant = ann.assistant(report_md=TEXT)
    chat = ann.chat(assistant["id"])
    old = ann.ask(chat, assistant["id"], "How many people are employed?")["citations"][0]
    ann.put(
        f"{API}/assistants/{assistant['id']}/",
        data={"name": "Reports", "company_name": "Acme", "instructions": "Be brief."},
        files=[("files", ("report.md", TEXT.replace(b"1,204", b"1,377")))],
    )
    document = ann.read(assistant["id"])["documents"][0]
    assert (document["id"], document["version"]) == (old["document_id"], 2)

    again = ann.ask(chat, assistant["id"], "How many people are employed?")
    assert "1,377" in again["output"]
    stored = ann.get(f"{API}/chat/{chat}/").json()["messages"]
    assert stored[1]["citations"][0]["stale"] is True
    assert stored[3]["citations"][0]["stale"] is False
    page = ann.get(old["url"], params={"version": 1}).json()
    assert page["text"][old["start"] : old["end"]] == old["quote"]


def test_deleting_leaves_nothing_to_find(ann: Client) -> None:
    assistant = ann.assistant(report_md=TEXT)
    address = f"{API}/assistants/{assistant['id']}"
    document = assistant["documents"][0]
    assert ann.delete(f"{address}/documents/{document['id']}/").status_code == 204
    assert ann.get(document["url"]).status_code == 404
    assert ann.post(f"{address}/search/", json={"query": "dividend"}).json() == {"results": []}

    chat = ann.chat(assistant["id"])
    assert ann.delete(f"{address}/").status_code == 204
    assert ann.get(f"{API}/chat/{chat}/").status_code == 404


@pytest.mark.parametrize(
    "question",
    [
        "What is " + "A" * 3_000,
        "Ab " * 33_000,
        "Acme. " * 16_000,
        "\U00020000" * 100_000,
        " ".join(f"word{number}" for number in range(9_000)),
        "the of and",
        "?!",
        "\N{GRINNING FACE} \N{GRINNING FACE}",
    ],
    ids=["long word", "capitals", "names", "ideographs", "words", "stop words", "signs", "emoji"],
)
def test_a_question_of_any_shape_is_searched(ann: Client, question: str) -> None:
    assistant = ann.assistant(report_md=TEXT)
    path = f"{API}/assistants/{assistant['id']}/search/"
    assert ann.post(path, json={"query": question}).status_code == 200
