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


def at(*path: str | int, to: object) -> Change:
    """Another value somewhere deep in it."""

    def change(one: Any) -> None:
        *way, last = path
        for step in way:
            one = one[step]
        one[last] = to

    return change


def without(*path: str | int) -> Change:
    """Nothing there."""

    def change(one: Any) -> None:
        *way, last = path
        for step in way:
            one = one[step]
        del one[last]

    return change


def nested(depth: int) -> list[Any]:
    """Lists in each other."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def in_rounds(**values: object) -> Change:
    """Other values of the first round of calls."""
    return lambda one: one["parameters"]["rounds"][0].update(values)


PASSAGE = ("receipt", "passages", 0)
WAITED = {"lease": "6a1f4d2c-0000-4000-8000-000000000000", "until": 1e12}
FILE = [{"file_id": "file_1", "tools": [{"type": "file_search"}]}]
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
    ("documents", 1, setting(chunking={"x": 1}), "unknown field `x`"),
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
    ("messages", 1, setting(status="COMPLETE"), "Invalid enum value"),
    ("messages", 2, cited(evil=1), "unknown field `evil`"),
    ("messages", 2, cited(document_id=4711), "cites document 4711, which is not there"),
    ("messages", 2, cited(quote="The rent is free."), "does not stand on page 1"),
    ("messages", 2, cited(start=0), "does not stand on page 1"),
    ("messages", 2, cited(page=7), "does not stand on page 7"),
    ("messages", 2, setting(receipt={"x": 1}), "missing required field"),
    ("messages", 2, setting(receipt_documents=[4711]), "documents that are not there"),
    ("runs", 1, setting(message="msg_a2"), "its answer is in another thread"),
    ("runs", 1, without("parameters", "tools"), "missing required field `tools`"),
    ("runs", 1, at("parameters", "tools", to=[{"type": "function"}]), "must say which one it is"),
    ("runs", 1, at("parameters", "temperature", to="hot"), "Expected `float | null`, got `str`"),
    ("runs", 1, at("parameters", "score_threshold", to=None), "Expected `float`, got `null`"),
    ("runs", 1, at("parameters", "first_row", to=[1]), "Expected `int`, got `array`"),
    ("runs", 1, at("parameters", "tool_choice", to=nested(200)), "nested more than 110 deep"),
    ("runs", 1, at("parameters", "tool_choice", to=10**400), "a number in it is too large"),
    ("runs", 1, at("parameters", "waiting", to={"lease": "x", "until": 1}), "matching regex"),
    ("runs", 1, at("parameters", "waiting", to=WAITED), "Expected `float` <="),
    ("runs", 1, at("parameters", "rounds", to=[]), "Expected `array` of length >= 1"),
    ("runs", 1, at("parameters", "rounds", 0, to=None), "Expected `object`, got `null`"),
    ("runs", 1, in_rounds(outputs=[]), "1 calls came to 0 outputs"),
    ("runs", 1, in_rounds(outputs=[], calls=[]), "one of its rounds has no calls"),
    ("runs", 1, in_rounds(at=2**62), "Expected `int` <="),
    ("runs", 1, in_rounds(usage={"prompt_tokens": "1"}), "Expected `int`, got `str`"),
    ("runs", 1, setting(id="resp_9"), "there is no resp_9 in thread_1"),
    ("runs", 1, setting(id="fc_9"), "there is no fc_9 in thread_1"),
    ("runs", 2, setting(id="run_9"), "there is no run_9 in conv_1"),
    ("runs", 2, without("parameters", "shown", "user"), "missing required field `user`"),
    ("runs", 2, at("parameters", "shown", "evil", to=1), "unknown field `evil`"),
    ("runs", 2, at("parameters", "shown", "text", to="x"), "Expected `object`, got `str`"),
    ("runs", 2, at("parameters", "before", to={"a": 1}), "Expected `array`, got `object`"),
    ("runs", 2, at("parameters", "output", to=[1]), "Expected `str`, got `int`"),
    ("assistants", 1, at("options", "tools", to=None), "Expected `array`, got `null`"),
    ("assistants", 1, at("options", "tools", to=["x"]), "Expected `object`, got `str`"),
    ("assistants", 1, at("options", "temperature", to=9.5), "Expected `float` <="),
    ("assistants", 1, at("options", "top_p", to="x"), "Expected `float | null`, got `str`"),
    ("assistants", 1, at("options", "response_format", to={}), "missing required field `type`"),
    ("messages", 1, setting(attachments=[{}]), "missing required field `file_id`"),
    ("messages", 1, setting(attachments=[{"type": "function_call"}]), "field `file_id`"),
    ("messages", 5, setting(attachments=FILE), "missing required field `type`"),
    ("messages", 5, without("attachments", 0, "name"), "missing required field `name`"),
    ("messages", 5, at("attachments", 0, "type", to="evil"), "Invalid value"),
    ("messages", 5, lambda one: one["attachments"].append(one["attachments"][0]), "more than one"),
    ("messages", 1, setting(role="system"), "Invalid enum value"),
    ("messages", 1, setting(status="in_progress"), "Invalid enum value"),
    ("messages", 2, setting(milliseconds={"total": 1e300}), "Expected `float` <="),
    ("messages", 2, setting(milliseconds={"total": "1"}), "Expected `float`, got `str`"),
    ("messages", 2, setting(usage={"prompt_tokens": [1]}), "Expected `int`, got `array`"),
    ("messages", 2, setting(usage=[1]), "Expected `object | null`, got `array`"),
    ("messages", 2, setting(created_at="9999-12-31T23:59:59Z"), "created_at is not between"),
    ("messages", 2, setting(claims=[{"start": 0}]), "missing required field"),
    ("messages", 2, at(*PASSAGE, "rank", to=2**40), "Expected `int` <="),
    ("messages", 2, at(*PASSAGE, "end", to=-1), "Expected `int` >= 0"),
    ("messages", 2, at(*PASSAGE, "start", to=10), "it ends before it begins"),
    ("messages", 2, at(*PASSAGE, "document_id", to="1"), "Expected `int`, got `str`"),
    ("messages", 2, at(*PASSAGE, "score", to=1e300), "Expected `float` <="),
    ("messages", 2, at("receipt", "space", to="x"), "Expected `object | null`, got `str`"),
    ("threads", 3, setting(id="asst_1"), "asst_1 is no id of a thread"),
    ("threads", 1, setting(origin="mars"), "Invalid enum value"),
    ("threads", 1, at("chat", "created_at", to="0001-01-01T00:00:00+23:00"), "is not between"),
    ("vector_stores", 1, setting(expires_after_days=2**31 - 1), "Expected `int` <= 365"),
    ("vector_stores", 1, setting(last_active_at="9999-01-01T00:00:00Z"), "last_active_at is not"),
    ("documents", 1, setting(search_words="'a"), "matching regex"),
    ("documents", 1, setting(search_words=f"'{'ä' * 2000}'"), "search_words is too long"),
    ("documents", 1, setting(version=2**31 - 1), "Expected `int` <="),
    (
        *("documents", 1),
        setting(chunking={"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 99}),
        "passages would overlap by more than half",
    ),
    ("passages", 1, setting(context="x" * 100_001), "it has more than 100000 characters"),
    ("deletions", 1, setting(kind="everything"), "Invalid enum value"),
    ("deletions", 1, at("removed", "pages", to="1"), "Expected `int`, got `str`"),
    ("widgets", 1, setting(title=7), "Expected `str`, got `int`"),
    ("widgets", 1, setting(messages_per_day=2**31 - 1), "Ensure this value is less than"),
    (
        *("widgets", 1),
        setting(usage=[{"day": "2026-11-01", "visitor": "v" * 101, "messages": 1, "tokens": 1}]),
        "Expected `str` of length <= 100",
    ),
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
    found = records(out, "runs")
    found[0]["parameters"]["first_row"] = 0  # as an import leaves it whose message was deleted
    write(out, "runs", found)
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


def _deep(out: Path) -> None:
    content = (out / "runs.jsonl").read_bytes()
    deep = b'"tool_choice":' + b"[" * 5000 + b"]" * 5000
    sealed(out, "runs", content.replace(b'"tool_choice":"auto"', deep))


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
    (_cut, "messages.jsonl, line 5: "),
    (lambda out: (out / "runs.jsonl").write_bytes(b""), "runs.jsonl is not as it was written"),
    (lambda out: (out / "usage.jsonl").unlink(), "usage.jsonl is missing"),
    (_deep, "runs.jsonl, line 1: maximum recursion depth"),
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
    kinds = [kind for kind, _ in checking.LOOKS]
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
