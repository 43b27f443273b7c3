"""Multipart bodies: texts in memory within a bound, files spooled to disk within theirs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from litestar import Request
from litestar.datastructures import State, UploadFile
from litestar.exceptions import InternalServerException
from multipart import (  # type: ignore[import-untyped]  # annotated, but not marked as such
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

from aiconvokit.errors import BadRequest, TooLarge

UPLOADS = "aiconvokit_uploads"
"""Where the request's scope keeps its spooled files; `Edge` closes them after the answer."""
MAX_PARTS = 1_000
SPOOL_BYTES = 64 * 1024
"""What of one file stays in memory: a hundred files in one request are 6 MB."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one form may hold."""

    text_bytes: int
    file_bytes: int
    files: int


class _Part(Protocol):
    """A part's head, as the parser tells it."""

    name: str
    filename: str | None
    content_type: str | None
    charset: str | None
    bytes_received: int


@dataclass(slots=True)
class _Form:
    """What has arrived so far."""

    bounds: Bounds
    uploads: list[UploadFile]
    values: dict[str, list[Any]] = field(default_factory=dict)
    part: _Part | None = None
    upload: UploadFile | None = None
    text: bytearray = field(default_factory=bytearray)
    text_bytes: int = 0

    async def take(self, event: Any) -> None:
        """Take what the parser made: a part's head, a piece of its body, or its end."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event:
            await self._append(event)
        elif self.part is not None:
            self._end(self.part)

    def _begin(self, part: _Part) -> None:
        self.part, self.upload, self.text = part, None, bytearray()
        if not part.filename:
            return
        if len(self.uploads) == self.bounds.files:
            raise TooLarge(f"At most {self.bounds.files} files fit into one request.")
        self.upload = UploadFile(part.content_type or "", part.filename, max_spool_size=SPOOL_BYTES)
        self.uploads.append(self.upload)

    async def _append(self, piece: bytearray) -> None:
        if self.upload is None:
            self.text_bytes += len(piece)
            if self.text_bytes > self.bounds.text_bytes:
                raise TooLarge(f"The form's texts are larger than {self.bounds.text_bytes} bytes.")
            self.text += piece
        elif self.part is not None and self.part.bytes_received > self.bounds.file_bytes:
            raise TooLarge(f"A file is larger than {self.bounds.file_bytes} bytes.")
        else:
            await self.upload.write(piece)

    def _end(self, part: _Part) -> None:
        if self.upload is not None:
            self.upload.file.seek(0)
        value = self.upload or self.text.decode(part.charset or "utf-8")
        self.values.setdefault(part.name, []).append(value)


async def read_multipart(
    request: Request[Any, Any, State], bounds: Bounds
) -> dict[str, list[str | UploadFile]]:
    """Read a form: the values of each field, in the order they came.

    Raises:
        BadRequest: it is malformed, or ends early.
        TooLarge: a text, a file, or the number of parts is over its bound.
    """
    boundary = request.content_type[1].get("boundary")
    if not boundary:
        raise BadRequest("Multipart form parse error - Invalid boundary in multipart: None")
    uploads = cast("dict[str, Any]", request.scope).setdefault(UPLOADS, [])
    form = _Form(bounds, uploads)
    try:
        await _parse(boundary, request.stream(), form)
    except MultipartError as error:
        kind = TooLarge if isinstance(error, ParserLimitReached) else BadRequest
        raise kind(f"Multipart form parse error - {error}") from error
    except (UnicodeError, LookupError) as error:
        raise BadRequest("Multipart form parse error - Text is not UTF-8") from error
    except InternalServerException as error:
        raise BadRequest("The connection was closed before the body's end.") from error
    return form.values


async def _parse(boundary: str, chunks: AsyncIterator[bytes], form: _Form) -> None:
    with PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
        empty = True
        async for chunk in chunks:
            if not chunk and empty:
                parser.close(check_complete=False)  # no body at all: a form without fields
                return
            empty = False
            for event in parser.parse(chunk):
                await form.take(event)
            if parser.closed:
                return
            await asyncio.sleep(0)  # a large body must not keep other requests waiting
