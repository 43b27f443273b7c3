"""Everything that a check knows: broken by SQL, found, repaired, and gone."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiconvokit.operations.check import folders, looking
from aiconvokit.operations.check.examination import Patience, examine
from aiconvokit.operations.check.kinds import Finding, Repair
from aiconvokit.operations.transfer import putting_queries
from aiconvokit.operations.transfer.taking_queries import connected
from aiconvokit.services import Services

Sql = Callable[..., Any]
Checked = Callable[..., Awaitable[dict[str, Finding]]]
Put = Callable[..., Awaitable[int | None]]
Read = Callable[[int], Awaitable[None]]

SHORT = b"# Lease\n\nThe rent is EUR 900 a month.\n"
LONG = "\n\n".join(
    f"# Section {one}\n\n" + f"The rent of flat {one} is EUR {900 + one} a month. " * 12
    for one in range(24)
).encode()
"""More than one block of passages."""

MESSAGE = """
INSERT INTO thread (public_id, owner_id) SELECT gen_random_uuid(), min(id) FROM "user";
INSERT INTO message (public_id, thread_id, role, status, content, model, citations)
SELECT gen_random_uuid(), (SELECT max(id) FROM thread), role, status, 'Words', 'fake', citations
FROM (VALUES {}) AS said(n, role, status, citations)
"""
CITING = """'[{"document_id": 999, "version": 1, "quote": "Words"}]'::jsonb"""

ANSWER = "(1, 'assistant', 'complete', NULL::jsonb)"
RECEIPT = """INSERT INTO receipt SELECT max(id), '{999}', '{"passages": []}' FROM message"""

BROKEN = {
    "passages_without_document": "DELETE FROM document WHERE filename = 'b.md'",
    "vectors_without_passage": "DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk)",
    "vectors_of_other_spaces": """
        SELECT ensure_embedding_space('openai', 'other', 256);
        INSERT INTO vec_2 SELECT * FROM vec_1""",
    "passages_without_vector": "DELETE FROM vec_1 WHERE chunk_id % 3 = 0",
    "words_without_passage": """
        INSERT INTO bm25 SELECT collection_id, chunk_id + 1000, document_id, weights FROM bm25""",
    "passages_without_words": "DELETE FROM bm25 WHERE chunk_id % 3 = 0",
    "lexeme_counts": "UPDATE lexeme SET chunks = chunks + 1 WHERE lexeme = 'rent'",
    "word_blocks": "DELETE FROM lexical_column",
    "collection_counts": "UPDATE collection SET chunk_count = chunk_count + 1",
    "document_counts": "UPDATE document SET chunk_count = chunk_count - 1",
    "ordinals": "UPDATE chunk SET ordinal = ordinal + 1 WHERE ordinal = 0",
    "passages_of_other_versions": "UPDATE chunk SET version = 7 WHERE ordinal = 0",
    "pages_missing": "DELETE FROM page",
    "ready_or_not": "UPDATE document SET version = 2",
    "not_said_ready": "UPDATE document SET status = 'processing'",
    "documents_without_job": "UPDATE document SET status = 'queued', version = 2",
    "staged_passages": """
        INSERT INTO chunk_stage (document_id, version, ordinal, space_id, page, start_offset,
            end_offset, heading, context, content, number_density, lexical, embedding)
        SELECT id, 1, 0, 1, 1, 0, 1, '', '', 'x', 0, 'x', '[1]' FROM document""",
    "pages_of_old_versions": """
        UPDATE document SET updated_at = now() - interval '1 day';
        INSERT INTO page (document_id, version, number, text)
        SELECT id, version + 1000, 1, 'x' FROM document""",
    "files_without_document": """
        INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type)
        SELECT 'file_x', min(id), 'x', 1, 'x', 'text/plain' FROM "user" """,
    "answers_of_deleted_documents": MESSAGE.format(
        f"(1, 'user', 'complete', NULL), (2, 'assistant', 'complete', {CITING})"
    ),
    "receipts_of_deleted_documents": f"{MESSAGE.format(ANSWER)};{RECEIPT}",
    "stale_leases": """
        INSERT INTO thread (public_id, owner_id, lease_token, lease_expires_at)
        SELECT gen_random_uuid(), min(id), gen_random_uuid(), now() - interval '1 hour'
        FROM "user" """,
    "stalled_jobs": """
        INSERT INTO procrastinate_jobs (queue_name, task_name, status)
        VALUES ('default', 'x', 'doing')""",
    "unfinished_answers": MESSAGE.format("(1, 'assistant', 'in_progress', NULL::jsonb)"),
    "expired_answers": """
        INSERT INTO idempotency (owner_id, key, fingerprint, created_at)
        SELECT min(id), 'x', '', now() - interval '2 days' FROM "user" """,
}
UNREPAIRED = {
    "two_answers": MESSAGE.format(
        "(1, 'user', 'complete', NULL::jsonb), (2, 'assistant', 'complete', NULL),"
        " (3, 'assistant', 'complete', NULL)"
    ),
    "owners": """
        INSERT INTO "user" (username, email, password_hash) VALUES ('bob', '', '');
        UPDATE collection SET owner_id = (SELECT max(id) FROM "user")""",
    "deleted_and_there": """
        INSERT INTO deletion (owner_id, kind, object_id, removed)
        SELECT min(u.id), 'document', 0, jsonb_build_object('documents', jsonb_agg(d.id))
        FROM "user" u, document d""",
    "spaces_without_table": """
        INSERT INTO embedding_space (provider, model, dim) VALUES ('openai', 'x', 3)""",
    "documents_half_imported": """
        UPDATE document SET status = 'processing', error_code = 'importing', ready_version = NULL
    """,
}
FOLDERS = {one.name for one in folders.KINDS}


def test_every_kind_is_tried() -> None:
    tried = {*BROKEN, *UNREPAIRED, *FOLDERS}
    assert {one.name for one in (*looking.KINDS, *folders.KINDS)} == tried
    assert len(Repair.__members__) == len(Repair)  # no two are the same


async def test_what_was_read_is_whole(put: Put, checked: Checked, sql: Sql, reading: Read) -> None:
    assert await checked() == {}
    first = await put("a.md", LONG[: len(LONG) // 2])
    await put("b.md", SHORT)
    assert sql("SELECT count(*) FROM lexical_block") > 0
    assert await checked() == {}
    assert await put("a.md", LONG) == first
    assert sql("SELECT version FROM document WHERE filename = 'a.md'") == 2
    assert await checked() == {}
    waiting = await put("c.md", SHORT, is_read=False)
    assert await checked() == {}
    assert waiting is not None
    await reading(waiting)
    sql("DELETE FROM procrastinate_jobs")
    assert await checked() == {}


@pytest.mark.parametrize("kind", BROKEN)
async def test_what_is_broken_is_found_and_repaired(
    kind: str, put: Put, checked: Checked, sql: Sql, reading: Read
) -> None:
    for name, content in (("a.md", LONG), ("b.md", SHORT)):
        await put(name, content)  # unless they are as the last test left them
    assert await checked() == {}
    passages = sql("SELECT count(*) FROM chunk")
    sql(BROKEN[kind])
    found = await checked()
    assert kind in found, found
    assert (found[kind].count > 0, found[kind].repaired) == (True, False)
    assert 1 <= len(found[kind].examples) <= 5
    assert "Words" not in str(found)
    assert (await checked(repair=True))[kind].repaired
    if kind != "passages_without_document":
        # What one repair leaves may be another one's: a document whose passage went is read again.
        await checked(repair=True)
    assert await checked() == {}, found
    for document in sql("SELECT array_agg(id) FROM document"):
        await reading(document)
    sql("DELETE FROM procrastinate_jobs")
    assert await checked() == {}
    gone = sql("SELECT count(*) FROM document WHERE filename = 'b.md'") == 0
    assert sql("SELECT count(*) FROM chunk") == passages - gone
    assert sql("SELECT count(*) FROM vec_1") == passages - gone


@pytest.mark.parametrize("kind", ["pages_of_old_versions", "expired_answers"])
async def test_what_a_living_worker_sweeps_is_no_finding(
    kind: str, put: Put, checked: Checked, sql: Sql
) -> None:
    await put("a.md", LONG)  # unless it is there
    sql(BROKEN[kind])
    sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    assert kind not in await checked()
    sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    assert kind in await checked(repair=True)
    sql("DELETE FROM procrastinate_workers")
    assert await checked() == {}


async def test_only_what_takes_several_steps_is_looked_for_again(
    services: Services, put: Put, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put("a.md", LONG)  # unless it is there
    sql(BROKEN["collection_counts"])
    sql(BROKEN["not_said_ready"])

    look = looking.look

    async def looked(*arguments: Any) -> Any:
        found = await look(*arguments)
        if len(arguments) == 1:  # the first look: then what both are about comes right
            sql("UPDATE collection SET chunk_count = chunk_count - 1")
            sql("UPDATE document SET status = 'ready'")
        return found

    monkeypatch.setattr(looking, "look", looked)
    found = await examine(services, Patience(settle=0.01))
    assert [one.kind.name for one in found] == ["collection_counts"]


async def test_folders_are_looked_at(services: Services, put: Put, checked: Checked) -> None:
    await put("a.md", LONG)
    data = services.data_dir
    digest = hashlib.sha256(LONG).hexdigest()
    other = hashlib.sha256(b"x").hexdigest()
    for folder in ("files", "pictures"):
        (data / folder / other[:2]).mkdir(parents=True, exist_ok=True)
    stored, pictures = (data / folder / other[:2] / other for folder in ("files", "pictures"))
    stored.write_bytes(b"x")
    pictures.mkdir()
    (pictures / "1.png").write_bytes(b"x")
    part = data / "files" / ".part-abc"
    part.write_bytes(b"x")
    stuck = data / "files" / ".part-def"
    stuck.mkdir()
    kept = data / "pictures" / digest[:2] / digest
    kept.mkdir(parents=True)

    found = await checked()
    assert set(found) == {"contents_without_file", "pictures_without_file", "parts"}
    young = await folders.look(services, in_flight=60.0)
    assert [one.kind.name for one in young] == ["pictures_without_file"]
    mended = await checked(repair=True)
    assert {one: told.repaired for one, told in mended.items()} == {
        "contents_without_file": True,
        "pictures_without_file": True,
        "parts": False,  # a folder: its repair fails, and the others are done
    }
    stuck.rmdir()
    assert (await checked(repair=True)).keys() <= {"parts"}
    assert not stored.exists()
    assert not pictures.exists()
    assert not part.exists()
    assert kept.exists()
    assert await checked() == {}

    (data / "files" / digest[:2] / digest).unlink()
    found = await checked(repair=True)
    assert (set(found), found["originals_missing"].repaired) == ({"originals_missing"}, False)
    (data / "files" / digest[:2] / digest).write_bytes(LONG)


@pytest.mark.parametrize("kind", UNREPAIRED)
async def test_what_needs_a_decision_is_left(
    kind: str, put: Put, checked: Checked, sql: Sql
) -> None:
    await put("a.md", LONG)  # unless it is there
    sql(UNREPAIRED[kind])
    found = await checked(repair=True)
    assert (found[kind].count > 0, found[kind].repaired) == (True, False)
    assert kind in await checked()


async def test_what_an_import_has_in_work_is_no_finding(
    services: Services, put: Put, checked: Checked, sql: Sql
) -> None:
    await put("a.md", LONG)  # unless it is there
    sql(UNREPAIRED["documents_half_imported"])
    async with connected(services.database_url) as connection:
        assert await putting_queries.lock(connection)
        found = await checked()
    assert not {"documents_half_imported", "documents_without_job"} & found.keys()
