"""Which documents came from a folder: kept in the data folder, one file for each such folder.

Only these are ever deleted when their files are gone: what somebody uploaded by hand is none of
them. When the memory is lost, documents stay, and those whose files are there are known again after
the next run.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

FOLDER = "synced"
"""In the data folder."""


class Remembered(Struct, frozen=True):
    """A document of a folder: where its file lay below it, and what it was then.

    A document of another version was replaced by somebody else, who wants it.
    """

    path: str
    document_id: int
    version: int


class Memory:
    """What is remembered of one folder for one assistant; its methods block."""

    def __init__(self, data_dir: Path, assistant_id: int, folder: Path) -> None:
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
        self._path = data_dir / FOLDER / f"{assistant_id}-{name}.json"

    def load(self) -> dict[str, Remembered]:
        """Filename -> what is remembered; nothing where nobody kept it, or it cannot be read."""
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Remembered])
        return {}

    def save(self, documents: dict[str, Remembered]) -> None:
        """Keep it; whoever reads at the same time has the old or the new one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(documents))
        part.replace(self._path)


def forget(data_dir: Path, assistant_ids: Iterable[int]) -> None:
    """Remove what is remembered for some assistants, of whichever folders."""
    for assistant_id in assistant_ids:
        for path in (data_dir / FOLDER).glob(f"{assistant_id}-*"):
            path.unlink(missing_ok=True)
