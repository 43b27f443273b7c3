"""A user's data is written into a folder while the server runs: originals, then all of one moment.

The originals come first, as in a backup: what is uploaded or deleted meanwhile makes us take a
newer snapshot. Contents that are there and whole are not copied again, so an export that was cut
off goes on where it was.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

import aiconvokit
from aiconvokit.ids import public_id
from aiconvokit.operations.transfer import places, taking_queries
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.manifest import (
    FORMAT,
    MANIFEST,
    PROGRAM,
    Lines,
    Manifest,
    lines_of,
)
from aiconvokit.operations.transfer.places import original_path
from aiconvokit.operations.transfer.records import KINDS
from aiconvokit.operations.transfer.said import Message
from aiconvokit.operations.transfer.taking_queries import Connection
from aiconvokit.storage import Storage

ATTEMPTS = 3
"""Snapshots that are tried: in each an original is missing, which is either lost or was deleted in
that very moment."""
TOLD_EVERY = 1000
"""Lines."""

Tell = Callable[[str, int], None]
"""Is told what there are how many of so far."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose data, and on which server.

    Attributes:
        database_url: any Postgres URL, of the tables' owner.
        storage: of the originals.
        user: a name.
    """

    database_url: str
    storage: Storage
    user: str


@dataclass(frozen=True, slots=True)
class Sum:
    """What an export has, or would have: lines by kind, contents, their bytes and the lines'."""

    rows: dict[str, int]
    originals: int
    original_bytes: int
    line_bytes: int
    missing: Sequence[str] = ()
    left_out: int = 0
    """Citations of documents that are not the user's own."""


@dataclass(slots=True)
class _Taking:
    """An export in work; without a folder it is only counted."""

    source: Source
    tell: Tell
    folder: Path | None
    copied: set[str] = field(default_factory=set)
    line_bytes: int = 0
    left_out: int = 0

    async def originals(self, wanted: Mapping[str, int]) -> list[str]:
        """Copy contents that are not yet; the digests of those that are not in storage."""
        missing = []
        for digest in wanted:
            if digest not in self.copied:
                try:
                    await self._original(digest)
                except FileNotFoundError:
                    missing.append(digest)
                    continue
                self.copied.add(digest)
                self.tell("originals", len(self.copied))
        return missing

    async def _original(self, digest: str) -> None:
        content = bytes.fromhex(digest)
        if self.folder is None:
            if not await self.source.storage.has(content):
                raise FileNotFoundError
            return
        path = original_path(self.folder, digest)
        if await asyncio.to_thread(places.is_whole, path, digest):
            return
        blocks = self.source.storage.blocks(content)
        first = await anext(blocks, b"")  # it may not be there
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with places.written(path) as writing:
            writing.add(first)
            async for block in blocks:
                await asyncio.to_thread(writing.add, block)
            if writing.sha256 != digest:
                raise TransferError(f"The original {digest} has other bytes than those stored.")

    async def lines(self, snapshot: Connection, user: int) -> dict[str, Lines]:
        """Write all lines that a snapshot has."""
        own = await taking_queries.document_numbers(snapshot, user)
        self.line_bytes = self.left_out = 0
        return {kind: await self._kind(snapshot, user, kind, own) for kind in KINDS}

    async def _kind(self, snapshot: Connection, user: int, kind: str, own: set[int]) -> Lines:
        found = self._encoded(taking_queries.rows(snapshot, kind, user), kind, own)
        if self.folder is None:
            count = 0
            async for line in found:
                self.line_bytes += len(line)
                count += 1
            return Lines(count, "")
        with places.written(self.folder / lines_of(kind)) as writing:
            count = 0
            async for line in found:
                self.line_bytes += len(line)
                writing.add(line)
                count += 1
                if count % TOLD_EVERY == 0:
                    self.tell(kind, count)
            self.tell(kind, count)
            return Lines(count, writing.sha256)

    async def _encoded(
        self, rows: AsyncIterator[Sequence[Any]], kind: str, own: set[int]
    ) -> AsyncIterator[bytes]:
        encoder = msgspec.json.Encoder()
        async for row in rows:
            record = KINDS[kind](*row)
            if isinstance(record, Message):
                self.left_out += _keep_own(record, own)
            yield encoder.encode(record) + b"\n"


