"""What lies in the folders of the server, beside what the database says should lie there.

Storage and the shelf of pictures are laid out alike: `root/ab/abcdef…` is of the content abcdef….
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aiconvokit.operations.check import looking_queries
from aiconvokit.operations.check.kinds import EXAMPLES, Found, Kind, Repair
from aiconvokit.services import Services
from aiconvokit.storage import PART

IN_FLIGHT_SECONDS = 3600.0
"""An upload's bytes are stored before its row, and a part of a file is written before either: what
is younger may be of a request that goes on."""

_CONTENT = re.compile(r"[0-9a-f]{64}")

ORIGINALS_MISSING = Kind("originals_missing", "Files whose bytes are not in storage.", Repair.NONE)
CONTENTS_WITHOUT_FILE = Kind(
    "contents_without_file",
    "Bytes in storage that no file has.",
    Repair.DISCARD,
    in_steps=True,
)
PICTURES_WITHOUT_FILE = Kind(
    "pictures_without_file",
    "Kept pictures of pages of files that are gone.",
    Repair.FORGET_PICTURES,
    in_steps=True,
)
PARTS = Kind("parts", "Beginnings of files whose upload was cut off.", Repair.REMOVE_PARTS)
KINDS = (ORIGINALS_MISSING, CONTENTS_WITHOUT_FILE, PICTURES_WITHOUT_FILE, PARTS)


def pictures_of(services: Services) -> Path:
    """The folder of the shelf."""
    return services.data_dir / "pictures"


async def look(
    services: Services, before: Mapping[str, Found] | None = None, *, in_flight: float
) -> list[Found]:
    """What is wrong in the folders now, or still of what was `before`; `in_flight` as above.

    The rows are read last for what may be too much, and first for what may be missing: who adds
    stores the bytes first, and who deletes removes the rows first.
    """
    if before is not None and not any(kind.name in before for kind in KINDS):
        return []
    first = await _digests(services)
    stored, pictures, parts = await asyncio.to_thread(_walk, services, in_flight)
    there = set(stored)
    last = await _digests(services)
    seen = {
        ORIGINALS_MISSING: sorted((first & last) - there),
        CONTENTS_WITHOUT_FILE: sorted(
            one for one, age in stored.items() if one not in last and age >= in_flight
        ),
        PICTURES_WITHOUT_FILE: sorted(set(pictures) - last),
        PARTS: sorted(parts),
    }
    if before is not None:
        known = {name: set(one.keys) for name, one in before.items()}
        seen = {
            kind: [key for key in keys if key in known.get(kind.name, ())]
            for kind, keys in seen.items()
        }
    return [Found(kind, len(keys), _named(keys), keys) for kind, keys in seen.items() if keys]


def _named(keys: Sequence[str]) -> list[str]:
    return [f"{key[:16]}…" if _CONTENT.fullmatch(key) else key for key in keys[:EXAMPLES]]


async def _digests(services: Services) -> set[str]:
    """Of all contents that there are rows of, in hexadecimal."""
    async with services.owner_sessions() as session:
        return {digest.hex() for digest in await looking_queries.contents(session)}


def _walk(services: Services, in_flight: float) -> tuple[dict[str, float], list[str], list[str]]:
    """Contents in storage with their age in seconds, contents of the shelf, and old parts."""
    files, pictures = services.storage.root, pictures_of(services)
    now = time.time()
    stored = {path.name: now - changed for path, changed in _contents(files)}
    shelved = [path.name for path, _ in _contents(pictures)]
    parts = [
        str(path.relative_to(services.data_dir))
        for root in (files, pictures)
        for path, changed in _with_times(root.rglob(f"{PART}*"))
        if now - changed >= in_flight
    ]
    return stored, shelved, parts


def _contents(root: Path) -> Iterator[tuple[Path, float]]:
    return (one for one in _with_times(root.glob("??/*")) if _CONTENT.fullmatch(one[0].name))


def _with_times(paths: Iterator[Path]) -> Iterator[tuple[Path, float]]:
    """Each with when it was changed; one that vanishes meanwhile is left out."""
    for path in paths:
        try:
            yield path, path.stat().st_mtime
        except FileNotFoundError:
            continue
