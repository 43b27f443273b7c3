"""Contents in a folder of this machine."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from aiconvokit.durable import fsync_folder
from aiconvokit.storage.contents import BLOCK, PART, Kept, Stored, copy, digest_of, name_of


class FolderStorage:
    """Content-addressed files below one folder; `root/ab/abcdef…` holds the bytes of abcdef….

    A file appears under its name only when all of it is on disk (write, fsync, link, fsync of the
    folder), so a name that exists is whole.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.root)

    async def put(self, source: BinaryIO, *, max_bytes: int) -> Stored:
        """Store a stream; see Storage, for the others, too."""
        return await asyncio.to_thread(self._put, source, max_bytes)

    async def get(self, sha256: bytes) -> bytes:
        """All bytes of a content."""
        return await asyncio.to_thread(self._path(sha256).read_bytes)

    async def has(self, sha256: bytes) -> bool:
        """Whether a content is here."""
        return await asyncio.to_thread(self._path(sha256).exists)

    async def blocks(self, sha256: bytes) -> AsyncIterator[bytes]:
        """A content in pieces of 1 MiB; one that is deleted meanwhile is read to its end."""
        with await asyncio.to_thread(self._path(sha256).open, "rb") as file:
            while block := await asyncio.to_thread(file.read, BLOCK):
                yield block

    async def check(self) -> None:
        """Find out whether a file can be made."""
        with await asyncio.to_thread(tempfile.TemporaryFile, dir=self.root):
            pass

    async def delete(self, sha256: bytes) -> None:
        """Remove a content."""
        await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)

    async def contents(self) -> AsyncIterator[Kept]:
        """All contents."""
        for one in await asyncio.to_thread(lambda: list(self._kept())):
            yield one

    def _path(self, sha256: bytes) -> Path:
        return self.root / name_of(sha256)

    def _kept(self) -> Iterator[Kept]:
        for path in self.root.glob("??/*"):
            digest = digest_of(f"{path.parent.name}/{path.name}")
            if digest is not None:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield Kept(digest, path.stat().st_mtime)

    def _put(self, source: BinaryIO, max_bytes: int) -> Stored:
        with tempfile.NamedTemporaryFile(dir=self.root, prefix=PART) as part:
            stored = copy(source, cast("BinaryIO", part), max_bytes)
            os.fsync(part.fileno())
            target = self._path(stored.sha256)
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                # A link, not a rename: the temporary name is removed by its owner either way.
                with suppress(FileExistsError):  # another upload of the same content was faster
                    os.link(part.name, target)
                fsync_folder(target.parent)
                fsync_folder(self.root)
        return stored
