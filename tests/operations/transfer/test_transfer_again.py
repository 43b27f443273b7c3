"""Exports and imports that are cut off, done again, tried only, or come where somebody is."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from aiconvokit.cli.import_ import check_widget
from aiconvokit.operations.transfer import numbers, planning, taking
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.planning import Wanted
from aiconvokit.operations.transfer.putting import Done, Putting
from aiconvokit.operations.transfer.taking import Source
from fake_model.server import FakeModel
from operations.transfer.conftest import Another
from operations.transfer.small import CANTEEN, LEASE, QUOTE, Place, citation
from security.test_matrix import digests
from support.reading import collection, owner, read, upload
from support.server import server_environment
from support.starter import run, start

DIE = """
import os, signal
from aiconvokit.operations.transfer import putting, putting_queries

module = {module}
done, left = module.{name}, [{after}]

async def done_or_dead(*values):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return await done(*values)

module.{name} = done_or_dead
"""
KILLED = (
    ("putting", "insert", 3),  # among files
    ("putting_queries", "finish", 2),  # behind the passages of the second document
    ("putting", "insert", 10),  # in the second thread
)
"""At which call of what each try is killed."""
CITED = """
SELECT m.public_id, d.public_id, c ->> 'quote',
       substr(p.text, CAST(c ->> 'start' AS int) + 1, length(c ->> 'quote'))
FROM message m, jsonb_array_elements(m.citations) c
LEFT JOIN document d ON d.id = CAST(c ->> 'document_id' AS bigint)
LEFT JOIN page p ON p.document_id = d.id AND p.version = CAST(c ->> 'version' AS int)
  AND p.number = CAST(c ->> 'page' AS int)
ORDER BY 1
"""
SEQUENCES = ("assistant", "document", "chat", "thread", "message", "run", "file", "collection")


def quiet(_what: str, _count: int) -> None:
    """Of progress."""


async def put(place: Place, folder: Path, user: str | None = None) -> Done:
    async with planning.prepared(place.services, Wanted(folder, user, check_widget)) as found:
        return await Putting(place.services, found, quiet).put()


def environment_of(place: Place, fake: FakeModel) -> dict[str, str]:
    return server_environment(str(place.folder), place.services.database_url, fake.base_url)


def contents(folder: Path) -> dict[str, bytes]:
    """All files."""
    paths = (one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): one.read_bytes() for one in paths}


async def told(place: Place) -> dict[str, Any]:
    """What was imported, without what is a server's own."""
    found = digests(place.services.database_url)
    asked = "SELECT page, start_offset, end_offset, content, tokens FROM chunk ORDER BY 1, 2, 3, 4"
    own = {"user", "audit_event", "deletion", *(one for one in found if "_p" in one)}
    return {table: said for table, said in found.items() if table not in own} | {
        "passages": await place.execute(asked)
    }


