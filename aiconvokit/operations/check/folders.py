"""What lies in storage and in the data folder, beside what the database says should lie there.

The shelf of pictures is laid out as a folder of storage is: `root/ab/abcdef…` is of the content
abcdef…. Each machine has its own.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aiconvokit.operations.check import looking_queries
from aiconvokit.operations.check.kinds import EXAMPLES, Found, Kind, Repair
from aiconvokit.services import Services
from aiconvokit.storage import FOLDER, PART

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
    """What is wrong now, or still of what was `before`; bytes younger than `in_flight` are fine.

    The rows are read last for what may be too much, and first for what may be missing: who adds
    stores the bytes first, and who deletes removes the rows first.
    """
    if before is not None and not any(kind.name in before for kind in KINDS):
        return []
    first = await _digests(services)
    stored = await _stored(services)
    pictures, parts = await asyncio.to_thread(_walk, services, in_flight)
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


async def _stored(services: Services) -> dict[str, float]:
    """Contents in storage, in hexadecimal, with their age in seconds; its clock may be ahead."""
    now = time.time()
    return {
        kept.sha256.hex(): max(0.0, now - kept.since) async for kept in services.storage.contents()
    }


def _walk(services: Services, in_flight: float) -> tuple[list[str], list[str]]:
    """Contents of the shelf, and old parts; those of an object store are copies of uploads."""
    pictures = pictures_of(services)
    now = time.time()
    shelved = [path.name for path, _ in _contents(pictures)]
    parts = [
        str(path.relative_to(services.data_dir))
        for root in (services.data_dir / FOLDER, pictures)
        for path, changed in _with_times(root.rglob(f"{PART}*"))
        if now - changed >= in_flight
    ]
    return shelved, parts


def _contents(root: Path) -> Iterator[tuple[Path, float]]:
    return (one for one in _with_times(root.glob("??/*")) if _CONTENT.fullmatch(one[0].name))


def _with_times(paths: Iterator[Path]) -> Iterator[tuple[Path, float]]:
    """Each with when it was changed; one that vanishes meanwhile is left out."""
    for path in paths:
        try:
            yield path, path.stat().st_mtime
        except FileNotFoundError:
            continue
