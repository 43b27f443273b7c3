"""Deletions among uploads, replacements and readings: each is whole, and so is the rest."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deletion.everywhere import data_of, in_database, in_folder
from support.server import API, Client, Server, server_environment
from support.starter import run
from support.waiting import eventually


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Documents are in work for a while."""
    return {"AICONVOKIT_EMBEDDING_MODEL": "fake@150"}


def text(number: int, word: str = "flat") -> bytes:
    lines = (f"The rent of {word} {number}.{one} is EUR {one} a month." for one in range(1500))
    return "\n\n".join(lines).encode()


def checked(server: Server, database: str) -> dict[str, Any]:
    """What `aiconvokit check` says beside the server."""
    environment = server_environment("", database, "http://127.0.0.1:9")
    environment["AICONVOKIT_DATA_DIR"] = str(data_of(server))
    done = run(["check", "--json"], environment, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


CLEAN = {"ok": True, "findings": []}


def test_everything_at_once(ann: Client, server: Server, database: str) -> None:
    made = ann.assistant()
    path = f"{API}/assistants/{made['id']}/documents/"

    def put(*numbers: int, word: str = "flat") -> int:
        files = [("files", (f"{one}.txt", text(one, word))) for one in numbers]
        return ann.post(path, files=files).status_code

    def ids() -> dict[str, str]:
        return {one["filename"]: one["url"] for one in ann.get(path).json()}

    assert put(*range(6)) == 201
    eventually(lambda: any(one["status"] == "processing" for one in ann.get(path).json()))
    there = ids()
    with ThreadPoolExecutor(12) as elsewhere:
        looks = [elsewhere.submit(checked, server, database) for _ in range(2)]
        gone = [
            (elsewhere.submit(ann.delete, there[name]), elsewhere.submit(ann.delete, there[name]))
            for name in ("0.txt", "1.txt", "2.txt")
        ]
        replaced = [elsewhere.submit(put, one, word="house") for one in (1, 3, 4)]
        answers = [
            {first.result().status_code, second.result().status_code} for first, second in gone
        ]
        assert answers == [{204, 404}] * 3
        assert [one.result() for one in replaced] == [201, 201, 201]
        assert [one.result() for one in looks] == [CLEAN, CLEAN]
    found = {one["filename"]: one["status"] for one in ann.read(made["id"])["documents"]}
    assert set(found) - {"1.txt"} == {"3.txt", "4.txt", "5.txt"}
    assert set(found.values()) == {"ready"}
    assert checked(server, database) == CLEAN
    results = ann.post(
        f"{API}/assistants/{made['id']}/search/", json={"query": "rent", "limit": 50}
    )
    assert {one["filename"] for one in results.json()["results"]} <= set(found)


def test_a_document_in_work_leaves_nothing(ann: Client, server: Server, database: str) -> None:
    made = ann.assistant()
    path = f"{API}/assistants/{made['id']}/documents/"
    files = {"files": ("a.txt", text(1, "quillwort"))}
    url = ann.post(path, files=files).json()[0]["url"]
    staged = "chunk_stage: "
    eventually(lambda: any("quillwort" in one and staged in one for one in in_database(database)))
    assert ann.delete(url).status_code == 204
    for _ in range(2):
        assert not [one[:80] for one in in_database(database) if "quillwort" in one]
        assert not [one[:80] for one in in_folder(data_of(server)) if "quillwort" in one]
        assert checked(server, database) == CLEAN
