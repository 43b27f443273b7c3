"""Contents in an object store: S3 and what speaks like it, Google's and Azure's.

Its credentials come from the environment, where the library looks for them; nothing of them is in
our settings, errors or logs.
"""

import asyncio
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from aiconvokit.errors import StorageAway
from aiconvokit.storage.contents import PART, Kept, Stored, copy, digest_of, name_of

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
"""For one request, its body too: a part over a line of 2 MBit/s."""
RETRIES = 2
RETRY_SECONDS = 5.0
"""From the first try: a server that hangs is not asked again, one that hiccups is."""
PART_BYTES = 5 * 1024 * 1024
"""What is sent and read at once; S3 takes no smaller parts of an upload."""
PARTS_AT_ONCE = 2
LISTED = 1_000
"""Names of an answer; no store lists more."""
_LAST = "zz"
"""Behind the names of all contents, which begin with hexadecimal digits."""

_CODE = re.compile(r"<Code>(\w+)</Code>")
_QUERY = re.compile(r"\?\S+")

logger = logging.getLogger(__name__)


class ObjectStorage:
    """Content-addressed objects below a prefix of a bucket, named as in a folder.

    An object appears when all of its parts are there. What is cut off leaves at most parts that
    nobody sees; a rule of the bucket removes them.

    Args:
        url: `s3://bucket/prefix`, `gs://…` or `az://container/prefix`.
        scratch: a folder of this machine, for copies of what is being sent.
        allow_http: whether the store may be asked without TLS.

    Raises:
        ValueError, BaseError: the URL or the library's variables cannot be understood.
    """

    def __init__(self, url: str, scratch: Path, *, allow_http: bool = False) -> None:
        self._url = url
        self._scratch = scratch
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = from_url(
            url,
            client_options={
                "allow_http": allow_http,
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        )

    @property
    def where(self) -> str:
        """The URL."""
        return self._url

    async def put(self, source: BinaryIO, *, max_bytes: int) -> Stored:
        """Store a stream; see Storage, for the others, too."""
        # A copy, since a file of a folder may change: what has the name is what was hashed.
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix=PART) as part:
            file = cast("BinaryIO", part)
            stored = await asyncio.to_thread(copy, source, file, max_bytes)
            with suppress(FileNotFoundError):
                await self._size(stored.sha256)
                return stored
            with self._told(no_bucket=True):
                await obstore.put_async(
                    self._store,
                    name_of(stored.sha256),
                    Path(part.name),
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        return stored

    async def get(self, sha256: bytes) -> bytes:
        """All bytes of a content."""
        return b"".join([block async for block in self.blocks(sha256)])

    async def has(self, sha256: bytes) -> bool:
        """Whether a content is here."""
        try:
            await self._known_size(sha256)
        except FileNotFoundError:
            return False
        return True

    async def blocks(self, sha256: bytes) -> AsyncIterator[bytes]:
        """A content in pieces, a request for each: a reader that pauses keeps no request open."""
        size = await self._known_size(sha256)
        for start in range(0, size, PART_BYTES):
            end = min(start + PART_BYTES, size)
            with self._told():
                block = await obstore.get_range_async(
                    self._store, name_of(sha256), start=start, end=end
                )
            yield bytes(block)

    async def check(self) -> None:
        """Find out whether there is a bucket that we may use; `doctor` stores something, too."""
        with self._told(no_bucket=True):
            async for _ in obstore.list(self._store, offset=_LAST):
                break

    async def delete(self, sha256: bytes) -> None:
        """Remove a content."""
        with self._told(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, name_of(sha256))

    async def contents(self) -> AsyncIterator[Kept]:
        """All contents."""
        with self._told(no_bucket=True):
            async for page in obstore.list(self._store, chunk_size=LISTED):
                for one in page:
                    digest = digest_of(one["path"])
                    if digest is not None:
                        yield Kept(digest, one["last_modified"].timestamp())

    async def _known_size(self, sha256: bytes) -> int:
        """Its size; where the bucket itself is gone nothing looks as if it were deleted."""
        try:
            return await self._size(sha256)
        except FileNotFoundError:
            await self.check()
            raise

    async def _size(self, sha256: bytes) -> int:
        with self._told():
            return (await obstore.head_async(self._store, name_of(sha256)))["size"]

    @contextmanager
    def _told(self, *, no_bucket: bool = False) -> Iterator[None]:
        """Faults as ours; `no_bucket`: not to be found means that there is no bucket."""
        try:
            yield
        except BaseError as error:
            raise self._away(error) from None
        except FileNotFoundError as error:
            if no_bucket:
                raise self._away(error) from None
            raise

    def _away(self, error: Exception) -> StorageAway:
        why = _without_secrets(str(error))
        logger.warning("The storage %s is not available: %s", self._url, why)
        return StorageAway(why)


def _without_secrets(said: str) -> str:
    """An error's first lines: a store's own answer may repeat key and signature, a URL a token."""
    first = said.partition("\n\nDebug")[0]
    code = _CODE.search(said)
    told = _QUERY.sub("", first.partition("<")[0]).strip(" :\n")
    return f"{told}: {code[1]}" if code else told
