"""The folder of an export while it is written: what is there is whole, or has another name."""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from aiconvokit.durable import fsync_folder
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.manifest import MANIFEST, ORIGINALS, UNFINISHED
from aiconvokit.storage import PART

_NAME = re.compile(r"[0-9a-f]{64}")


class Whose(msgspec.Struct):
    """Of a folder's export; "": it was cut off before that was said."""

    user: str = ""


class Writing:
    """What is written to a file, and the SHA-256 of it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._digest = hashlib.sha256()

    def add(self, block: bytes) -> None:
        """Write more."""
        self._digest.update(block)
        self._write(block)

    @property
    def sha256(self) -> str:
        """Of all so far, in hexadecimal."""
        return self._digest.hexdigest()


def original_path(folder: Path, digest: str) -> Path:
    """Where the bytes of a content lie; the digest is one."""
    return folder / ORIGINALS / digest[:2] / digest


def is_whole(path: Path, digest: str) -> bool:
    """Whether a file is there, none of a link, and has the bytes of that digest; blocks."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


@contextmanager
def own(folder: Path, user: str) -> Iterator[None]:
    """A folder for one user's export; from here on it holds no finished one.

    What an earlier export of theirs left is taken up. A block that ends well must have written a
    manifest.

    Raises:
        TransferError: it holds something else, is written by another process, or cannot be.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _ensure_theirs(folder, user)
        note = folder / UNFINISHED
        handle = os.open(note, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TransferError(f"{folder} is being written by another process.") from None
            out.truncate(0)
            out.write(msgspec.json.encode(Whose(user)))
            out.flush()
            os.fsync(out.fileno())
            (folder / MANIFEST).unlink(missing_ok=True)
            fsync_folder(folder)
            yield
            note.unlink()
            fsync_folder(folder)
    except OSError as error:
        raise TransferError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _ensure_theirs(folder: Path, user: str) -> None:
    """Refuse to write between files that are somebody else's."""
    for path in (folder / MANIFEST, folder / UNFINISHED):
        if not path.is_file():
            continue
        try:
            whose = msgspec.json.decode(path.read_bytes() or b"{}", type=Whose).user
        except msgspec.MsgspecError:
            raise TransferError(f"{path} is none of an export. Choose another folder.") from None
        if whose not in {user, ""}:
            raise TransferError(f"{folder} holds the export of {whose}. Choose another folder.")
        return
    if any(folder.iterdir()):
        raise TransferError(f"{folder} holds other files. Choose a new folder.")


@contextmanager
def written(path: Path) -> Iterator[Writing]:
    """A file that has its name once all of it is on the disk."""
    part = path.with_name(PART + path.name)
    part.unlink(missing_ok=True)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            writing = Writing(out.write)
            yield writing
            out.flush()
            os.fsync(out.fileno())
        part.rename(path)
        fsync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def keep_only(folder: Path, digests: set[str]) -> None:
    """Remove contents that are not wanted any more, and what a killed export left; blocks."""
    originals = folder / ORIGINALS
    for path in originals.glob("??/*"):
        name = path.name.removeprefix(PART)
        if _NAME.fullmatch(name) and path.name not in digests:
            path.unlink()


def room_in(folder: Path) -> int:
    """Bytes that may still be written where a folder is, or will be."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    return shutil.disk_usage(there).free
