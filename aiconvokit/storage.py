"""Where the bytes of uploads live: a folder, each content once, under its SHA-256."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aiconvokit.errors import TooLarge

PART = ".part-"
"""What the name of a file begins with while it is written; a kill leaves it."""
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored: its digest (32 bytes), its size in bytes, and its beginning."""

    sha256: bytes
    size: int
    head: bytes


class FolderStorage:
    """Content-addressed files below one folder; `root/ab/abcdef…` holds the bytes of abcdef….

    A file appears under its name only when all of it is on disk (write, fsync, rename, fsync of
    the folder), so a name that exists is whole.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put(self, source: BinaryIO, *, max_bytes: int) -> Stored:
        """Store a stream.

        Raises:
            TooLarge: it has more than `max_bytes`; nothing is kept.
        """
        return await asyncio.to_thread(self._put, source, max_bytes)

    async def get(self, sha256: bytes) -> bytes:
        """All bytes of a content.

        Raises:
            FileNotFoundError: it is not here.
        """
        return await asyncio.to_thread(self._path(sha256).read_bytes)

    async def has(self, sha256: bytes) -> bool:
        """Whether a content is here."""
        return await asyncio.to_thread(self._path(sha256).exists)

    async def blocks(self, sha256: bytes) -> AsyncIterator[bytes]:
        """A content in pieces of at most 1 MiB.

        Raises:
            FileNotFoundError: it is not here.
        """
        with await asyncio.to_thread(self._path(sha256).open, "rb") as file:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                yield block

    async def check(self) -> None:
        """Find out whether contents can be stored.

        Raises:
            OSError: they cannot.
        """
        with await asyncio.to_thread(tempfile.TemporaryFile, dir=self.root):
            pass

    async def delete(self, sha256: bytes) -> None:
        """Remove a content; one that is not there is fine."""
        await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)

    def _path(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self.root / name[:2] / name

    def _put(self, source: BinaryIO, max_bytes: int) -> Stored:
        digest, size, head = hashlib.sha256(), 0, b""
        with tempfile.NamedTemporaryFile(dir=self.root, prefix=PART) as part:
            while block := source.read(_BLOCK):
                size += len(block)
                if size > max_bytes:
                    raise TooLarge(f"A file is larger than {max_bytes} bytes.")
                head = head or block
                digest.update(block)
                part.write(block)
            part.flush()
            os.fsync(part.fileno())
            target = self._path(digest.digest())
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                # A link, not a rename: the temporary name is removed by its owner either way.
                with suppress(FileExistsError):  # another upload of the same content was faster
                    os.link(part.name, target)
                _fsync_folder(target.parent)
                _fsync_folder(self.root)
        return Stored(digest.digest(), size, head)


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
