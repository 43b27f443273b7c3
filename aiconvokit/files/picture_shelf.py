"""What was made of documents and can be made again: kept on disk below a bound in bytes."""

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024
"""Some 2,000 pages with the places of their characters."""

_KEPT = 0.8
"""Of the bound that a sweep leaves, so that the next one is not due at once."""

_SWEPT_EVERY = 1 / 16
"""Of the bound that is written between two sweeps: each looks at every file, 20 ms for 5,000."""

logger = logging.getLogger(__name__)


class Shelf:
    """Files by content and name: `root/ab/abcdef…/name` is made of the content abcdef….

    Several processes may share a folder. Every method blocks: call them in a thread.
    """

    def __init__(self, root: Path, max_bytes: int = MAX_BYTES) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._unswept = max_bytes  # nobody knows what is there: the first one is swept after

    def get(self, sha256: bytes, name: str) -> bytes | None:
        """What is kept under a name, which counts as used now; None when it cannot be had."""
        path = self._folder(sha256) / name
        try:
            data = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)
        return data

    def put(self, sha256: bytes, name: str, data: bytes) -> None:
        """Keep something, if the disk lets us; what was not used for longest goes for it."""
        folder = self._folder(sha256)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(folder, name, data)
        except OSError as error:  # it can be made again
            logger.warning("A picture of a page could not be kept: %s", error)
        self._unswept += len(data)
        if self._unswept >= self._max_bytes * _SWEPT_EVERY:
            self._unswept = 0
            self._sweep()

    def forget(self, sha256: bytes) -> None:
        """Remove all that was made of a content."""
        shutil.rmtree(self._folder(sha256), ignore_errors=True)

    def _folder(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._root / name[:2] / name

    def _sweep(self) -> None:
        """Remove what was not used for longest, where the bound is near."""
        found: list[tuple[float, int, Path]] = []
        # Another process sweeps and forgets as well; `walk` goes on where folders vanish.
        for folder, _, names in os.walk(self._root):
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):
                    state = path.stat()
                    found.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._max_bytes * (1 - _SWEPT_EVERY):
            return
        for _, size, path in sorted(found):
            if total <= self._max_bytes * _KEPT:
                break
            with suppress(OSError):  # the next sweep tries again
                path.unlink(missing_ok=True)
            total -= size
            with suppress(OSError):  # others are in there
                path.parent.rmdir()


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a file so that nobody ever reads a part of it; nothing stays of one that failed."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as part:
        path = Path(part.name)
    try:
        path.write_bytes(data)
        path.replace(folder / name)
    except OSError:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
