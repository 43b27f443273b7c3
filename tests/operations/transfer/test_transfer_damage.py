"""Exports that are damaged or hostile are refused with the file and the line, before anything."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiconvokit.cli.import_ import check_widget
from aiconvokit.operations.transfer import checking, folder, planning
from aiconvokit.operations.transfer.checking import check
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.folder import opened
from aiconvokit.operations.transfer.planning import Wanted
from aiconvokit.operations.transfer.putting import Putting
from aiconvokit.operations.transfer.records import KINDS
from operations.transfer.conftest import Another
from operations.transfer.small import sealed
from security.test_matrix import digests
from support.reading import owner

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """A copy of the export."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


def records(out: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def write(out: Path, name: str, found: list[Any]) -> None:
    sealed(out, name, b"".join(json.dumps(one).encode() + b"\n" for one in found))


def setting(**values: object) -> Change:
    """Other values of some fields."""
    return lambda one: one.update(values)


def cited(**values: object) -> Change:
    """Other values of the first citation."""
    return lambda one: one["citations"][0].update(values)


def parameter(name: str) -> Change:
    return lambda one: one["parameters"].pop(name)


LINES: list[tuple[str, int, Change, str]] = [
    ("assistants", 1, setting(number="1"), "Expected `int`, got `str`"),
    ("assistants", 1, setting(number=2**62), "Expected `int` <="),
    ("assistants", 1, setting(id="../../etc/passwd"), "matching regex"),
    ("assistants", 1, setting(id="asst_1\n"), "matching regex"),
    ("assistants", 1, setting(glossary=[{"says": "x"}]), "Entry 1, says: "),
    ("assistants", 1, setting(vector_stores=[{"id": "vs_x", "position": 0}]), "no collection vs_x"),
    ("assistants", 1, setting(name="a\0b"), "Null characters are not allowed"),
    ("vector_stores", 1, setting(language="klingon"), "matching regex"),
    ("vector_stores", 1, setting(created_at="yesterday"), "Invalid RFC3339"),
    ("files", 1, setting(sha256="../" * 21 + "a"), "matching regex"),
    ("files", 1, setting(filename="../lease.md"), "its filename is none"),
    ("files", 1, setting(media_type="text/html\r\nSet-Cookie: a=b"), "matching regex"),
    ("documents", 1, setting(filename="a\u202eb.md"), "its filename is none"),
    ("files", 1, setting(size=-1), "Expected `int` >= 0"),
    ("documents", 1, setting(file="file_x"), "there is no file file_x"),
    ("documents", 2, setting(filename="lease.md"), "is there twice"),
    ("documents", 1, setting(status="failed"), "does not fit its versions"),
    ("documents", 1, setting(ready_version=2), "does not fit its versions"),
    ("documents", 1, setting(attributes={"a": {"b": "c"}}), "A value must be"),
    ("documents", 1, setting(chunking={"x": 1}), "its chunking is none"),
    ("documents", 2, setting(number=1), "document 1 is there twice"),
    ("pages", 2, setting(number=1, document="doc_first"), "there is no document doc_first"),
    ("pages", 1, setting(version=9), "newer than its document"),
    ("pages", 2, setting(document="doc_x"), "there is no document doc_x"),
    ("passages", 1, setting(end=10_000), "outside of its page"),
    ("passages", 1, setting(start=5, end=5), "outside of its page"),
    ("passages", 1, setting(page=2), "outside of its page"),
    ("passages", 1, setting(number_density=9.0), "number_density"),
    ("threads", 2, setting(id="thread_1"), "is there twice"),
    ("threads", 1, lambda one: one["chat"].update(assistant="asst_x"), "no assistant asst_x"),
    ("threads", 1, lambda one: one["chat"].update(visitor="x"), "a visitor without a widget"),
    ("messages", 1, setting(thread="thread_x"), "there is no thread thread_x"),
    ("messages", 1, setting(status="COMPLETE"), "matching regex"),
    ("messages", 2, cited(evil=1), "unknown field `evil`"),
    ("messages", 2, cited(document_id=4711), "cites document 4711, which is not there"),
    ("messages", 2, cited(quote="The rent is free."), "does not stand on page 1"),
    ("messages", 2, cited(start=0), "does not stand on page 1"),
    ("messages", 2, cited(page=7), "does not stand on page 7"),
    ("messages", 2, setting(receipt={"x": 1}), "missing required field"),
    ("messages", 2, setting(receipt_documents=[4711]), "documents that are not there"),
    ("runs", 1, setting(message="msg_a2"), "its answer is in another thread"),
    ("runs", 1, parameter("tools"), "its parameters lack tools"),
    ("deletions", 1, setting(removed={"documents": [-1]}), "-1 is no number"),
    ("widgets", 1, setting(origins=["https://a.example; script-src *"]), "Enter an origin such as"),
    ("widgets", 1, setting(color="red;}"), "Enter a color such as"),
    ("widgets", 1, setting(language="xx"), "is not a valid choice"),
    ("widgets", 1, setting(id="acw_pk_short"), "is no key of a widget"),
    ("usage", 2, setting(day="2026-13-01"), "Invalid RFC3339 encoded date"),
]
"""File, line, what is altered, and a part of the sentence."""


@pytest.mark.parametrize(
    ("name", "line", "change", "said"), LINES, ids=[f"{one[0]}: {one[3]}" for one in LINES]
)
def test_a_damaged_line_is_named(
    out: Path, name: str, line: int, change: Change, said: str
) -> None:
    found = records(out, name)
    change(found[line - 1])
    write(out, name, found)
    with pytest.raises(TransferError) as refused:
        check(opened(out), check_widget)
    assert f"{name}.jsonl, line {line}: " in str(refused.value)
    assert said in str(refused.value)


def test_the_undamaged_one_is_taken(out: Path) -> None:
    known = check(opened(out), check_widget)
    assert (len(known.ids["document"]), known.gone["document"]) == (3, {77})


def _cut(out: Path) -> None:
    path = out / "messages.jsonl"
    sealed(out, "messages", path.read_bytes()[:-30])


def _manifest(**values: object) -> Callable[[Path], object]:
    def change(out: Path) -> None:
        path = out / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | values))

    return change


