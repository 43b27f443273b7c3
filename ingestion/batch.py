"""A folder of files: which ones are meant, what they are called, and what is known of them."""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.load import clean_filename, is_supported

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the batch; `name` is what its document is called, "2024/report.pdf"."""

    path: Path
    name: str

    def sha256(self) -> bytes:
        """The digest of its content (32 bytes); reads all of it."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder are meant: patterns match the name or the path below the folder."""

    recursive: bool = False
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def wants(self, relative: Path) -> bool:
        """Whether a file below a folder is meant; without `include`: every type that we read."""
        if _matches(relative, self.exclude):
            return False
        if self.include:
            return _matches(relative, self.include)
        return is_supported(relative.name)


def find(paths: Iterable[Path], selection: Selection) -> Iterator[Found]:
    """The files that some paths mean, in the order of their names.

    A file that is named itself is always meant. Hidden files and linked folders are passed over.

    Raises:
        FileNotFoundError: a path is not there.
    """
    for path in paths:
        if path.is_dir():
            yield from _below(path, selection)
        elif path.is_file():
            yield Found(path, clean_filename(path.name))
        else:
            raise FileNotFoundError(f"There is no file or folder {path}")


def _below(folder: Path, selection: Selection) -> Iterator[Found]:
    for path in sorted(_files(folder, recursive=selection.recursive)):
        relative = path.relative_to(folder)
        if selection.wants(relative):
            yield Found(path, "/".join(clean_filename(part) for part in relative.parts))


def _files(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_file():
            yield entry
        elif recursive and entry.is_dir() and not entry.is_symlink():
            yield from _files(entry, recursive=True)


def _matches(relative: Path, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatch(relative.name, pattern) or fnmatch.fnmatch(str(relative), pattern)
        for pattern in patterns
    )
