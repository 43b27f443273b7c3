"""What parent and child say to each other: frames of a length and a MessagePack message."""

import struct
from collections.abc import Mapping, Sequence

import msgspec

from ingestion.cutting import Cutting
from ingestion.documents import Chunk, ParsedDocument
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse.limits import MB, Limits

LENGTH_BYTES = 8
"""Before every frame, big-endian."""

MAX_REQUEST_BYTES = 80 * MB
"""Of the request itself, with the words that were recognised; the file follows it."""

MAX_PICTURE_REQUEST_BYTES = 4 * MB
"""Of a request with the text of a page."""

NO_SUCH_PAGE = "no_such_page"
"""Code of a drawing child's refusal: the document has fewer pages."""

EXIT_OUT_OF_MEMORY = 77
"""How a child ends whose memory is too short for a message."""

RECORD = struct.Struct(">cIi")
"""Between the parent and a fork server: START, KILL or ENDED; the number of the fork; and the place
in `registry.MODULES` of what it parses with, or the exit code it ended with."""
START, KILL, ENDED = b"s", b"k", b"e"
SOCKETS = 2
"""Come with START: the fork's stdin and stdout, and its stderr."""


class Request(msgspec.Struct, frozen=True):
    """First frame to the child; `size` bytes of file follow."""

    media_type: str
    filename: str
    size: int
    limits: Limits
    cutting: Cutting | None
    password: str | None
    texts: Mapping[int, str] | None


class Draw(msgspec.Struct, frozen=True, tag=True):
    """First frame to a drawing child; `size` bytes of a PDF follow.

    `page` counts from 1, `width` is that of the picture in pixels.
    """

    page: int
    width: int
    size: int
    limits: Limits
    password: str | None


class Place(msgspec.Struct, frozen=True, tag=True):
    """The same, for where the characters of the page's stored text stand."""

    page: int
    text: str
    size: int
    limits: Limits
    password: str | None


PictureRequest = Draw | Place


class Recognise(msgspec.Struct, frozen=True):
    """First frame to a recognising child; `size` bytes of a PDF or a picture follow."""

    media_type: str
    page: int
    size: int
    limits: Limits
    password: str | None


class PagesKnown(msgspec.Struct, frozen=True, tag=True):
    """The number of pages, sent before the long work: it extends the deadline."""

    pages: int


class Parsed(msgspec.Struct, frozen=True, tag=True):
    """The document and its passages, in order."""

    document: ParsedDocument
    chunks: Sequence[Chunk]


class ToRecognise(msgspec.Struct, frozen=True, tag=True):
    """Numbers of pages that are pictures; the file is asked for again, with their words."""

    pages: Sequence[int]


class Recognised(msgspec.Struct, frozen=True, tag=True):
    """The words on a page."""

    text: str


class Drawn(msgspec.Struct, frozen=True, tag=True):
    """A page as a PNG."""

    picture: bytes


class Placed(msgspec.Struct, frozen=True, tag=True):
    """Where a page's characters stand: see `ingestion.parse.boxes`.

    `width` and `height` are the page's, in points, as it is drawn.
    """

    width: float
    height: float
    places: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The file was rejected."""

    code: str
    detail: str
    too_complex: bool

    def error(self) -> DocumentRejected:
        """The same as the exception it came from."""
        kind = DocumentTooComplex if self.too_complex else DocumentRejected
        return kind(self.detail, code=self.code)


Message = PagesKnown | Parsed | ToRecognise | Recognised | Drawn | Placed | Refused

_MESSAGES: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Request | PictureRequest | Recognise | Message) -> bytes:
    """A message as a frame."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode(body: bytes) -> Message:
    """A message from a child; raises `msgspec.DecodeError` for anything else."""
    return _MESSAGES.decode(body)


def decode_request(body: bytes) -> Request:
    """The request, in the child."""
    return msgspec.msgpack.decode(body, type=Request)


def decode_picture_request(body: bytes) -> PictureRequest:
    """The request, in a drawing child."""
    found: PictureRequest = msgspec.msgpack.decode(body, type=PictureRequest)
    return found


def decode_recognise(body: bytes) -> Recognise:
    """The request, in a recognising child."""
    return msgspec.msgpack.decode(body, type=Recognise)
