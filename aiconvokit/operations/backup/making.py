"""A backup is made while everything runs: the originals, then all rows of one moment.

The originals come first. What was uploaded before the snapshot of the rows is copied before, too,
or while it is held; what was deleted before it is in none of its rows. A deletion that comes in
between makes us take a newer snapshot, so every row of a backup has its original.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import aiconvokit
from aiconvokit.operations.backup import archive, queries
from aiconvokit.operations.backup.errors import BackupError
from aiconvokit.operations.backup.manifest import (
    ABOUT,
    FORMAT,
    MANIFEST,
    ORIGINALS,
    PROGRAM,
    SEAL,
    TABLES,
    About,
    Manifest,
    Table,
    original_name,
)
from aiconvokit.operations.backup.queries import Connection
from aiconvokit.storage import Storage

PART_BYTES = 8 * 1024 * 1024
"""Of a table's rows: a tar file wants to know how long a member is before it comes."""
ATTEMPTS = 5
"""Snapshots that are tried: in each an original is missing, which is either lost or was deleted in
that very moment."""
PAUSE_SECONDS = 1.0
TOLD_EVERY = 1000
"""Originals."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A server, of which nothing else need be open.

    Attributes:
        database_url: any Postgres URL, of the tables' owner.
        storage: of the originals.
        tables: the product's, in the order in which they can be loaded.
    """

    database_url: str
    storage: Storage
    tables: Sequence[str]


@dataclass(slots=True)
class _Making:
    """A backup in work."""

    place: Place
    writer: archive.Writer
    tell: Tell
    copied: set[str] = field(default_factory=set)

    async def originals(self, wanted: Mapping[str, int]) -> list[str]:
        """Copy contents that are not yet; the digests of those that are not in storage."""
        missing = []
        for digest, size in wanted.items():
            if digest in self.copied:
                continue
            try:
                await self._original(digest, size)
            except FileNotFoundError:
                missing.append(digest)
                continue
            self.copied.add(digest)
            if len(self.copied) % TOLD_EVERY == 0:
                self.tell(f"{len(self.copied)} originals")
        return missing

    async def _original(self, digest: str, size: int) -> None:
        blocks = self._blocks(digest)
        first = await anext(blocks, b"")  # before the member begins: it may not be there
        name = original_name(digest)
        with self.writer.member(name, size) as write:
            write(first)
            try:
                async for block in blocks:
                    write(block)
            except FileNotFoundError as error:
                raise BackupError(f"The original {digest} went while it was copied.") from error
        if self.writer.digests[name] != digest:
            raise BackupError(f"The original {digest} has other bytes than those that were stored.")

    async def _blocks(self, digest: str) -> AsyncIterator[bytes]:
        try:
            async for block in self.place.storage.blocks(bytes.fromhex(digest)):
                yield block
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BackupError(f"The original {digest} cannot be read: {error}") from error

    async def rows(self, snapshot: Connection, tables: Sequence[str]) -> dict[str, Table]:
        """Copy all rows that a snapshot has."""
        done = {}
        for table in tables:
            done[table] = await self._table(snapshot, table)
            if done[table].rows:
                self.tell(f"{table}: {done[table].rows} rows")
        return done

    async def _table(self, snapshot: Connection, table: str) -> Table:
        columns = await queries.columns(snapshot, table)
        part, number = bytearray(), 0

        def end_part() -> None:
            nonlocal number
            number += 1
            self.writer.add(f"{TABLES}{table}/{number:06}", bytes(part))
            part.clear()

        async with snapshot.cursor() as cursor:
            async with cursor.copy(queries.copy_out(table, columns)) as copy:
                async for block in copy:
                    part += block
                    if len(part) >= PART_BYTES:
                        end_part()
            end_part()
            return Table(columns, cursor.rowcount)


async def make(place: Place, target: Path, tell: Tell) -> Manifest:
    """Write a backup; what is in it.

    Args:
        place: what is backed up.
        target: a file that is not there yet.
        tell: is told how far it is, in a few words.

    Raises:
        BackupError: the sentence says why there is none.
    """
    with archive.written(target) as writer:
        making = _Making(place, writer, tell)
        url = place.database_url
        async with queries.connected(url) as connection:
            about = await _about(connection)
            writer.add(ABOUT, msgspec.json.encode(about))
            # Most of them, while no snapshot keeps Postgres from clearing up.
            await making.originals(await queries.contents(connection))
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE_SECONDS)
            async with queries.connected(url) as snapshot:
                found = await _of_one_moment(making, snapshot, about)
            if found is not None:
                break
        else:
            raise BackupError(
                "The bytes of an uploaded file are not in storage, or an embedding space has no "
                "table. Run: aiconvokit check"
            )
        content = msgspec.json.encode(found)
        writer.add(MANIFEST, content)
        writer.add(SEAL, writer.digests[MANIFEST].encode())
    return found


async def _about(connection: Connection) -> About:
    schema = await queries.revision(connection)
    if schema is None:
        raise BackupError("The database is empty.")
    return About(PROGRAM, FORMAT, aiconvokit.__version__, schema, datetime.now(UTC))


async def _of_one_moment(making: _Making, snapshot: Connection, about: About) -> Manifest | None:
    """All rows of one moment; None when not all that they name was there to be copied."""
    tables = await queries.begin_snapshot(snapshot, [*making.place.tables, queries.JOBS])
    if await queries.revision(snapshot) != about.schema:
        raise BackupError("The database was migrated meanwhile. Try again.")
    spaces = await queries.spaces(snapshot)
    wanted = await queries.contents(snapshot)
    is_locked = all(f"vec_{one.id}" in tables for one in spaces)
    if not is_locked or await making.originals(wanted):
        return None
    done = await making.rows(snapshot, tables)
    return Manifest(
        tables=done,
        sequences=await queries.sequences(snapshot, tables),
        spaces=spaces,
        deleted=sorted(making.copied - wanted.keys()),
        members=dict(making.writer.digests),
    )


def count_originals(manifest: Manifest) -> int:
    """How many originals a backup restores."""
    return sum(one.startswith(ORIGINALS) for one in manifest.members) - len(manifest.deleted)
