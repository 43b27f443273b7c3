"""Pages of documents as pictures, and where the words of a quote stand on them."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.config import Limits
from aiconvokit.errors import AIConvoKitError, NotFound, Unavailable
from aiconvokit.files import document_password_queries, queries
from aiconvokit.files.picture_refusals import Refusals
from aiconvokit.files.picture_shelf import Shelf
from aiconvokit.files.picture_turns import Turns
from aiconvokit.services import Services
from aiconvokit.storage import Storage
from ingestion.errors import DocumentRejected, DocumentTooComplex, IngestionError
from ingestion.load import PDF
from ingestion.parse.boxes import boxes_of
from ingestion.parse.drawing import MAX_CHARACTERS, draw_in_child, place_in_child
from ingestion.parse.limits import MB
from ingestion.parse.limits import Limits as ParserLimits
from ingestion.parse.wire import NO_SUCH_PAGE, Placed
from ingestion.tables import Document, PageText

CHILDREN = 2
"""At once in a process, beside those of the worker."""

WAIT_SECONDS = 10.0
"""For a free child: longer than that nobody looks at an empty page."""

CPU_SECONDS = 10
"""Of a page: real ones take 0.1 s, the worst of the hostile set 3 s."""

WALL_SECONDS = 20.0
"""The same on a machine that does other things too."""

ANSWER_BYTES = 40 * MB
"""More than a picture of the most pixels that cannot be packed."""

MAX_MARKED = 20_000
"""Characters that are marked at once: longer than any quote, and 0.4 s on a thread."""

_MAKER = f"1-{version('pypdfium2')}"
"""Names what is kept: another way of drawing, or another PDFium, makes it anew."""


class NoPicture(NotFound):
    """A document of another format, or the bytes of that version are gone."""

    code = "no_picture"
    is_addition = True

    def __init__(self) -> None:
        super().__init__("This document has no pictures of its pages.")


class NotDrawable(AIConvoKitError):
    """The file cannot be drawn; the code is the parser's: `encrypted`, `corrupt`, `timeout` …."""

    status = 422
    code = "corrupt"


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that pages are drawn from, by their digest, and what opens them."""

    sha256: bytes
    password: str | None = field(default=None, repr=False)

    def named(self, name: str) -> str:
        """What is made of it goes by this name: nobody gets what another's password opened."""
        if self.password is None:
            return name
        key = hashlib.blake2b(self.password.encode(), key=self.sha256, digest_size=16)
        return f"{key.hexdigest()}-{name}"


class BoxOut(msgspec.Struct):
    """A part of a page in 0..1 of its width and height, origin at the top left."""

    x: float
    y: float
    width: float
    height: float


class MarksOut(msgspec.Struct):
    """Where words stand: one box a line; `width` and `height` of the page in points."""

    page: int
    width: float | None
    height: float | None
    boxes: list[BoxOut]