def _keep_own(message: Message, own: set[int]) -> int:
    """Take out citations of somebody else's documents, which stay behind; how many these were.

    A server that shares assistants lets people be answered from others' documents. What was
    deleted is cited by redacted answers, without its words.
    """
    if message.receipt_documents:
        message.receipt_documents = [one for one in message.receipt_documents if one in own]
    if message.status == "redacted" or not message.citations:
        return 0
    # As they come from the database: no shapes yet.
    cited: list[Any] = list(message.citations)
    kept = [one for one in cited if one["document_id"] in own]
    if len(kept) == len(cited):
        return 0
    message.citations = kept
    left = {one["index"] for one in kept}
    claims: list[Any] = list(message.claims or [])
    for claim in claims:
        claim["citations"] = [index for index in claim["citations"] if index in left]
    return len(cited) - len(kept)


async def take(source: Source, folder: Path, tell: Tell) -> Sum:
    """Write a user's data into a folder; what is in it.

    Args:
        source: whose.
        folder: a new one, or one with an earlier export of theirs, which is replaced.
        tell: is told how far it is.

    Raises:
        TransferError: the sentence says why there is none.
    """
    await _ensure_there(source)  # before a folder is made
    with places.own(folder, source.user):
        taking = _Taking(source, tell, folder)
        manifest = await _take(taking)
        wanted = taking.copied
        await asyncio.to_thread(places.keep_only, folder, wanted)
        with places.written(folder / MANIFEST) as writing:
            writing.add(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return _sum(taking, manifest)


async def count(source: Source) -> Sum:
    """What an export would have; nothing is written.

    Raises:
        TransferError: as `take`.
    """
    taking = _Taking(source, lambda _kind, _count: None, None)
    return _sum(taking, await _take(taking))


def _sum(taking: _Taking, manifest: Manifest) -> Sum:
    return Sum(
        rows={kind: lines.rows for kind, lines in manifest.kinds.items()},
        originals=manifest.originals,
        original_bytes=manifest.original_bytes,
        line_bytes=taking.line_bytes,
        missing=manifest.missing,
        left_out=taking.left_out,
    )


async def _ensure_there(source: Source) -> None:
    async with taking_queries.connected(source.database_url) as connection:
        await _user(connection, source.user)


async def _user(connection: Connection, name: str) -> tuple[int, str]:
    found = await taking_queries.user(connection, name)
    if found is None:
        raise TransferError(f"There is no user named {name}. See: aiconvokit users list")
    return found


async def _take(taking: _Taking) -> Manifest:
    source = taking.source
    try:
        async with taking_queries.connected(source.database_url) as connection:
            user, _ = await _user(connection, source.user)
            # Most of them, while no snapshot keeps Postgres from clearing up.
            await taking.originals(await taking_queries.contents(connection, user))
        found = await _of_one_moment(taking)
        for _ in range(ATTEMPTS - 1):
            if found.missing:
                found = await _of_one_moment(taking)
    except OSError as error:
        raise TransferError(f"It cannot be copied: {error.strerror or error}.") from error
    return found


async def _of_one_moment(taking: _Taking) -> Manifest:
    """All of one moment; where an original was not there, another try may mend it."""
    async with taking_queries.connected(taking.source.database_url) as snapshot:
        await taking_queries.begin_snapshot(snapshot)
        user, source = await _user(snapshot, taking.source.user)
        wanted = await taking_queries.contents(snapshot, user)
        missing = await taking.originals(wanted)
        taking.copied &= wanted.keys()
        return Manifest(
            program=PROGRAM,
            format=FORMAT,
            version=aiconvokit.__version__,
            export=public_id("export"),
            source=source,
            user=taking.source.user,
            created_at=datetime.now(UTC),
            kinds=await taking.lines(snapshot, user),
            originals=len(taking.copied),
            original_bytes=sum(wanted[one] for one in taking.copied),
            missing=sorted(missing),
        )