def _original(out: Path) -> Path:
    return next((out / "originals").glob("??/*"))


def _link(out: Path) -> None:
    path = _original(out)
    path.rename(out / "elsewhere")
    path.symlink_to(out / "elsewhere")


def _linked_lines(out: Path) -> None:
    (out / "usage.jsonl").rename(out / "elsewhere")
    (out / "usage.jsonl").symlink_to(out / "elsewhere")


def _unfinished(out: Path) -> None:
    (out / "manifest.json").rename(out / "unfinished.json")


FOLDERS: list[tuple[Callable[[Path], object], str]] = [
    (lambda out: (out / "manifest.json").unlink(), "holds no finished export: there is no"),
    (_unfinished, "it was cut off: run the export again"),
    (lambda out: (out / "manifest.json").write_text("{"), "manifest.json cannot be understood"),
    (_manifest(format=2, version="9.9"), "by AIConvoKit 9.9, which is newer"),
    (_manifest(program="other"), "holds no export of AIConvoKit"),
    (_manifest(kinds={}), "cannot be understood: assistants is missing or unknown"),
    (_manifest(user=7), "manifest.json cannot be understood"),
    (_cut, "messages.jsonl, line 4: "),
    (lambda out: (out / "runs.jsonl").write_bytes(b""), "runs.jsonl is not as it was written"),
    (lambda out: (out / "usage.jsonl").unlink(), "usage.jsonl is missing"),
    (_linked_lines, "usage.jsonl is missing"),
    (lambda out: _original(out).unlink(), "is missing, or does not have"),
    (lambda out: _original(out).write_bytes(b"short"), "is missing, or does not have"),
    (_link, "is missing, or does not have"),
]


@pytest.mark.parametrize(("change", "said"), FOLDERS, ids=[one[1] for one in FOLDERS])
def test_a_damaged_folder_is_refused(
    out: Path, change: Callable[[Path], object], said: str
) -> None:
    change(out)
    with pytest.raises(TransferError, match=said):
        check(opened(out), check_widget)


def test_a_huge_line_is_not_read(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LINE_BYTES", 100)
    with pytest.raises(TransferError, match=r"vector_stores.jsonl, line 1: it is longer than 100"):
        check(opened(out), check_widget)


def test_every_kind_of_line_is_looked_at(out: Path) -> None:
    kinds = [kind for kind, _ in checking._LOOKS]
    assert {*kinds} == {*KINDS.values()}
    assert len(kinds) == len(KINDS)


async def test_nothing_is_done_where_bytes_are_others(out: Path, another: Another) -> None:
    place = await another()
    await owner(place.services, "ann")
    path = _original(out)
    path.write_bytes(b"x" * path.stat().st_size)
    url = place.services.database_url
    async with planning.prepared(place.services, Wanted(out, None, check_widget)) as found:
        before = digests(url)
        with pytest.raises(TransferError, match="was altered"):
            await Putting(place.services, found, lambda _what, _count: None).put()
    changed = {table for table, found in digests(url).items() if found != before[table]}
    assert changed <= {"collection", "file"}
    assert not [
        one
        async for one in place.services.storage.contents()
        if one.sha256.hex() not in {file["sha256"] for file in records(out, "files")}
    ]
