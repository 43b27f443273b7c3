"""What a backup says about itself: its first member tells whose it is, its last two what is in it.

The members of the tar file, in this order:

    about.json                     `About`
    originals/ab/abcdef…           the bytes of uploads, under their SHA-256
    tables/<table>/000001          a table's rows: the parts, joined, are one binary COPY
    manifest.json                  `Manifest`
    manifest.sha256                of the manifest
"""

from datetime import datetime

from msgspec import Struct

ABOUT, MANIFEST, SEAL = "about.json", "manifest.json", "manifest.sha256"
ORIGINALS, TABLES = "originals/", "tables/"
PROGRAM = "aiconvokit"
FORMAT = 1
"""Raised when a program that knows this one could not read what it writes."""


class About(Struct):
    """Whose backup it is: checked before anything else is believed."""

    program: str
    format: int
    version: str
    """Of the program that made it."""
    schema: str
    """The revision of the database's schema."""
    created_at: datetime


class Table(Struct):
    """A table's columns, as (name, type), and how many rows there are of it."""

    columns: list[tuple[str, str]]
    rows: int


class Space(Struct):
    """An embedding space, whose table of vectors bears its id."""

    id: int
    provider: str
    model: str
    dim: int


class Manifest(Struct):
    """What is in a backup.

    Attributes:
        tables: in the order in which they can be loaded.
        sequences: the last value by "table.column"; null where none was taken.
        spaces: those with a table of vectors.
        deleted: digests of originals that are in the file, but were deleted while it was made.
        members: the SHA-256 of all members before this one.
    """

    tables: dict[str, Table]
    sequences: dict[str, int | None]
    spaces: list[Space]
    deleted: list[str]
    members: dict[str, str]


def original_name(digest: str) -> str:
    """Of the member with the bytes of a content."""
    return f"{ORIGINALS}{digest[:2]}/{digest}"


def table_of(member: str) -> str | None:
    """The table that a member has rows of."""
    table, _, _ = member.removeprefix(TABLES).partition("/")
    return table if member.startswith(TABLES) else None
