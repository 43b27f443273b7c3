"""What could not be drawn is not tried again at once: a page that hits a limit costs all of it."""

import asyncio

from ingestion.errors import IngestionError

KEPT_SECONDS = 300.0
"""A page is the same for ever, but a busy machine, or one short of memory, passes."""

MOST_KEPT = 1_000
"""In this process; 300 bytes each."""


class Refusals:
    """Errors of drawing children by what was wanted, the oldest first."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, str], tuple[float, IngestionError]] = {}

    def keep(self, sha256: bytes, name: str, error: IngestionError) -> None:
        """Remember why something cannot be made of a content."""
        self._kept.pop((sha256, name), None)
        until = asyncio.get_running_loop().time() + KEPT_SECONDS
        self._kept[sha256, name] = (until, _again(error))
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def ensure_none(self, sha256: bytes, name: str) -> None:
        """Raise what was raised the last time, if that is not long ago."""
        until, error = self._kept.get((sha256, name), (0.0, None))
        if error is None:
            return
        if until > asyncio.get_running_loop().time():
            raise _again(error)
        del self._kept[sha256, name]


def _again(error: IngestionError) -> IngestionError:
    """The same error without a traceback, which would grow and hold the file's bytes."""
    return type(error)(error.detail, code=error.code)
