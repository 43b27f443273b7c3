"""An export that is read: untrusted, since anybody may have written it.

Every line is bounded, checked against the shape of its kind, and named where it is wrong.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.manifest import (
    FORMAT,
    MANIFEST,
    PROGRAM,
    UNFINISHED,
    About,
    Manifest,
    lines_of,
)
from aiconvokit.operations.transfer.records import KINDS, Record
from ingestion.storable import why_unstorable

LINE_BYTES = 64 * 1024 * 1024
"""A page of a huge table has some MB; no line is read beyond that."""
MANIFEST_BYTES = 16 * 1024 * 1024
_ODD = (b"\\u0000", b"\\ud", b"\\uD", b"\xed")
"""Where none of these is, a line holds nothing that the database cannot."""

T = TypeVar("T")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export, none of whose lines was read yet."""

    folder: Path
    manifest: Manifest

    def lines(self, kind: type[R]) -> Iterator[tuple[int, R]]:
        """Number and record of all lines of a kind.

        Raises:
            TransferError: a line is damaged, or the file is not as it was written.
        """
        name = _NAMES[kind]
        told, digest, count = self.manifest.kinds[name], hashlib.sha256(), 0
        decoder = msgspec.json.Decoder(kind)
        path = self.folder / lines_of(name)
        if path.is_symlink() or not path.is_file():
            raise TransferError(f"{path} is missing.")
        try:
            with path.open("rb") as file:
                while line := file.readline(LINE_BYTES + 1):
                    count += 1
                    digest.update(line)
                    yield count, _decoded(decoder, line, self.at(kind, count))
        except OSError as error:
            raise TransferError(f"{path} cannot be read: {error.strerror or error}.") from error
        if (count, digest.hexdigest()) != (told.rows, told.sha256):
            raise TransferError(f"{path} is not as it was written: it was altered or cut off.")

    def at(self, kind: type[Any], number: int) -> str:
        """A line's place, for people."""
        return f"{self.folder / lines_of(_NAMES[kind])}, line {number}"


_NAMES: dict[type[Any], str] = {kind: name for name, kind in KINDS.items()}


def opened(folder: Path) -> Export:
    """An export whose manifest was read.

    Raises:
        TransferError: it is none, not finished, or from a newer program.
    """
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        unfinished = (folder / UNFINISHED).is_file()
        why = "it was cut off: run the export again" if unfinished else f"there is no {path}"
        raise TransferError(f"{folder} holds no finished export: {why}.")
    try:
        with path.open("rb") as file:
            content = file.read(MANIFEST_BYTES)
        about = msgspec.json.decode(content, type=About)
        if about.program != PROGRAM:
            raise TransferError(f"{folder} holds no export of AIConvoKit.")
        if about.format > FORMAT:
            raise TransferError(
                f"{folder} was exported by AIConvoKit {about.version}, which is newer. Import it "
                "with that."
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except OSError as error:
        raise TransferError(f"{path} cannot be read: {error.strerror or error}.") from error
    except msgspec.MsgspecError as error:
        raise TransferError(f"{path} cannot be understood: {error}.") from None
    if manifest.kinds.keys() != KINDS.keys():
        different = min(manifest.kinds.keys() ^ KINDS.keys())
        raise TransferError(f"{path} cannot be understood: {different} is missing or unknown.")
    return Export(folder, manifest)


def _decoded(decoder: "msgspec.json.Decoder[R]", line: bytes, place: str) -> R:
    if len(line) > LINE_BYTES:
        raise TransferError(f"{place}: it is longer than {LINE_BYTES} bytes.")
    try:
        found = decoder.decode(line)
        if any(odd in line for odd in _ODD):
            for text in _texts(msgspec.to_builtins(found)):
                if why := why_unstorable(text):
                    raise TransferError(f"{place}: {why}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TransferError(f"{place}: {error}.") from None
    return found


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)
