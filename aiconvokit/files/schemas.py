"""Shapes of documents on the wire."""

from datetime import datetime

from msgspec import Struct


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
    created_at: datetime


class PageOut(Struct):
    page: int
    label: str | None
    text: str
