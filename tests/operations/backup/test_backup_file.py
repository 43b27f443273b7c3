"""What a backup holds and leaves out, and the files and servers that a restore refuses."""

import dataclasses
import hashlib
import io
import signal
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import psycopg
import pytest
from psycopg import sql

from aiconvokit import schema
from aiconvokit.errors import ConfigurationError
from aiconvokit.operations.backup import archive, loading, making, queries
from aiconvokit.operations.backup.errors import BackupError
from aiconvokit.operations.backup.making import Place
from aiconvokit.operations.backup.manifest import ABOUT, MANIFEST, SEAL, About, Manifest
from aiconvokit.storage import FolderStorage, Stored
from fake_model.server import FakeModel
from support.databases import clone
from support.server import server_environment
from support.starter import start
from support.waiting import eventually

TABLES = [table.name for table in schema.metadata.sorted_tables]
CONTENTS = (b"# Lease\n\nThe rent is EUR 900.\n", b"", b"x" * 3_000_000)

ROWS = """
INSERT INTO "user" (username, email, password_hash) VALUES ('ann', '', 'x');
INSERT INTO thread (public_id, owner_id, lease_token, lease_expires_at)
    VALUES ('thread_1', 1, gen_random_uuid(), now() + interval '1 minute');
INSERT INTO message (public_id, thread_id, role, status, content) VALUES
    ('msg_1', 1, 'user', 'complete', 'Who?'), ('msg_2', 1, 'assistant', 'in_progress', '');
INSERT INTO idempotency (owner_id, key, fingerprint, status) VALUES
    (1, 'in work', '', NULL), (1, 'done', '', 200);
INSERT INTO rate_bucket (key, level) VALUES ('x', 1);
INSERT INTO endpoint (kind, address, model, traits) VALUES ('chat', 'here', 'x', '{}');
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, attempts) VALUES
    ('default', 'change_language', 'language:1', '{"collection_id": 1}', 'doing', 2),
    ('default', 'ingest_document', 'document:9', '{"document_id": 9}', 'failed', 5);
SELECT setval('embedding_space_id_seq', 6);
SELECT ensure_embedding_space('here', 'x', 3);
UPDATE embedding_space SET cosine_sd = 0.1;
INSERT INTO vec_7 VALUES (1, 1, 1, '[1,2,3]'), (2, 2, 2, '[3,2,1]');
INSERT INTO collection (public_id, owner_id, name, space_id, indexed_space_id,
                        removed_since_indexed) VALUES ('vs_1', 1, 'a', 7, 7, 5);
INSERT INTO deletion (owner_id, kind, object_id, removed) VALUES (1, 'chat', 41, '{}');
SELECT setval('chat_id_seq', 41);
"""
FILE = """
INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type, purpose)
VALUES (%s, 1, %s, %s, 'a.md', 'text/markdown', 'assistants')
"""
AT_REST = {
    "SELECT lease_token, lease_expires_at FROM thread": [(None, None)],
    "SELECT status FROM message ORDER BY id": [("complete",), ("interrupted",)],
    "SELECT key FROM idempotency": [("done",)],
    "SELECT count(*) FROM rate_bucket": [(0,)],
    "SELECT address FROM endpoint": [("here",)],
    "SELECT task_name, status, attempts FROM procrastinate_jobs": [("change_language", "todo", 2)],
    "SELECT id, model, cosine_sd FROM embedding_space": [(7, "x", 0.1)],
    "SELECT chunk_id, CAST(embedding AS text) FROM vec_7 ORDER BY 1": [
        (1, "[1,2,3]"),
        (2, "[3,2,1]"),
    ],
    "SELECT space_id, indexed_space_id, removed_since_indexed FROM collection": [(7, None, 0)],
    "SELECT nextval('chat_id_seq'), nextval('user_id_seq'), nextval('token_id_seq')": [(42, 2, 1)],
    "SELECT relrowsecurity FROM pg_class WHERE relname = 'vec_7'": [(True,)],
}


