"""A folder of files: which ones are meant, what they are called, and what is known of them."""

import errno
import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingestion.attributes import Attributes, BadAttributes, check_attributes, from_json
from ingestion.load import clean_filename, is_supported

SIDECAR = ".meta.json"
"""After a file's whole name: what lies beside "report.pdf" is "report.pdf.meta.json"."""
MAX_SIDECAR_BYTES = 65_536
"""Several times what the largest attributes need, in any encoding of JSON."""
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the batch; `name` is what its document is called, "2024/report.pdf".

    `attributes` None says nothing about them.
    """

    path: Path
    name: str
    attributes: Attributes | None = None

    def sha256(self) -> bytes:
        """The digest of its content (32 bytes); reads all of it."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.digest()

    def labelled(self, common: Attributes) -> "Found":
        """With its attributes: those common to all files, and over them those of its sidecar.

        Raises:
            BadAttributes: the sidecar cannot be used.
        """
        sidecar = self.path.with_name(self.path.name + SIDECAR)
        try:
            own = _attributes_in(sidecar)
            if own is None:
                return replace(self, attributes=common or None)
            return replace(self, attributes=check_attributes(common | own))
        except (OSError, BadAttributes) as error:
            raise BadAttributes(f"{sidecar.name}: {error}") from error


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

    A file that is named itself is always meant. Hidden files, linked folders and sidecars are
    passed over.

    Raises:
        FileNotFoundError: a path is not there.
    """
    for path in paths:
        if path.is_dir():
            yield from _below(path, selection)
        elif path.is_file():
            if not path.name.endswith(SIDECAR):
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
        if entry.name.startswith(".") or entry.name.endswith(SIDECAR):
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


def _attributes_in(sidecar: Path) -> Attributes | None:
    try:
        with sidecar.open("rb") as file:
            content = file.read(MAX_SIDECAR_BYTES + 1)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
            return None
        raise
    if len(content) > MAX_SIDECAR_BYTES:
        raise BadAttributes(f"It is larger than {MAX_SIDECAR_BYTES} bytes.")
    return from_json(content)