class Pictures:
    """Draws pages in children, a few at a time, and keeps what they drew.

    `whose` names who asks, `user:3` or `widget:7`: one page is drawn for each at a time, so that
    nobody waits behind all the pages of somebody else.
    """

    def __init__(self, storage: Storage, shelf: Shelf, limits: Limits) -> None:
        self._storage = storage
        self._shelf = shelf
        self._limits = ParserLimits(
            file_bytes=limits.max_upload_bytes,
            memory_bytes=limits.parse_memory_bytes,
            cpu_seconds=min(CPU_SECONDS, limits.parse_cpu_seconds),
            wall_seconds=WALL_SECONDS,
            wall_seconds_per_page=0.0,
            answer_bytes=ANSWER_BYTES,
        )
        self._children = asyncio.Semaphore(CHILDREN)
        self._turns = Turns()
        self._refusals = Refusals()
        self._makers = WeakValueDictionary[tuple[bytes, str], asyncio.Lock]()

    async def picture(self, content: Content, page: int, width: int, *, whose: str) -> bytes:
        """A page as a PNG, `width` pixels wide; pages count from 1.

        Raises:
            NoPicture: the file's bytes are not in storage.
            NotFound: it has no such page.
            NotDrawable: PDFium cannot open it, or a limit was hit.
            Throttled: the asker waits for too many pages already.
            Unavailable: too many others wait.
        """

        def draw(data: bytes) -> Awaitable[bytes]:
            return draw_in_child(data, page, width, self._limits, content.password)

        try:
            return await self._made(whose, content, f"{_MAKER}-{page}-{width}.png", draw)
        except IngestionError as error:
            raise _told(error) from error

    async def marks(
        self, content: Content, page: PageText, start: int, end: int, *, whose: str
    ) -> MarksOut:
        """Where `page.text[start:end]` stands; no boxes where PDFium does not know it.

        Only the first `MAX_MARKED` characters of it.

        Raises:
            NoPicture: the file's bytes are not in storage.
            NotDrawable: a limit was hit.
            Throttled: the asker waits for too many pages already.
            Unavailable: too many others wait.
        """
        if len(page.text) > MAX_CHARACTERS:  # a child would place none of them
            return MarksOut(page.number, None, None, [])

        async def place(data: bytes) -> bytes:
            placed = await place_in_child(
                data, page.number, page.text, self._limits, content.password
            )
            return msgspec.msgpack.encode(placed)

        digest = hashlib.sha256(page.text.encode()).hexdigest()[:32]
        name = f"{_MAKER}-{page.number}-{digest}.places"
        try:
            kept = await self._made(whose, content, name, place)
        except DocumentTooComplex as error:
            raise _told(error) from error
        except DocumentRejected:  # another reader's text
            return MarksOut(page.number, None, None, [])
        except IngestionError as error:
            raise _told(error) from error
        found = msgspec.msgpack.decode(kept, type=Placed)
        size = (found.width, found.height)
        last = min(end, start + MAX_MARKED, len(page.text))
        boxes = await asyncio.to_thread(boxes_of, found.places, size, page.text, start, last)
        return MarksOut(page.number, *size, [BoxOut(*box) for box in boxes])

    async def _made(
        self, whose: str, content: Content, name: str, make: Callable[[bytes], Awaitable[bytes]]
    ) -> bytes:
        """What is kept under a name, or made now; whoever wants the same meanwhile waits for it.

        The asker's own turn comes first: who waits for it holds nothing that others want.
        """
        sha256, name = content.sha256, content.named(name)
        async with AsyncExitStack() as turns:
            until = asyncio.get_running_loop().time() + WAIT_SECONDS
            if (kept := await self._kept(sha256, name)) is not None:
                return kept
            await _enter(turns, self._turns.taken(whose), until)
            maker = self._makers.setdefault((sha256, name), asyncio.Lock())
            await _enter(turns, maker, until)
            if (kept := await self._kept(sha256, name)) is not None:
                return kept
            await _enter(turns, self._children, until)
            try:
                made = await make(await self._storage.get(sha256))
            except FileNotFoundError:
                raise NoPicture from None
            except IngestionError as error:
                self._refusals.keep(sha256, name, error)
                raise
            await asyncio.to_thread(self._shelf.put, sha256, name, made)
        if not await self._storage.has(sha256):  # deleted meanwhile: nothing stays behind
            await asyncio.to_thread(self._shelf.forget, sha256)
        return made

    async def _kept(self, sha256: bytes, name: str) -> bytes | None:
        """What was made before, or raises why it could not be made."""
        self._refusals.ensure_none(sha256, name)
        return await asyncio.to_thread(self._shelf.get, sha256, name)


def open_pictures(services: Services) -> Pictures:
    """The pictures of one process."""
    return Pictures(services.storage, Shelf(_folder(services)), services.settings.limits)


async def forget(services: Services, sha256: bytes) -> None:
    """Remove all pictures of a content that was removed from storage."""
    await asyncio.to_thread(Shelf(_folder(services)).forget, sha256)


async def content_of(session: AsyncSession, document: Document, wanted: int) -> Content:
    """The content of a document's version, of which pages can be drawn.

    Only the newest version's bytes are stored.

    Raises:
        NoPicture: it is no PDF, or its bytes are gone.
        NotFound: there never was such a version.
    """
    if wanted > document.version:
        raise NotFound("Not found.")
    if document.media_type != PDF or wanted < document.version:
        raise NoPicture
    file = await queries.file_by_id(session, document.file_id)
    if file is None:
        raise NoPicture
    return Content(file.sha256, await document_password_queries.password_of(session, document.id))


def tag(content: Content, page: int, width: int) -> str:
    """The ETag of a picture."""
    return f'"{content.sha256.hex()[:32]}-{page}-{width}-{_MAKER}"'


async def _enter(
    turns: AsyncExitStack, gate: AbstractAsyncContextManager[None], until: float
) -> None:
    """Wait for a turn, by the loop's clock until then."""
    try:
        async with asyncio.timeout_at(until):
            await turns.enter_async_context(gate)
    except TimeoutError:
        raise Unavailable(
            "Many pages are being drawn. Try again in a moment.", code="busy"
        ) from None


def _told(error: IngestionError) -> AIConvoKitError:
    """A child's refusal as the wire says it."""
    if error.code == NO_SUCH_PAGE:
        return NotFound("Not found.")
    return NotDrawable(error.detail, code=error.code)


def _folder(services: Services) -> Path:
    return services.data_dir / "pictures"
