"""`aiconvokit ingest --sync`: a folder and an assistant in step, and nothing of anybody else's."""

import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import API, Server, running_server
from support.shell import Shell
from support.starter import run


def lease(number: int) -> bytes:
    return b"# Lease\n\nThe rent of flat %d is EUR %d a month.\n" % (number, 900 + number)


@pytest.fixture
def flags() -> tuple[str, ...]:
    return ("--recursive", "--sync")


def put(shell: Shell, *names: str) -> None:
    for name in names:
        (shell.docs / name).parent.mkdir(exist_ok=True)
        (shell.docs / name).write_bytes(lease(zlib.crc32(name.encode()) % 50_000))


def test_what_is_gone_goes_and_what_has_another_name_stays(shell: Shell) -> None:
    names = [f"{number}.md" for number in range(8)]
    put(shell, *names, "deep/a.md")
    assert shell.report()["new"] == [*names, "deep/a.md"]
    nothing = shell.report()
    assert (nothing["known"], nothing["deleted"], nothing["pages"]) == (
        [*names, "deep/a.md"],
        [],
        0,
    )

    before = shell.documents()
    (shell.docs / "0.md").unlink()
    (shell.docs / "1.md").rename(shell.docs / "deep" / "one.md")
    (shell.docs / "2.md").write_bytes(lease(77))
    put(shell, "new.md")
    would = shell.ingest("--dry-run").stdout
    assert "1 new, 1 changed, 1 renamed, 6 known already, 1 deleted" in would
    assert "would be deleted: 0.md" in would
    assert shell.documents() == before
    done = shell.report()
    assert (done["new"], done["changed"]) == (["new.md"], ["2.md"])
    assert (done["renamed"], done["deleted"]) == ({"1.md": "deep/one.md"}, ["0.md"])
    after = shell.documents()
    assert set(after) == {*names, "deep/a.md", "deep/one.md", "new.md"} - {"0.md", "1.md"}
    assert after["deep/one.md"] == (before["1.md"][0], 2, "ready")
    assert shell.count("chunk") == shell.count("vec_1") == len(after)
    assert shell.count("deletion") == 1
    assert len(shell.report()["known"]) == len(after)


def test_what_is_passed_over_is_not_gone(shell: Shell) -> None:
    put(shell, *(f"{number}.md" for number in range(3)), "deep/a.md")
    shell.report()
    done = shell.report("--exclude", "*.md", "--include", "*.txt")
    assert (done["known"], done["deleted"]) == ([], [])
    sidecar = shell.docs / "0.md.meta.json"
    sidecar.write_text("{")
    done = shell.report()
    assert (list(done["failed"]), done["deleted"]) == (["0.md"], [])
    sidecar.unlink()
    # It is remembered all the while.
    (shell.docs / "deep" / "a.md").unlink()
    assert shell.report()["deleted"] == ["deep/a.md"]


def test_an_empty_folder_deletes_nothing_unless_it_is_meant(shell: Shell) -> None:
    assert (empty := shell.ingest()).returncode == 2
    assert "No file there that can be read" in empty.stderr
    names = {f"{number}.md" for number in range(12)}
    put(shell, *names)
    shell.report()
    away = shell.docs.with_name("away")
    shell.docs.rename(away)
    assert "There is no file or folder" in shell.ingest().stderr
    shell.docs.mkdir()
    refused = shell.ingest()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "12 of 12 documents are gone" in refused.stderr
    assert shell.names() == names
    assert len(shell.report("--dry-run")["deleted"]) == 12
    shell.docs.rmdir()
    away.rename(shell.docs)

    for number in range(6):
        (shell.docs / f"{number}.md").unlink()
    put(shell, "new.md")
    assert "6 of 12 documents are gone" in shell.ingest().stderr
    assert shell.names() == names  # nothing was done, nor was the new file read
    done = shell.report("--yes")
    assert (len(done["deleted"]), done["new"]) == (6, ["new.md"])
    shutil.rmtree(shell.docs)
    shell.docs.mkdir()
    assert len(shell.report("--yes")["deleted"]) == 7
    assert (shell.names(), shell.count("chunk"), shell.count("file")) == (set(), 0, 0)


def test_two_folders_and_files_are_told_apart(shell: Shell) -> None:
    put(shell, "a.md", "b.md", "c.md")
    shell.report()
    other = shell.docs.with_name("other")
    other.mkdir()
    (other / "d.md").write_bytes(lease(1))
    first, shell.docs = shell.docs, other
    assert shell.report()["deleted"] == []
    shell.docs = first
    (first / "a.md").unlink()
    assert shell.report()["deleted"] == ["a.md"]
    assert shell.names() == {"b.md", "c.md", "d.md"}
    shell.docs = first / "b.md"
    assert "--sync takes one folder." in shell.ingest().stderr


def test_a_run_that_is_cut_off_goes_on(shell: Shell) -> None:
    shell.environment["AICONVOKIT_EMBEDDING_MODEL"] = "fake@300"
    names = [f"{number}.md" for number in range(10)]
    put(shell, *names)
    shell.cut_off()
    there = shell.names()
    (shell.docs / "0.md").unlink()
    done = shell.report()
    assert "0.md" in there
    assert done["deleted"] == ["0.md"]
    assert shell.names() == set(names[1:])
    assert shell.count("chunk") == shell.count("vec_1") == 9


@pytest.fixture
def beside(shell: Shell) -> Iterator[Server]:
    """A server on the same database and the same data folder."""
    folder = {"AICONVOKIT_DATA_DIR": shell.environment["AICONVOKIT_DATA_DIR"]}
    model = shell.environment["OPENAI_BASE_URL"]
    with running_server(shell.url, model, environment=folder) as server:
        yield server


def test_a_deleted_assistant_s_folder_is_forgotten(shell: Shell, beside: Server) -> None:
    synced = Path(shell.environment["AICONVOKIT_DATA_DIR"]) / "synced"
    put(shell, "a.md")
    with beside.login("ann") as ann:
        made = shell.report("--user", "ann")["assistant_id"]
        assert len(list(synced.iterdir())) == 1
        assert ann.delete(f"{API}/assistants/{made}/").status_code == 204
        assert list(synced.iterdir()) == []


def test_what_others_uploaded_stays(shell: Shell, beside: Server) -> None:
    with beside.login("ann") as ann:
        put(shell, *(f"{number}.md" for number in range(8)))
        made = shell.report("--user", "ann")["assistant_id"]
        documents = f"{API}/assistants/{made}/documents/"
        by_hand = [("files", ("hand.md", lease(1))), ("files", ("1.md", lease(2)))]
        assert ann.post(documents, files=by_hand).status_code == 201
        ann.read(made)
        chat = ann.chat(made)
        ann.ask(chat, made, "What is the rent of the flat?")
        # Gone: one that is as it was, and one that somebody replaced since.
        for name in ("0.md", "1.md"):
            (shell.docs / name).unlink()
        assert shell.report("--user", "ann")["deleted"] == ["0.md"]
        assert shell.names() == {"hand.md", *(f"{number}.md" for number in range(1, 8))}
        found = ann.post(f"{API}/assistants/{made}/search/", json={"query": "rent", "limit": 50})
        assert {one["filename"] for one in found.json()["results"]} == shell.names()
        deletion = ann.get(f"{API}/deletions/1/").json()
        assert (deletion["kind"], deletion["removed"]["files"]) == ("document", 1)
        checked = run(["check", "--json"], shell.environment, timeout=120)
        assert json.loads(checked.stdout) == {"ok": True, "findings": []}
        assert checked.returncode == 0
