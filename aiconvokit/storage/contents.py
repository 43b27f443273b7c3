"""What every storage promises, and how contents are named in all of them."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from aiconvokit.errors import TooLarge

BLOCK = 1024 * 1024
"""Bytes that are read at once from a file."""
PART = ".part-"
"""What the name of a file begins with while it is written; a kill leaves it."""
_NAME = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})")


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored: its digest (32 bytes), its size in bytes, and its beginning."""

    sha256: bytes
    size: int
    head: bytes


class Kept(NamedTuple):
    """A content that is there: its digest, and since when in seconds of the epoch."""

    sha256: bytes
    since: float


class Storage(Protocol):
    """Bytes of uploads, each content once, under its SHA-256: it is there whole or not at all.

    Who deletes a content and who stores it at the same time agree by a lock in the database
    (`files.queries.lock_contents`): a storage knows neither rows nor owners.
    """

    @property
    def where(self) -> str:
        """Where it is, for the operator."""
        ...

    async def put(self, source: BinaryIO, *, max_bytes: int) -> Stored:
        """Store a stream from where it stands; what is there already stays.

        Raises:
            TooLarge: it has more than `max_bytes`; nothing is kept.
            OSError: it cannot be stored; StorageAway is one.
        """
        ...

    async def get(self, sha256: bytes) -> bytes:
        """All bytes of a content.

        Raises:
            FileNotFoundError: it is not here.
            OSError: it cannot be read; StorageAway is one, here and below.
        """
        ...

    async def has(self, sha256: bytes) -> bool:
        """Whether a content is here."""
        ...

    def blocks(self, sha256: bytes) -> AsyncIterator[bytes]:
        """A content in pieces of some MiB at most.

        Raises:
            FileNotFoundError: it is not here.
        """
        ...

    async def check(self) -> None:
        """Find out whether contents can be stored; often asked, and cheap.

        Raises:
            OSError: they cannot.
        """
        ...

    async def delete(self, sha256: bytes) -> None:
        """Remove a content; one that is not there is fine."""
        ...

    def contents(self) -> AsyncIterator[Kept]:
        """All contents, in no order; what is not ours is left out."""
        ...


def name_of(sha256: bytes) -> str:
    """`ab/abcdef…`: alike in a folder and in a bucket, so that one can be copied to the other."""
    name = sha256.hex()
    return f"{name[:2]}/{name}"


def digest_of(name: str) -> bytes | None:
    """The content that goes by a name; None for the name of something else."""
    found = _NAME.fullmatch(name)
    return bytes.fromhex(found[2]) if found else None


def copy(source: BinaryIO, target: BinaryIO, max_bytes: int) -> Stored:
    """Copy a stream, and learn what it is; blocks.

    Raises:
        TooLarge: it has more than `max_bytes`.
    """
    digest, size, head = hashlib.sha256(), 0, b""
    while block := source.read(BLOCK):
        size += len(block)
        if size > max_bytes:
            raise TooLarge(f"A file is larger than {max_bytes} bytes.")
        head = head or block
        digest.update(block)
        target.write(block)
    target.flush()
    return Stored(digest.digest(), size, head)
