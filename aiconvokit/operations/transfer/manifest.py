"""What an export says about itself, and where its parts lie.

manifest.json            `Manifest`; written last: a folder without it holds no finished export
<kind>.jsonl             a line for each object: see `records`
originals/ab/abcdef…     the bytes of uploads, each content once, under its SHA-256
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from aiconvokit.operations.transfer.fields import Amount, Id, Sha256

MANIFEST, UNFINISHED, ORIGINALS = "manifest.json", "unfinished.json", "originals"
PROGRAM = "aiconvokit"
FORMAT = 1
"""Raised when a program that knows this one could not read what it writes."""


class About(Struct):
    """Whose export it is: checked before anything else is believed."""

    program: str
    format: int
    version: str
    """Of the program that made it."""


class Lines(Struct):
    """A file of lines: how many, and the SHA-256 of all of it."""

    rows: Amount
    sha256: Sha256


class Manifest(About):
    """What is in an export.

    Attributes:
        export: its own id; that of the same export made again is another one.
        source: the same for all exports of one user of one server.
        user: the name of whom it was.
        created_at: the moment of which it is.
        kinds: the files of lines, by kind.
        originals: how many contents are in it, and how many bytes they have.
        missing: SHA-256 of contents whose bytes the server had lost.
    """

    export: Id
    source: Sha256
    user: Annotated[str, Meta(max_length=150)]
    created_at: datetime
    kinds: dict[str, Lines]
    originals: Amount
    original_bytes: Amount
    missing: list[Sha256]


def lines_of(kind: str) -> str:
    """The name of the file of a kind."""
    return f"{kind}.jsonl"
