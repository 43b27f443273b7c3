"""Shapes of documents on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from aiconvokit.rest.fields import Timestamp
from ingestion.attributes import MAX_KEY_CHARACTERS, MAX_KEYS, MAX_VALUE_CHARACTERS

Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS)]
Text = Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)]
AttributesShape = Annotated[dict[Key, Text | float | bool], Meta(max_length=MAX_KEYS)]
"""For the OpenAPI document; what comes in is checked by `ingestion.attributes`."""


class DocumentError(Struct):
    code: str
    detail: str


class DocumentProgress(Struct):
    """While a document is read: how far it can be searched by meaning."""

    page: int
    pages: int


class DocumentOut(Struct):
    id: int
    filename: str
    url: str
    media_type: str
    bytes: int
    pages: int | None
    status: str
    error: DocumentError | None
    version: int
    created_at: Timestamp
    attributes: dict[str, str | float | bool]
    progress: DocumentProgress | None


class NewDocuments(Struct):
    """What may stand beside files."""

    attributes: AttributesShape | None = None


FilePassword = Annotated[str, Meta(max_length=255, extra={"check": "password"})]
"""Office takes 255 characters, PDF 127 bytes."""


class DocumentUpdate(Struct):
    """At least one of the two."""

    attributes: AttributesShape | None = None
    password: FilePassword | None = None


class DocumentLock(Struct):
    """What is said beside attributes."""

    password: FilePassword | None = None


class PageOut(Struct):
    page: int
    label: str | None
    text: str
