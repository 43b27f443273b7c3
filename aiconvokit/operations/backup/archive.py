"""The file of a backup: a tar file that is written once, from its beginning to its end."""

import fcntl
import gzip
import hashlib
import os
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from aiconvokit.durable import fsync_folder
from aiconvokit.operations.backup.errors import BackupError

_BLOCK = 1024 * 1024
_TAR_BLOCK = tarfile.BLOCKSIZE
_FAST = 1
"""Of gzip: vectors hardly shrink, whatever is tried."""

Write = Callable[[bytes], None]


class Writer:
    """Adds members to a tar file, and remembers the SHA-256 of each.

    `tarfile` writes what it can ask for its bytes; ours come to us.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digests: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a member."""
        with self.member(name, len(content)) as write:
            write(content)

    @contextmanager
    def member(self, name: str, size: int) -> Iterator[Write]:
        """Add a member of so many bytes, which the block writes.

        Raises:
            BackupError: they were fewer or more.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(time.time())
        self._out.write(info.tobuf(tarfile.GNU_FORMAT))
        digest, written = hashlib.sha256(), 0

        def write(block: bytes) -> None:
            nonlocal written
            written += len(block)
            digest.update(block)
            self._out.write(block)

        yield write
        if written != size:
            raise BackupError(f"{name} has {written} bytes, and not {size} as the database says.")
        self._out.write(bytes(-size % _TAR_BLOCK))
        self.digests[name] = digest.hexdigest()

    def end(self) -> None:
        """Write the end of the tar file."""
        self._out.write(bytes(2 * _TAR_BLOCK))


@contextmanager
def written(target: Path) -> Iterator[Writer]:
    """A new backup, which is there under its name once all of it is on the disk.

    Until then it is called `….part`; what an error leaves of it is removed. A name that ends in
    .gz is compressed.

    Raises:
        BackupError: the file exists, is being written, or cannot be.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        with ExitStack() as stack:
            out = stack.enter_context(_own(part))
            stack.push(lambda kind, *_: part.unlink(missing_ok=True) if kind else None)
            if target.exists():
                raise BackupError(f"{target} is there already. Choose another name.")
            with _packed(out, target) as packed:
                writer = Writer(packed)
                yield writer
                writer.end()
            out.flush()
            os.fsync(out.fileno())
            part.rename(target)
            fsync_folder(target.parent)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _own(part: Path) -> Iterator[BinaryIO]:
    """An empty file that nobody else reads or writes; a killed backup may have left one."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"{part} is being written by another process.") from None
        os.fchmod(out.fileno(), 0o600)
        out.truncate(0)
        yield out


@contextmanager
def _packed(out: BinaryIO, target: Path) -> Iterator[BinaryIO]:
    if target.suffix != ".gz":
        yield out
        return
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_FAST, fileobj=out) as packed:
        yield cast("BinaryIO", packed)


@dataclass(frozen=True, slots=True)
class Content:
    """What a member holds, read from its beginning to its end before the next one."""

    path: Path
    inner: IO[bytes]

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or what is left.

        Raises:
            BackupError: the file ends before the member does, or cannot be read.
        """
        with _readable(self.path):
            return self.inner.read(size)

    def blocks(self) -> Iterator[bytes]:
        """What is left, in pieces of at most 1 MiB."""
        while block := self.read(_BLOCK):
            yield block


def members(path: Path) -> Iterator[tuple[str, Content]]:
    """Name and content of each member, one after the other.

    Raises:
        BackupError: the file is no tar file, or cannot be read.
    """
    with _readable(path), tarfile.open(path) as tar:
        while (info := tar.next()) is not None:
            inner = tar.extractfile(info) if info.isreg() else None
            if inner is not None:
                yield info.name, Content(path, inner)
            tar.members.clear()  # type: ignore[attr-defined]  # it would remember each of a million


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.ReadError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError(f"{path} is no backup, or only a part of one.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error