def quiet(_: str) -> None:
    """Of progress."""


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def execute(place: Place, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        answer = connection.execute(statement, values or None)
        return answer.fetchall() if answer.description else []


async def put(place: Place, name: str, content: bytes) -> bytes:
    """A file with its row; the digest."""
    stored = await place.storage.put(io.BytesIO(content), max_bytes=len(content))
    execute(place, FILE, name, stored.sha256, stored.size)
    return stored.sha256


@pytest.fixture(scope="module")
def empty(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Place]:
    """New places that have the schema and nothing else."""

    def another() -> Place:
        folder = tmp_path_factory.mktemp("data")
        return Place(clone(cluster_url), FolderStorage(folder / "files"), TABLES)

    return another


@pytest.fixture(scope="module")
async def place(empty: Callable[[], Place]) -> Place:
    """A server on which somebody is at work; tests leave it as it is."""
    found = empty()
    execute(found, ROWS)
    for number, content in enumerate(CONTENTS):
        await put(found, f"file_{number}", content)
    return found


@pytest.fixture(scope="module")
async def made(place: Place, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its backup."""
    target = tmp_path_factory.mktemp("made") / "backup.tar"
    await making.make(place, target, quiet)
    return target.read_bytes()


@pytest.fixture
def file(made: bytes, tmp_path: Path) -> Path:
    """A copy of the backup."""
    target = tmp_path / "backup.tar"
    target.write_bytes(made)
    return target


def path_of(place: Place, content: bytes) -> Path:
    """Where a content lies."""
    name = hashlib.sha256(content).hexdigest()
    return cast("FolderStorage", place.storage).root / name[:2] / name


def test_no_table_is_forgotten(cluster_url: str) -> None:
    with psycopg.connect(clone(cluster_url)) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        there = {name for (name,) in found if not name.startswith("procrastinate_")}
    assert there == {*TABLES, "alembic_version"}


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
async def test_what_was_in_work_is_at_rest(
    name: str, place: Place, empty: Callable[[], Place], tmp_path: Path
) -> None:
    part = tmp_path / f"{name}.part"
    part.write_bytes(b"left by a kill")
    part.chmod(0o644)
    made = await making.make(place, tmp_path / name, quiet)
    assert (making.count_originals(made), part.exists()) == (3, False)
    assert ((tmp_path / name).stat().st_size < 1_000_000) == name.endswith(".gz")
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="is there already"):
        await making.make(place, tmp_path / name, quiet)
    with tarfile.open(tmp_path / name) as tar:  # any tar can read it
        assert tar.getnames()[-2:] == [MANIFEST, SEAL]
    new = empty()
    execute(new, "INSERT INTO endpoint (kind, address, model, traits) VALUES ('chat','a','b','{}')")
    backup = loading.read(tmp_path / name)
    await loading.load(new, backup, quiet)
    assert {one: execute(new, one) for one in AT_REST} == AT_REST
    for content in CONTENTS:
        assert await new.storage.get(hashlib.sha256(content).digest()) == content
    with pytest.raises(BackupError, match="is not empty"):
        await loading.load(new, backup, quiet)


def rewritten(
    file: Path, change: Callable[[dict[str, bytes]], object], *, seal: bool = True
) -> None:
    """The same backup with other members, as a whole again if it is sealed."""
    found = {name: content.read() for name, content in archive.members(file)}
    change(found)
    with file.open("wb") as out:
        writer = archive.Writer(out)
        manifest = found.pop(MANIFEST)
        found.pop(SEAL)
        for name, content in found.items():
            writer.add(name, content)
        if seal:
            told = msgspec.json.decode(manifest, type=Manifest)
            manifest = msgspec.json.encode(msgspec.structs.replace(told, members=writer.digests))
        writer.add(MANIFEST, manifest)
        writer.add(SEAL, hashlib.sha256(manifest).hexdigest().encode())
        writer.end()


def saying(**changes: object) -> Callable[[dict[str, bytes]], None]:
    """Another one about itself."""

    def change(found: dict[str, bytes]) -> None:
        about = msgspec.json.decode(found[ABOUT], type=About)
        found[ABOUT] = msgspec.json.encode(msgspec.structs.replace(about, **changes))

    return change


def test_damaged_files_are_refused(file: Path) -> None:
    whole = file.read_bytes()
    loading.read(file)
    for size in (0, 100, 700, 3_000_000, len(whole) - 4_000):
        file.write_bytes(whole[:size])
        with pytest.raises(BackupError, match=r"part|no backup"):
            loading.read(file)
    # One byte: of an original, of a vector, of the manifest.
    for place in (b"EUR 900", bytes([0x40, 0x00, 0x42, 0x00]), b'"tables"'):
        at = whole.index(place)
        file.write_bytes(whole[:at] + b"#" + whole[at + 1 :])
        with pytest.raises(BackupError, match="altered"):
            loading.read(file)
    file.write_bytes(whole)
    rewritten(file, lambda found: found.pop(next(one for one in found if "/" in one)), seal=False)
    with pytest.raises(BackupError, match="altered"):
        loading.read(file)
    file.write_bytes(b"# Notes\n" * 1000)
    with pytest.raises(BackupError, match="no backup"):
        loading.read(file)
    with tarfile.open(file, "w") as tar:
        tar.add(__file__)
    with pytest.raises(BackupError, match="no backup of AIConvoKit"):
        loading.read(file)
    with pytest.raises(BackupError, match="cannot be read"):
        loading.read(file.with_name("none"))


def test_newer_backups_are_refused(file: Path, empty: Callable[[], Place]) -> None:
    new = empty()
    for revision, sentence in (
        ("9999", "schema is 9999, newer than this program knows"),
        ("0009", "already, and the backup's is 0009"),
    ):
        rewritten(file, saying(schema=revision))
        with pytest.raises(ConfigurationError, match=sentence):
            schema.prepare(new.database_url, loading.read(file).about.schema)
    rewritten(file, saying(format=2, version="9.0"))
    with pytest.raises(BackupError, match=r"made by AIConvoKit 9\.0, which is newer"):
        loading.read(file)


class Hooked:
    """A storage beside which something happens as an original is copied."""

    def __init__(self, inner: FolderStorage, before: Callable[[bytes], None]) -> None:
        self._inner = inner
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def put(self, source: BinaryIO, *, max_bytes: int) -> Stored:
        return await self._inner.put(source, max_bytes=max_bytes)

    async def blocks(self, sha256: bytes) -> AsyncIterator[bytes]:
        self._before(sha256)
        async for block in self._inner.blocks(sha256):
            yield block


async def test_files_may_be_deleted_meanwhile(
    place: Place, empty: Callable[[], Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "PAUSE_SECONDS", 0.0)
    early, late = await put(place, "file_early", b"early"), await put(place, "file_late", b"late")
    seen: list[bytes] = []

    def delete(digest: bytes) -> None:
        execute(place, "DELETE FROM file WHERE sha256 = %s", digest)
        path_of(place, b"early" if digest == early else b"late").unlink()

    def before(digest: bytes) -> None:
        if not seen:  # one comes that only the snapshot has
            execute(place, FILE, "file_lost", hashlib.sha256(b"lost").digest(), 4)
        if digest == early and early not in seen:
            delete(early)  # before it was copied
        if digest == hashlib.sha256(b"lost").digest():
            execute(place, "DELETE FROM file WHERE public_id = 'file_lost'")
            delete(late)  # after it was
        seen.append(digest)

    target = tmp_path / "deleted.tar"
    hooked = dataclasses.replace(place, storage=Hooked(place.storage, before))  # type: ignore[arg-type]  # a folder's
    made = await making.make(hooked, target, quiet)
    assert (made.deleted, making.count_originals(made)) == ([late.hex()], 3)
    new = empty()
    await loading.load(new, loading.read(target), quiet)
    assert not await new.storage.has(late)
    assert execute(new, "SELECT count(*) FROM file") == [(3,)]


async def test_a_lost_original_is_told(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "PAUSE_SECONDS", 0.0)
    digest = hashlib.sha256(CONTENTS[0]).digest()
    await place.storage.delete(digest)
    before = names(tmp_path)
    with pytest.raises(BackupError, match="not in storage"):
        await making.make(place, tmp_path / "none.tar", quiet)
    assert names(tmp_path) == before
    await place.storage.put(io.BytesIO(CONTENTS[0]), max_bytes=1000)
    path_of(place, CONTENTS[0]).write_bytes(CONTENTS[0].replace(b"900", b"901"))
    with pytest.raises(BackupError, match="has other bytes than those that were stored"):
        await making.make(place, tmp_path / "none.tar", quiet)
    path_of(place, CONTENTS[0]).write_bytes(CONTENTS[0])
    assert names(tmp_path) == before


async def test_a_killed_restore_can_be_done_again(
    file: Path, empty: Callable[[], Place], fake: FakeModel
) -> None:
    new = empty()
    environment = server_environment(str(file.parent), new.database_url, fake.base_url)
    with psycopg.connect(new.database_url) as held:
        held.execute("LOCK TABLE message IN SHARE MODE")  # it is read, and not written
        process = start(["restore", str(file)], environment, file.with_name("log"))
        eventually(lambda: waits(new, "message"))
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
    eventually(lambda: not waits(new, "message") and not execute(new, BUSY))
    assert execute(new, 'SELECT count(*) FROM "user"') == [(0,)]
    await loading.load(new, loading.read(file), quiet)
    assert {one: execute(new, one) for one in AT_REST} == AT_REST


BUSY = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""


def waits(place: Place, table: str) -> bool:
    """Whether somebody waits for a table."""
    asked = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = CAST(%s AS regclass)"
    return bool(execute(place, asked, table))


async def test_who_sees_less_than_all_is_refused(place: Place, tmp_path: Path) -> None:
    if not execute(place, "SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app'"):
        pytest.skip("no second role")
    url = f"{place.database_url}&options=-c%20role%3Daiconvokit_app"
    execute(place, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO aiconvokit_app")
    with pytest.raises(BackupError, match="row-level security"):
        await making.make(dataclasses.replace(place, database_url=url), tmp_path / "x", quiet)


def test_what_a_statement_is_made_of() -> None:
    made = queries.copy_out("thread", [("id", "bigint"), ("lease_token", "uuid")])
    assert isinstance(made, sql.Composed)
    assert 'SELECT "id", CAST(NULL AS uuid) FROM "thread"' in made.as_string()