async def test_a_killed_import_goes_on(
    another: Another, exported: Path, fake: FakeModel, tmp_path: Path
) -> None:
    whole, killed = await another(), await another()
    for place in (whole, killed):
        await owner(place.services, "ann")
    assert (await put(whole, exported)).problems == []
    environment = environment_of(killed, fake)
    for module, name, after in KILLED:
        patch = tmp_path / "die.py"
        patch.write_text(DIE.format(module=module, name=name, after=after))
        log = tmp_path / "log"
        process = start(["import", str(exported)], environment, log, patches=[patch])
        assert process.wait(60) == -signal.SIGKILL, log.read_text()
    done = run(["import", str(exported)], environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert await told(killed) == await told(whole)
    once = [("user.imported",)]
    asked = "SELECT action FROM audit_event WHERE action = 'user.imported'"
    assert await killed.execute(asked) == once


async def test_numbers_that_were_given_change(another: Another, exported: Path) -> None:
    place = await another()
    await owner(place.services, "ann")
    bob = await owner(place.services, "bob")
    held = await collection(place.services, bob)
    [theirs] = await upload(place.services, bob, held, {"canteen.md": CANTEEN})
    await read(place.services, theirs)
    async with planning.prepared(place.services, Wanted(exported, None, check_widget)) as found:
        await Putting(place.services, found, quiet).put()
        changed = numbers.changes(found.known, found.plan)
    assert [one[:2] for one in changed] == [("assistant", 1), ("document", 1)]
    cited = await place.execute(CITED)
    assert [one[2:] for one in cited if one[1]] == [(QUOTE, QUOTE)]
    redacted = [one for one in cited if one[1] is None]
    assert len(redacted) == 1, "who is gone must not become somebody"
    [run_row] = await place.execute(
        "SELECT m.id, r.parameters -> 'first_row', r.parameters -> 'rounds' -> 0 -> 'said'"
        " FROM run r JOIN message m ON m.id = r.message_id WHERE r.public_id = 'run_1'"
    )
    assert run_row[0] == run_row[1] == run_row[2]
    for table in SEQUENCES:
        [(highest, last)] = await place.execute(
            f"SELECT max(id), pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id'))"  # noqa: S608  # ours
            f" FROM {table}"
        )
        assert last >= highest, table
    before = digests(place.services.database_url)
    assert (await put(place, exported)).problems == []
    assert digests(place.services.database_url) == before


async def test_what_is_somebody_elses_is_refused(another: Another, exported: Path) -> None:
    place = await another()
    for name in ("ann", "bob"):
        await owner(place.services, name)
    await put(place, exported)
    before = digests(place.services.database_url)
    with pytest.raises(TransferError, match=r"is somebody else's on this server\. Nothing was"):
        await put(place, exported, "bob")
    with pytest.raises(TransferError, match="aiconvokit users create eve"):
        await put(place, exported, "eve")
    assert digests(place.services.database_url) == before


async def test_tries_change_nothing(
    source: Place, another: Another, exported: Path, fake: FakeModel, tmp_path: Path
) -> None:
    place = await another()
    await owner(place.services, "ann")
    before, files = digests(place.services.database_url), sorted(place.folder.rglob("*"))
    environment = environment_of(place, fake) | {"AICONVOKIT_LIMITS": "on"}
    environment["AICONVOKIT_QUOTA_DOCUMENTS"] = "1"
    done = run(["import", str(exported), "--dry-run"], environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "Would import: assistants 1, vector stores 1, documents 3, files 3, widgets 1, thr"
        in done.stdout
    )
    assert "quota: The account would have 3 documents; 1 are allowed." in done.stdout
    assert digests(place.services.database_url) == before
    assert sorted(place.folder.rglob("*")) == files
    own = environment_of(source, fake)
    out = tmp_path / "out"
    done = run(["export", "--user", "ann", "--dry-run", str(out)], own, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "documents               3" in done.stdout
    assert not out.exists()
    done = run(["export", "--user", "eve", str(out)], own, timeout=60)
    assert (done.returncode, "There is no user named eve" in done.stderr) == (2, True)
    assert not out.exists()


async def test_an_export_goes_on_and_leaves_others_alone(
    source: Place, exported: Path, tmp_path: Path
) -> None:
    services = source.services
    told = Source(services.database_url, services.storage, "ann")
    out = Path(shutil.copytree(exported, tmp_path / "out"))
    (out / "manifest.json").unlink()
    (out / "unfinished.json").write_text("")
    kept, damaged, missing = sorted((out / "originals").glob("??/*"))
    inode = kept.stat().st_ino
    damaged.write_bytes(b"x")
    missing.unlink()
    stale = out / "originals" / "aa" / ("aa" + "0" * 62)
    stale.parent.mkdir(exist_ok=True)
    stale.write_bytes(b"deleted since")
    await taking.take(told, out, quiet)
    before, after = contents(exported), contents(out)
    assert before.pop("manifest.json") != after.pop("manifest.json"), "it is of another moment"
    assert after == before
    assert kept.stat().st_ino == inode, "it was copied again"
    (out / "manifest.json").write_text(json.dumps({"user": "bob"}))
    with pytest.raises(TransferError, match="holds the export of bob"):
        await taking.take(told, out, quiet)
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.png").write_bytes(b"")
    with pytest.raises(TransferError, match="holds other files"):
        await taking.take(told, photos, quiet)


SHARED = """
INSERT INTO thread (public_id, owner_id) VALUES ('thread_s', %(ann)s);
INSERT INTO chat (thread_id, assistant_id) SELECT t.id, a.id FROM thread t, assistant a
    WHERE a.owner_id = %(bob)s;
INSERT INTO message (public_id, thread_id, role, status, content, citations, claims)
    SELECT 'msg_s', id, 'assistant', 'complete', 'At noon. [1]', %(citations)s,
           '[{"start": 0, "end": 8, "supported": true, "reason": null, "citations": [1]}]'
    FROM thread;
"""


async def test_what_waited_is_read_and_what_is_others_stays(
    another: Another, fake: FakeModel, tmp_path: Path
) -> None:
    place = await another()
    ann, bob = [await owner(place.services, name) for name in ("ann", "bob")]
    held, bobs = [await collection(place.services, one) for one in (ann, bob)]
    [theirs] = await upload(place.services, bob, bobs, {"canteen.md": CANTEEN})
    [lease] = await upload(place.services, ann, held, {"lease.md": LEASE})
    await read(place.services, lease)
    new = {"lease.md": LEASE.replace(b"900", b"950"), "waits.md": CANTEEN}
    await upload(place.services, ann, held, new)
    values = {"ann": ann, "bob": bob, "citations": Jsonb([citation(theirs, "The", 0)])}
    for statement in filter(str.strip, SHARED.split(";\n")):
        await place.execute(statement, values)
    told = Source(place.services.database_url, place.services.storage, "ann")
    found = await taking.take(told, tmp_path / "out", quiet)
    assert found.left_out == 1
    other = await another()
    for name in ("first", "second"):
        await collection(other.services, await owner(other.services, name))
    arguments = ["import", str(tmp_path / "out"), "--user", "second"]
    done = run(arguments, environment_of(other, fake), timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  assistant             1 -> 3\n" in done.stdout
    asked = "SELECT filename, status, version, ready_version FROM document ORDER BY id"
    assert await other.execute(asked) == [("lease.md", "ready", 2, 2), ("waits.md", "ready", 1, 1)]
    assert await other.execute("SELECT citations, claims -> 0 -> 'citations' FROM message") == [
        ([], [])
    ]
    assert await other.execute("SELECT count(*) FROM chat") == [(0,)]


async def test_lost_bytes_are_told(another: Another, tmp_path: Path) -> None:
    place = await another()
    ann = await owner(place.services, "ann")
    held = await collection(place.services, ann)
    [document] = await upload(place.services, ann, held, {"canteen.md": CANTEEN})
    await read(place.services, document)
    [(digest,)] = await place.execute("SELECT sha256 FROM file")
    await place.services.storage.delete(digest)
    told = Source(place.services.database_url, place.services.storage, "ann")
    found = await taking.take(told, tmp_path / "out", quiet)
    assert list(found.missing) == [digest.hex()]
    other = await another()
    await owner(other.services, "ann")
    assert (await put(other, tmp_path / "out")).problems == [
        "The bytes of canteen.md were lost before."
    ]
    assert await other.execute("SELECT status, chunk_count > 0 FROM document") == [("ready", True)]


async def test_a_newer_export_brings_what_is_new(another: Another, tmp_path: Path) -> None:
    place, other = await another(), await another()
    ann = await owner(place.services, "ann")
    await owner(other.services, "ann")
    held = await collection(place.services, ann)
    told = Source(place.services.database_url, place.services.storage, "ann")
    gone = "INSERT INTO deletion (owner_id, kind, object_id, removed) VALUES (1, 'chat', 9, '{}')"
    await place.execute(gone)
    done = Done()
    for number in (1, 2):
        names = {"lease.md": LEASE.replace(b"900", b"90%d" % number), f"{number}.md": CANTEEN}
        for document in await upload(place.services, ann, held, names):
            await read(place.services, document)
        await place.execute(
            f"INSERT INTO thread (public_id, owner_id) VALUES ('thread_{number}', 1)"  # noqa: S608  # ours
        )
        await taking.take(told, tmp_path / "out", quiet)
        done = await put(other, tmp_path / "out")
    assert done.problems == ["lease.md is here in an older version (1), and stays as it is."]
    asked = "SELECT filename, status, version FROM document ORDER BY id"
    there = [("lease.md", "ready", 1), ("1.md", "ready", 1), ("2.md", "ready", 1)]
    assert await other.execute(asked) == there
    assert await other.execute("SELECT public_id FROM thread ORDER BY id") == [
        ("thread_1",),
        ("thread_2",),
    ]
    assert await other.execute("SELECT count(*) FROM deletion") == [(1,)]
