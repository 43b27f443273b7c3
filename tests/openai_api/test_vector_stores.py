"""Vector stores, their files and batches of them, with the unmodified official client."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import psycopg
import pytest

from contract.wire import stored_files
from fake_model.server import FakeModel
from openai_api.stores import STATIC, put, store_of
from support.databases import clone
from support.official import official
from support.server import Client, Server, running_server
from support.waiting import eventually

LONG = "\n".join(
    f"Anvil number {number} is heavier than the one before it." for number in range(90)
)


def param_of(call: Callable[..., object], *arguments: Any, **named: Any) -> str | None:
    """The `param` of the 400 that a call ends in."""
    with pytest.raises(openai.BadRequestError) as refused:
        call(*arguments, **named)
    return refused.value.param


def count(database: str, sql: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def test_a_store_is_made_changed_and_deleted(anns: openai.OpenAI) -> None:
    made = anns.vector_stores.create(
        name="Contracts",
        metadata={"team": "legal"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    assert made.id.startswith("vs_")
    assert (made.name, made.object, made.status) == ("Contracts", "vector_store", "completed")
    assert made.metadata == {"team": "legal"}
    assert made.expires_after
    assert made.expires_after.days == 7
    assert made.expires_at == (made.last_active_at or 0) + 7 * 86_400
    assert made.file_counts.model_dump() == dict.fromkeys(
        ("cancelled", "completed", "failed", "in_progress", "total"), 0
    )
    assert anns.vector_stores.retrieve(made.id) == made
    changed = anns.vector_stores.update(made.id, name="Old contracts")
    assert (changed.name, changed.metadata) == ("Old contracts", {"team": "legal"})
    assert changed.expires_at == made.expires_at
    changed = anns.vector_stores.update(made.id, metadata={}, expires_after=None)
    assert (changed.metadata, changed.expires_after, changed.expires_at) == ({}, None, None)
    gone = anns.vector_stores.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "vector_store.deleted")
    for call in (anns.vector_stores.retrieve, anns.vector_stores.delete):
        with pytest.raises(openai.NotFoundError):
            call(made.id)


def test_stores_are_listed_and_deleted_page_by_page(anns: openai.OpenAI) -> None:
    ids = [anns.vector_stores.create(name=str(number)).id for number in range(5)]
    assert [one.id for one in anns.vector_stores.list(limit=2)][:5] == ids[::-1]
    for store in anns.vector_stores.list(limit=2):
        anns.vector_stores.delete(store.id)
    assert anns.vector_stores.list().data == []


def test_files_are_uploaded_read_and_counted(anns: openai.OpenAI) -> None:
    store = store_of(anns, anvils=LONG, rockets="Rockets are light.")
    assert store.status == "completed"
    assert (store.file_counts.completed, store.file_counts.total) == (2, 2)
    assert store.usage_bytes == len(LONG) + len("Rockets are light.")
    listed = anns.vector_stores.files.list(store.id, order="asc").data
    assert {one.usage_bytes for one in listed} == {len(LONG), 18}
    for one in listed:
        assert (one.object, one.status, one.last_error) == ("vector_store.file", "completed", None)
        assert one.vector_store_id == store.id
        assert one.attributes == {}
        assert one.chunking_strategy
        assert one.chunking_strategy.type == "other"
        assert anns.vector_stores.files.retrieve(one.id, vector_store_id=store.id) == one
    raw = anns.vector_stores.files.with_raw_response.retrieve(
        listed[0].id, vector_store_id=store.id
    )
    assert raw.headers["openai-poll-after-ms"] == "200"


def test_files_come_with_a_new_store(anns: openai.OpenAI) -> None:
    ids = [put(anns, f"{name}.txt", name * 3) for name in ("one", "two")]
    store = anns.vector_stores.create(file_ids=ids, chunking_strategy=STATIC)  # type: ignore[arg-type]  # a plain dict
    assert store.name == ""
    assert store.file_counts.total == 2
    assert {one.id for one in anns.vector_stores.files.list(store.id)} == set(ids)
    for file_id in ids:
        read = anns.vector_stores.files.poll(file_id, vector_store_id=store.id)
        assert read.chunking_strategy
        assert read.chunking_strategy.to_dict() == STATIC


def test_every_helper_of_files(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    files = anns.vector_stores.files
    uploaded = files.upload_and_poll(
        vector_store_id=store.id, file=("a.txt", b"Anvils."), attributes={"year": 2024}
    )
    assert (uploaded.status, uploaded.attributes) == ("completed", {"year": 2024})
    later = files.upload(vector_store_id=store.id, file=("b.txt", b"Rockets."))
    assert files.poll(later.id, vector_store_id=store.id).status == "completed"
    third = put(anns, "c.txt", "Paint.")
    made = files.create_and_poll(third, vector_store_id=store.id, max_wait_seconds=60)
    assert (made.id, made.status) == (third, "completed")


def test_what_nothing_can_read_ends_failed(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    files = anns.vector_stores.files
    for name, data, code in (
        ("a.exe", b"MZ\x90\x00" + bytes(200), "unsupported_file"),
        ("a.zip", b"PK\x03\x04" + bytes(200), "unsupported_file"),
        ("a.txt", b" \n \n", "invalid_file"),
        ("a.pdf", b"%PDF-1.7\nbroken", "invalid_file"),
    ):
        file = files.upload_and_poll(vector_store_id=store.id, file=(name, data))
        assert (file.status, file.usage_bytes) == ("failed", 0)
        assert file.last_error
        assert file.last_error.code == code, file
        assert file.last_error.message
    counts = anns.vector_stores.retrieve(store.id).file_counts
    assert (counts.failed, counts.total) == (4, 4)
    assert len(files.list(store.id, filter="failed").data) == 4
    assert files.list(store.id, filter="completed").data == []
    batch = anns.vector_stores.file_batches.upload_and_poll(
        store.id, files=[("b.exe", b"MZ\x90\x00" + bytes(200))]
    )
    assert batch.status == "failed"


def test_one_name_twice(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    ids = [put(anns, "report.txt", f"Report {number}.") for number in range(4)]
    first = anns.vector_stores.files.create_and_poll(ids[0], vector_store_id=store.id)
    assert first.status == "completed"
    anns.vector_stores.file_batches.create_and_poll(store.id, file_ids=ids[1:])
    found = anns.vector_stores.search(store.id, query="report").data
    assert {one.file_id: one.filename for one in found} == dict(
        zip(
            ids,
            ["report.txt", "report (2).txt", "report (3).txt", "report (4).txt"],
            strict=True,
        )
    )


def test_one_file_twice_is_one(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    file = put(anns, "a.txt", LONG)
    files = anns.vector_stores.files
    files.create_and_poll(file, vector_store_id=store.id, attributes={"a": 1})
    again = files.create(store.id, file_id=file, attributes={"b": True})
    assert (again.status, again.attributes) == ("completed", {"b": True})
    again = files.create(store.id, file_id=file)
    assert (again.status, again.attributes) == ("completed", {"b": True})
    assert anns.vector_stores.retrieve(store.id).file_counts.total == 1
    batch = anns.vector_stores.file_batches.create(store.id, file_ids=[file, file])
    assert batch.file_counts.total == 1


def test_a_chunking_strategy_is_done(anns: openai.OpenAI) -> None:
    store = store_of(anns, anvils=LONG)
    (file,) = anns.vector_stores.files.list(store.id).data

    def passages() -> list[str]:
        found = anns.vector_stores.search(store.id, query="anvil", max_num_results=50)
        return [one.content[0].text for one in found.data]

    assert len(passages()) == 4
    changed = anns.vector_stores.files.create(
        store.id,
        file_id=file.id,
        chunking_strategy=STATIC,  # type: ignore[arg-type]  # a plain dict
    )
    assert changed.status == "in_progress"
    assert changed.chunking_strategy
    assert changed.chunking_strategy.to_dict() == STATIC
    anns.vector_stores.files.poll(file.id, vector_store_id=store.id)
    small = passages()
    assert len(small) > 12
    assert all(one in LONG for one in small)
    lines = [line for one in small for line in one.split("\n")]
    assert len(lines) > len(set(lines)) == 90
    back = anns.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, chunking_strategy={"type": "auto"}
    )
    assert back.chunking_strategy
    assert back.chunking_strategy.type == "other"
    assert len(passages()) == 4
    large = _sizes(800, 400)
    kept = anns.vector_stores.files.create_and_poll(
        file.id,
        vector_store_id=store.id,
        chunking_strategy=large,
    )
    assert kept.chunking_strategy
    assert kept.chunking_strategy.to_dict() == large


def test_attributes_are_replaced(anns: openai.OpenAI) -> None:
    store = store_of(anns, a="Anvils.")
    (file,) = anns.vector_stores.files.list(store.id).data
    held: dict[str, str | float | bool] = {"text": "é", "float": 0.5, "int": 7, "bool": False}
    changed = anns.vector_stores.files.update(file.id, vector_store_id=store.id, attributes=held)
    assert changed.attributes == held
    assert changed.status == "completed"
    found = anns.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert found.attributes == held
    changed = anns.vector_stores.files.update(file.id, vector_store_id=store.id, attributes=None)
    assert changed.attributes == {}


def test_what_was_read_can_be_read(anns: openai.OpenAI) -> None:
    store = store_of(anns, anvils=LONG)
    (file,) = anns.vector_stores.files.list(store.id).data
    content = anns.vector_stores.files.content(file.id, vector_store_id=store.id)
    assert content.object == "vector_store.file_content.page"
    assert [(one.type, one.text) for one in content.data] == [("text", LONG)]


def test_files_are_listed_by_status_and_page(anns: openai.OpenAI) -> None:
    store = store_of(anns, **{name: name * 3 for name in "abcde"})
    files = anns.vector_stores.files
    up = [one.id for one in files.list(store.id, limit=2, order="asc")]
    assert len(up) == 5
    assert [one.id for one in files.list(store.id, limit=2)] == up[::-1]
    assert [one.id for one in files.list(store.id, limit=2, filter="completed")] == up[::-1]
    # What stands otherwise by now is still a place in the list.
    assert files.list(store.id, filter="in_progress", after=up[3]).data == []
    before = files.list(store.id, limit=2, before=up[0])
    assert [one.id for one in before.data] == [up[2], up[1]]
    assert param_of(files.list, store.id, filter="ready") == "filter"
    assert param_of(files.list, store.id, after="file_x") == "after"


@pytest.mark.parametrize("is_whole", [True, False], ids=["the files", "in this store"])
def test_all_can_go_while_they_are_listed(anns: openai.OpenAI, *, is_whole: bool) -> None:
    store = store_of(anns, **{name: name * 3 for name in "abcde"})
    other = anns.vector_stores.create(
        file_ids=[one.id for one in anns.vector_stores.files.list(store.id)]
    )
    for file in anns.vector_stores.files.list(store.id, limit=2):
        if is_whole:
            anns.files.delete(file.id)
        else:
            gone = anns.vector_stores.files.delete(file.id, vector_store_id=store.id)
            assert (gone.id, gone.object) == (file.id, "vector_store.file.deleted")
    assert anns.vector_stores.files.list(store.id).data == []
    left = len(anns.vector_stores.files.list(other.id).data)
    assert left == (0 if is_whole else 5)
    counts = anns.vector_stores.retrieve(store.id).file_counts
    assert counts.total == 0


def test_a_deleted_file_leaves_nothing_searchable(
    server: Server, database: str, anns: openai.OpenAI
) -> None:
    before = stored_files(server)
    store = store_of(anns, anvils=os.urandom(20).hex())
    (file,) = anns.vector_stores.files.list(store.id).data
    chunks = count(database, "SELECT count(*) FROM chunk")
    anns.files.delete(file.id)
    assert anns.vector_stores.search(store.id, query="anvils").data == []
    assert count(database, "SELECT count(*) FROM chunk") == chunks - 1
    assert stored_files(server) == before
    with pytest.raises(openai.NotFoundError):
        anns.vector_stores.files.retrieve(file.id, vector_store_id=store.id)


def test_batches(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    batches = anns.vector_stores.file_batches
    ids = [put(anns, f"{name}.txt", name * 3) for name in "abc"]
    batch = batches.create_and_poll(
        store.id, file_ids=ids[:2], attributes={"of": "batch"}, chunking_strategy={"type": "auto"}
    )
    assert batch.id.startswith("vsfb_")
    assert (batch.object, batch.status) == ("vector_store.files_batch", "completed")
    assert batch.vector_store_id == store.id
    assert (batch.file_counts.completed, batch.file_counts.total) == (2, 2)
    listed = batches.list_files(batch.id, vector_store_id=store.id, limit=1, order="asc")
    assert [(one.id, one.attributes) for one in listed] == [
        (id_, {"of": "batch"}) for id_ in ids[:2]
    ]
    assert batches.list_files(batch.id, vector_store_id=store.id, filter="failed").data == []
    own = batches.create_and_poll(
        store.id,
        files=[
            {"file_id": ids[2], "attributes": {"of": "file"}, "chunking_strategy": STATIC},  # type: ignore[typeddict-item]  # a plain dict
            {"file_id": ids[0]},
        ],
        attributes={"not": "used"},
    )
    assert own.file_counts.total == 2
    said = {
        one.id: (one.attributes, one.chunking_strategy.type if one.chunking_strategy else None)
        for one in batches.list_files(own.id, vector_store_id=store.id)
    }
    assert said == {ids[2]: ({"of": "file"}, "static"), ids[0]: ({"of": "batch"}, "other")}
    assert batches.create(store.id, file_ids=[]).file_counts.total == 0
    # Nothing that is done is undone, and cancelling is not wrong.
    assert batches.cancel(batch.id, vector_store_id=store.id).status == "cancelled"
    counts = anns.vector_stores.retrieve(store.id).file_counts
    assert (counts.completed, counts.cancelled) == (3, 0)


def test_what_batches_cannot_be(anns: openai.OpenAI) -> None:
    store = anns.vector_stores.create()
    create = anns.vector_stores.file_batches.create
    file = put(anns, "a.txt", "a")
    assert param_of(create, store.id) == "file_ids"
    assert param_of(create, store.id, file_ids=[file], files=[{"file_id": file}]) == "file_ids"
    assert param_of(create, store.id, file_ids=[file] * 2_001) == "file_ids"
    assert param_of(create, store.id, files=[{"attributes": {}}]) == "files[0].file_id"
    overlap = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}
    bad = {"file_id": file, "chunking_strategy": {"type": "static", "static": overlap}}
    place = "files[1].chunking_strategy.static.chunk_overlap_tokens"
    assert param_of(create, store.id, files=[{"file_id": file}, bad]) == place
    blank = {"file_id": file, "attributes": {" ": 1}}
    assert param_of(create, store.id, files=[blank]) == "files[0].attributes"
    with pytest.raises(openai.NotFoundError):
        create(store.id, file_ids=[file, "file_unknown"])
    assert anns.vector_stores.retrieve(store.id).file_counts.total == 0


def _sizes(most: int, overlap: int) -> Any:
    sizes = {"max_chunk_size_tokens": most, "chunk_overlap_tokens": overlap}
    return {"type": "static", "static": sizes}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": "x" * 257}, "name"),
        ({"name": 7}, "name"),
        ({"metadata": {"x" * 65: "a"}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata[...]"),
        ({"metadata": {str(one): "a" for one in range(17)}}, "metadata"),
        ({"expires_after": {"anchor": "last_active_at", "days": 0}}, "expires_after.days"),
        ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ({"expires_after": {"days": 1}}, "expires_after.anchor"),
        ({"file_ids": ["a"] * 2_001}, "file_ids"),
        ({"chunking_strategy": {"type": "other"}}, "chunking_strategy.type"),
        ({"chunking_strategy": _sizes(99, 0)}, "chunking_strategy.static.max_chunk_size_tokens"),
        ({"chunking_strategy": _sizes(4097, 0)}, "chunking_strategy.static.max_chunk_size_tokens"),
        ({"chunking_strategy": _sizes(200, 101)}, "chunking_strategy.static.chunk_overlap_tokens"),
    ],
)  # fmt: skip
def test_what_stores_cannot_be(anns: openai.OpenAI, fields: dict[str, Any], param: str) -> None:
    assert param_of(anns.vector_stores.create, **fields) == param


@pytest.mark.parametrize(
    "attributes",
    [
        {str(one): 1 for one in range(17)},
        {"x" * 65: 1},
        {"a": "x" * 513},
        {"": 1},
        {"a": {"b": 1}},
        {"a": None},
        {"a": 10**400},
        {"a": "\0"},
        [],
    ],
)
def test_what_attributes_cannot_be(anns: openai.OpenAI, attributes: Any) -> None:
    store = anns.vector_stores.create()
    file = put(anns, "a.txt", "a")
    create = anns.vector_stores.files.create
    param = param_of(create, store.id, file_id=file, attributes=attributes)
    assert (param or "").startswith("attributes")
    assert anns.vector_stores.files.list(store.id).data == []


def test_an_assistants_documents_are_a_store(anns: openai.OpenAI, ann: Client) -> None:
    assistant = ann.assistant(name="Own", a_txt=b"Anvils.", b_txt=b"Anvils.")
    (store,) = [one for one in anns.vector_stores.list() if one.name == "Own"]
    # One content is one file, under however many names.
    assert store.file_counts.total == 1
    (file,) = anns.vector_stores.files.list(store.id, limit=1)
    assert len(anns.vector_stores.search(store.id, query="anvils").data) == 2
    own = put(anns, "c.txt", "Rockets.")
    anns.vector_stores.files.create_and_poll(own, vector_store_id=store.id)
    names = [one["filename"] for one in ann.read(assistant["id"])["documents"]]
    assert names == ["a.txt", "b.txt", "c.txt"]
    # The same content again changes nothing, whose ever file it is.
    (same,) = ann.post(
        f"/api/v1/assistants/{assistant['id']}/documents/", files={"files": ("c.txt", b"Rockets.")}
    ).json()
    assert (same["version"], same["status"]) == (1, "ready")
    anns.vector_stores.files.delete(file.id, vector_store_id=store.id)
    names = [one["filename"] for one in ann.read(assistant["id"])["documents"]]
    assert names == ["c.txt"]


def test_a_deleted_store_is_read_by_nobody(
    server: Server, database: str, anns: openai.OpenAI, ann: Client
) -> None:
    before, content = stored_files(server), os.urandom(20).hex()
    assistant = ann.assistant(name="Reader", mine_txt=os.urandom(20).hex().encode())
    (store,) = [one for one in anns.vector_stores.list() if one.name == "Reader"]
    own = put(anns, "own.txt", content)
    anns.vector_stores.files.create_and_poll(own, vector_store_id=store.id)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO thread (public_id, owner_id, collection_id)"
            " SELECT 'thread_reader', owner_id, id FROM collection WHERE public_id = %s",
            [store.id],
        )
    anns.vector_stores.delete(store.id)
    thread = "SELECT count(*) FROM thread WHERE public_id = 'thread_reader'"
    assert count(database, f"{thread} AND collection_id IS NULL") == 1
    assert ann.read(assistant["id"])["documents"] == []
    assert anns.files.content(own).text == content
    assert len(stored_files(server) - before) == 1
    for file in anns.files.list():
        assert file.filename != "mine.txt"
    # The assistant gets another one with its next document.
    new = ann.post(
        f"/api/v1/assistants/{assistant['id']}/documents/", files={"files": ("new.txt", b"New.")}
    )
    assert new.status_code == 201
    assert ann.read(assistant["id"])["documents"][0]["status"] == "ready"


@pytest.mark.parametrize("what", ["store", "file", "store file"])
def test_answers_lose_what_is_deleted(
    fake: FakeModel, anns: openai.OpenAI, ann: Client, what: str
) -> None:
    said = "The blue anvil weighs seventy kilograms."
    assistant = ann.assistant(name=f"Asked {what}", anvil_txt=said.encode())["id"]
    (store,) = [one for one in anns.vector_stores.list() if one.name == f"Asked {what}"]
    (file,) = anns.vector_stores.files.list(store.id).data
    anns.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id, chunking_strategy=_sizes(100, 50)
    )
    fake.script(f"{said[:-1]} [1].")
    chat = ann.chat(assistant)
    (citation,) = ann.ask(chat, assistant, "What does the blue anvil weigh?")["citations"]
    assert citation["quote"] == said
    assert citation["version"] == 2
    if what == "store":
        anns.vector_stores.delete(store.id)
    elif what == "file":
        anns.files.delete(file.id)
    else:
        anns.vector_stores.files.delete(file.id, vector_store_id=store.id)
    answer = ann.get(f"/api/v1/chat/{chat}/").json()["messages"][1]
    assert answer["content"] == "[redacted: a cited document was deleted]"
    assert said not in json.dumps(answer)


def age(database: str, store: str, days: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE collection SET last_active_at = last_active_at - make_interval(days => %s)"
            " WHERE public_id = %s",
            [days, store],
        )


def test_a_store_expires(server: Server, database: str, anns: openai.OpenAI, ann: Client) -> None:
    before, content = stored_files(server), os.urandom(20).hex().encode()
    ann.assistant(name="Short", mine_txt=os.urandom(20).hex().encode())
    (store,) = [one for one in anns.vector_stores.list() if one.name == "Short"]
    own = anns.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("own.txt", content)
    )
    day = {"anchor": "last_active_at", "days": 1}
    age(database, store.id, 3)
    kept = anns.vector_stores.update(store.id, expires_after=day)  # type: ignore[arg-type]  # a plain dict
    assert kept.status == "completed"  # days count from the day they were set
    age(database, store.id, 3)
    expired = anns.vector_stores.retrieve(store.id)
    assert expired.status == "expired"
    assert (expired.expires_at or 0) < expired.created_at
    with pytest.raises(openai.BadRequestError) as refused:
        anns.vector_stores.search(store.id, query="anvils")
    assert "has expired" in refused.value.message
    with pytest.raises(openai.BadRequestError):
        anns.vector_stores.files.create(store.id, file_id=own.id)
    with pytest.raises(openai.BadRequestError):
        anns.vector_stores.file_batches.create(store.id, file_ids=[own.id])
    eventually(lambda: anns.vector_stores.retrieve(store.id).file_counts.total == 0)
    assert anns.vector_stores.retrieve(store.id).status == "expired"
    assert anns.files.content(own.id).read() == content
    eventually(lambda: len(stored_files(server) - before) == 1)


def test_use_keeps_a_store(database: str, anns: openai.OpenAI) -> None:
    store = store_of(anns, a="Anvils.")
    day = {"anchor": "last_active_at", "days": 2}
    anns.vector_stores.update(store.id, expires_after=day)  # type: ignore[arg-type]  # a plain dict
    for use in (
        lambda: anns.vector_stores.search(store.id, query="anvils"),
        lambda: anns.vector_stores.files.create(store.id, file_id=put(anns, "b.txt", "b")),
    ):
        age(database, store.id, 1)
        old = anns.vector_stores.retrieve(store.id).last_active_at or 0
        use()
        now = anns.vector_stores.retrieve(store.id).last_active_at or 0
        assert now - old > 80_000


def test_what_is_others_is_unknown(anns: openai.OpenAI, bobs: openai.OpenAI) -> None:
    store = store_of(anns, a="Anvils.")
    (file,) = anns.vector_stores.files.list(store.id).data
    batch = anns.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    mine = bobs.vector_stores.create()
    own = put(bobs, "b.txt", "Rockets.")
    stores, files, batches = (
        bobs.vector_stores,
        bobs.vector_stores.files,
        bobs.vector_stores.file_batches,
    )
    hers: dict[str, Any] = {"vector_store_id": store.id}
    his: dict[str, Any] = {"vector_store_id": mine.id}
    calls: list[Callable[[], object]] = [
        lambda: stores.retrieve(store.id),
        lambda: stores.update(store.id, name="Mine"),
        lambda: stores.delete(store.id),
        lambda: stores.search(store.id, query="anvils"),
        lambda: stores.create(file_ids=[file.id]),
        lambda: files.create(store.id, file_id=own),
        lambda: files.create(mine.id, file_id=file.id),
        lambda: files.list(store.id),
        *(
            lambda call=call, where=where: call(file.id, **where)
            for call in (files.retrieve, files.delete, files.content)
            for where in (hers, his)
        ),
        lambda: files.update(file.id, attributes={}, **hers),
        lambda: files.update(file.id, attributes={}, **his),
        lambda: files.delete(own, vector_store_id=mine.id),
        lambda: batches.create(store.id, file_ids=[own]),
        lambda: batches.create(mine.id, file_ids=[own, file.id]),
        lambda: batches.create(mine.id, files=[{"file_id": file.id}]),
        *(
            lambda call=call, where=where: call(batch.id, **where)
            for call in (batches.retrieve, batches.cancel, batches.list_files)
            for where in (hers, his)
        ),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError) as refused:
            call()
        assert "found with id" in refused.value.message
    assert [one.id for one in stores.list()] == [mine.id]
    assert stores.retrieve(mine.id).file_counts.total == 0
    kept = anns.vector_stores.retrieve(store.id)
    assert (kept.name, kept.file_counts.completed) == ("Store", 1)


@pytest.fixture
def apart(cluster_url: str, tmp_path: Path, fake_server: FakeModel) -> Any:
    """Servers on one database and one folder, one after the other."""
    url = clone(cluster_url)

    def start(*arguments: str, **environment: str) -> Any:
        environment = {"AICONVOKIT_DATA_DIR": str(tmp_path / "data"), **environment}
        return running_server(url, fake_server.base_url, *arguments, environment=environment)

    start.database = url  # type: ignore[attr-defined]  # beside it
    return start


def test_a_cancelled_batch_is_not_read(apart: Any) -> None:
    with (
        apart("--no-worker") as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        store = client.vector_stores.create()
        ids = [put(client, f"{name}.txt", name * 3) for name in "abc"]
        client.vector_stores.files.create(store.id, file_id=ids[2])
        batch = client.vector_stores.file_batches.create(store.id, file_ids=ids[:2])
        assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 2)
        assert client.vector_stores.retrieve(store.id).status == "in_progress"
        done = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert (done.status, done.file_counts.cancelled) == ("cancelled", 2)
        file = client.vector_stores.files.retrieve(ids[0], vector_store_id=store.id)
        assert (file.status, file.last_error) == ("cancelled", None)
        # Attached again it is wanted again.
        again = client.vector_stores.files.create(store.id, file_id=ids[1])
        assert again.status == "in_progress"
        token = ann.headers["authorization"]
    with apart() as server, server.client(Authorization=token) as ann:
        client = official(server, ann)
        for file_id, status in zip(ids, ("cancelled", "completed", "completed"), strict=True):
            read = client.vector_stores.files.poll(file_id, vector_store_id=store.id)
            assert read.status == status
        eventually(lambda: count(apart.database, "SELECT count(*) FROM procrastinate_jobs") == 0)
        read = client.vector_stores.files.retrieve(ids[0], vector_store_id=store.id)
        assert read.status == "cancelled"
        cancelled = client.vector_stores.files.list(store.id, filter="cancelled")
        assert [one.id for one in cancelled] == [ids[0]]
        client.close()


def test_what_is_being_read_can_be_cancelled(apart: Any) -> None:
    # Half a second for every request to the embedder, and a document that needs several.
    with (
        apart(AICONVOKIT_EMBEDDING_MODEL="fake@500") as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        store = client.vector_stores.create()
        batch = client.vector_stores.file_batches.create(
            store.id, file_ids=[put(client, "long.txt", LONG * 12)]
        )
        eventually(lambda: count(apart.database, "SELECT count(*) FROM chunk_stage") > 0)
        done = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert done.file_counts.cancelled == 1
        eventually(lambda: count(apart.database, "SELECT count(*) FROM procrastinate_jobs") == 0)
        assert count(apart.database, "SELECT count(*) FROM chunk_stage") == 0
        assert count(apart.database, "SELECT count(*) FROM chunk") == 0
        batch = client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id)
        assert (batch.status, batch.file_counts.cancelled) == ("cancelled", 1)
