"""`/assistants/{id}/retrieval/`: the language of an assistant's documents, and its glossary."""

import json
import time
from typing import Any

import psycopg
import pytest

from contract.conftest import Closed
from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from ingestion.language import CONFIGURATIONS
from support.server import API, INGEST_SECONDS, Client

ENGLISH = b"# Lease\n\nThe tenants shall pay the rent of this house to the landlord.\n"
GERMAN = "# Vertrag\n\nDie Verträge über die Häuser sind von den Mietern zu zahlen.\n".encode()
MINUTES = b"# Minutes\n\nThe board met in Zwolle, and the meeting was closed at noon.\n"
OWN = [{"says": ["tenancy"], "means": ["lease", "rent"]}]


def path_of(assistant_id: int) -> str:
    return f"{API}/assistants/{assistant_id}/retrieval/"


def settled(client: Client, path: str) -> dict[str, Any]:
    """The settings once no change of the language waits any more."""
    deadline = time.monotonic() + INGEST_SECONDS
    while True:
        found: dict[str, Any] = client.get(path).json()
        if not found["language_changing"]:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def empty(ann: Client) -> str:
    return path_of(ann.assistant()["id"])


@row("retrieval", "compact", "slashes")
def test_settings_of_a_new_assistant(ann: Client, empty: str) -> None:
    answer = ann.get(empty)
    found = answer.json()
    assert found["glossary"][0] == {
        "says": ["P&L", "P&L statement", "profit and loss"],
        "means": ["income statement", "statements of operations"],
    }
    glossary = json.dumps(found["glossary"], separators=(",", ":"), ensure_ascii=False)
    languages = json.dumps(list(CONFIGURATIONS), separators=(",", ":"))
    exactly(
        answer,
        200,
        '{"language":null,"language_changing":false,"glossary_source":"built_in",'
        f'"glossary":{glossary},"languages":{languages}}}',
    )
    exactly(ann.get(empty.rstrip("/")), 200, answer.text)


@row("retrieval")
def test_the_language_is_that_of_the_documents(ann: Client, contract_database: str) -> None:
    made = ann.assistant(a_md=GERMAN)["id"]
    path = path_of(made)
    assert ann.get(path).json()["language"] == "german"
    assert is_found(contract_database, made, "haus")

    changing = ann.put(path, json={"language": "english"})
    assert changing.status_code == 200
    assert settled(ann, path)["language"] == "english"
    assert not is_found(contract_database, made, "haus")

    assert ann.put(path, json={"language": None}).status_code == 200
    assert settled(ann, path)["language"] == "german"
    assert is_found(contract_database, made, "haus")


def is_found(database: str, assistant_id: int, lexeme: str) -> bool:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM chunk JOIN assistant_collection USING (collection_id)"
            " WHERE assistant_id = %s AND tsv @@ %s::tsquery)",
            [assistant_id, f"'{lexeme}'"],
        ).fetchone()
    return bool(row and row[0])


@row("retrieval")
def test_what_is_as_it_should_be_is_not_done_again(ann: Client) -> None:
    path = path_of(ann.assistant(a_md=ENGLISH)["id"])
    same = ann.put(path, json={"language": "english"}).json()
    assert (same["language"], same["language_changing"]) == ("english", False)
    assert ann.put(path, json={}).json() == same


@row("retrieval", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_glossary_of_ones_own(ann: Client, encoding: str) -> None:
    path = path_of(ann.assistant()["id"])
    given = OWN if encoding == "json" else json.dumps(OWN)
    found = send(ann, "PUT", path, {"glossary": given}, encoding).json()
    assert (found["glossary_source"], found["glossary"]) == ("owner", OWN)
    assert ann.get(path).json() == found
    assert ann.put(path, json={"glossary": []}).json()["glossary"] == []
    back = ann.put(path, json={"glossary": None}).json()
    assert (back["glossary_source"], len(back["glossary"]) > 1) == ("built_in", True)


@row("retrieval", "search")
def test_a_search_looks_for_what_the_glossary_means(ann: Client) -> None:
    made = ann.assistant(lease_md=ENGLISH, minutes_md=MINUTES)["id"]

    def found_by(means: str) -> str:
        glossary = [{"says": ["tenancy"], "means": [means]}]
        assert ann.put(path_of(made), json={"glossary": glossary}).status_code == 200
        query = {"query": "What is said about the tenancy?"}
        results = ann.post(f"{API}/assistants/{made}/search/", json=query).json()["results"]
        return str(results[0]["filename"])

    assert found_by("rents to a landlord") == "lease.md"
    assert found_by("meeting of a board") == "minutes.md"


@row("retrieval")
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"language": "klingon"}, '{"language":["\\"klingon\\" is not a valid choice."]}'),
        ({"language": ""}, '{"language":["This field may not be blank."]}'),
        ({"language": 1}, '{"language":["Not a valid string."]}'),
        (
            {"glossary": "[", "language": "x"},
            (
                '{"language":["\\"x\\" is not a valid choice."],'
                '"glossary":["Value must be valid JSON."]}'
            ),
        ),
        (
            {"glossary": {}},
            '{"glossary":["Expected a list of items but got type \\"dict\\"."]}',
        ),
        (
            {"glossary": [*OWN, {"says": ["a"], "means": [" "]}]},
            '{"glossary":["Entry 2, means: This field may not be blank."]}',
        ),
    ],
)
def test_what_is_wrong_changes_nothing(
    ann: Client, empty: str, fields: dict[str, Any], problem: str
) -> None:
    before = ann.get(empty).text
    exactly(ann.put(empty, json=fields), 400, problem)
    exactly(ann.get(empty), 200, before)


@row("retrieval", "error.foreign_id", "error.no_credentials")
def test_others_do_not_see_it(ann: Client, bob: Client, nobody: Client, empty: str) -> None:
    assert ann.get(empty).status_code == 200
    unknown = '{"detail":"No Assistant matches the given query."}'
    exactly(bob.get(empty), 404, unknown)
    exactly(bob.put(empty, json={"glossary": OWN}), 404, unknown)
    stranger = '{"detail":"Authentication credentials were not provided."}'
    exactly(nobody.put(empty, json={}), 401, stranger)


@row("retrieval", "shared", "codes")
def test_of_a_shared_assistant_only_the_owner_changes_it(closed: Closed) -> None:
    for name in ("rosa", "sven"):
        assert closed.users("create", name).returncode == 0
    with closed.login("rosa") as rosa, closed.login("sven") as sven:
        made = rosa.assistant()
        path = path_of(made["id"])
        forbidden = '{"detail":"Only the owner of an assistant can change it.","code":"forbidden"}'
        exactly(sven.get(path), 403, forbidden)
        exactly(sven.put(path, json={"glossary": OWN}), 403, forbidden)
        assert rosa.get(path).json()["glossary_source"] == "built_in"
        assert rosa.delete(f"{API}/assistants/{made['id']}/").status_code == 204
    for name in ("rosa", "sven"):
        assert closed.users("delete", name).returncode == 0
