"""Shapes of documents on the wire."""

from msgspec import Struct

from aiconvokit.rest.fields import Timestamp


class DocumentError(Struct):
    code: str
    detail: str


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


class PageOut(Struct):
    page: int
    label: str | None
    text: str
