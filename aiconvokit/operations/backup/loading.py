"""A backup is restored into an empty server: originals first, then all rows in one transaction.

So a server whose restoring was killed has no rows, and it can be restored again.
"""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec

from aiconvokit.operations.backup import archive, queries
from aiconvokit.operations.backup.archive import Content
from aiconvokit.operations.backup.errors import BackupError
from aiconvokit.operations.backup.making import Place, Tell
from aiconvokit.operations.backup.manifest import (
    ABOUT,
    FORMAT,
    MANIFEST,
    ORIGINALS,
    PROGRAM,
    SEAL,
    About,
    Manifest,
    original_name,
    table_of,
)
from aiconvokit.operations.backup.queries import Connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was read from its beginning to its end, and is as it was written."""

    path: Path
    about: About
    manifest: Manifest


def read(path: Path) -> Backup:
    """Read a backup and compare all of it with what it says about itself.

    Raises:
        BackupError: it is none, not whole, not as it was written, or from a newer program.
    """
    members = archive.members(path)
    name, content = next(members, ("", None))
    if name != ABOUT or content is None:
        raise BackupError(f"{path} is no backup of AIConvoKit.")
    told = content.read()
    about = _decoded(told, About, path)
    if about.program != PROGRAM:
        raise BackupError(f"{path} is no backup of AIConvoKit.")
    if about.format > FORMAT:
        raise BackupError(
            f"{path} was made by AIConvoKit {about.version}, which is newer. Restore it with that."
        )
    digests = {ABOUT: hashlib.sha256(told).hexdigest()}
    manifest = b""
    for name, content in members:
        if name == MANIFEST:
            manifest = content.read()
        elif name == SEAL:
            digests[SEAL] = content.read().decode("latin-1")
        else:
            digests[name] = _digest(content)
    return Backup(path, about, _proven(path, manifest, digests))


def _proven(path: Path, content: bytes, digests: dict[str, str]) -> Manifest:
    """The manifest, once it was found to fit the members."""
    seal = digests.pop(SEAL, None)
    if seal is None:
        raise BackupError(f"{path} is only a part of a backup: its end is missing.")
    if seal != hashlib.sha256(content).hexdigest():
        raise BackupError(f"{path} was altered: its manifest is not the one that was written.")
    manifest = _decoded(content, Manifest, path)
    if manifest.members != digests:
        changed = {one for one, _ in manifest.members.items() ^ digests.items()}
        raise BackupError(f"{path} was altered: {min(changed)} is not as it was written.")
    return manifest


def _decoded(content: bytes, kind: type[T], path: Path) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise BackupError(f"{path} cannot be understood: {error}") from error


def _digest(content: Content) -> str:
    digest = hashlib.sha256()
    for block in content.blocks():
        digest.update(block)
    return digest.hexdigest()


async def require_empty(place: Place) -> None:
    """Refuse a database in which somebody has something.

    Raises:
        BackupError: a table has rows.
    """
    async with queries.connected(place.database_url) as connection:
        await _require_empty(connection, place.tables)


async def _require_empty(connection: Connection, tables: Sequence[str]) -> None:
    table = await queries.first_with_rows(connection, [*tables, queries.JOBS])
    if table is not None:
        raise BackupError(
            f'This server is not empty (its table "{table}" has rows). Restore into a new one.'
        )


async def load(place: Place, backup: Backup, tell: Tell) -> None:
    """Fill an empty server whose schema is that of the backup.

    Raises:
        BackupError: it is not empty, or does not take it; then it has no rows.
    """
    await _load_originals(place, backup, tell)
    async with queries.connected(place.database_url) as connection:
        await queries.begin_loading(connection)
        await _require_empty(connection, place.tables)
        await queries.clear(connection, backup.manifest.tables)
        await queries.make_spaces(connection, backup.manifest.spaces)
        parts = ((table_of(name), content) for name, content in archive.members(backup.path))
        for table, found in groupby(parts, key=lambda part: part[0]):
            if table is not None:
                await _load_table(connection, backup.manifest, table, found, tell)
        for column, value in backup.manifest.sequences.items():
            if value is not None:
                await queries.set_sequence(connection, column, value)
        await connection.execute("COMMIT")


async def _load_originals(place: Place, backup: Backup, tell: Tell) -> None:
    """Store all originals that rows name; what an earlier try has stored is there already."""
    deleted = {original_name(one) for one in backup.manifest.deleted}
    count = 0
    for name, content in archive.members(backup.path):
        if not name.startswith(ORIGINALS) or name in deleted:
            continue
        digest = bytes.fromhex(name.rpartition("/")[2])
        if not await place.storage.has(digest):
            await _store(place, content)
        count += 1
    tell(f"{count} originals")


async def _store(place: Place, content: Content) -> None:
    try:
        await place.storage.put(cast("BinaryIO", content), max_bytes=sys.maxsize)
    except OSError as error:
        raise BackupError(f"An original cannot be stored: {error}") from error


async def _load_table(
    connection: Connection,
    manifest: Manifest,
    name: str,
    parts: Iterable[tuple[str | None, Content]],
    tell: Tell,
) -> None:
    table = manifest.tables[name]
    known = dict(await queries.columns(connection, name))
    unknown = [one for one, kind in table.columns if known.get(one) != kind]
    if unknown:
        raise BackupError(f"The database's table {name} lacks or differs in: {', '.join(unknown)}.")
    async with connection.cursor() as cursor:
        async with cursor.copy(queries.copy_in(name, table.columns)) as copy:
            for _, content in parts:
                for block in content.blocks():
                    await copy.write(block)
        if cursor.rowcount != table.rows:
            raise BackupError(f"{name} got {cursor.rowcount} of {table.rows} rows.")
    if table.rows:
        tell(f"{name}: {table.rows} rows")
