"""The files of the page and the widget, kept in memory and served under an address of their own.

All of them stand below `/assets/{hash}/`, where the hash is over every file: what was fetched once
is never asked for again, and after an update nothing old is left in anybody's cache. Modules import
each other by relative addresses, so that the hash needs to stand in the HTML only.
"""

import functools
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from aiconvokit.errors import NotFound

ASSETS = "/assets"
STATIC = Path(__file__).parent / "static"
HASH_LETTERS = 16
"""Hex digits of the hash in addresses: 64 bits tell the versions of one server apart."""
FOREVER = "public, max-age=31536000, immutable"
TEMPLATE = ".html"
"""Pages are filled in by their routes and are no assets; they count for the hash."""
MEDIA_TYPES = {  # of texts the framework says that they are UTF-8
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, the same compressed, its type, and its ETag with the quotes."""

    body: bytes
    zipped: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file by its path below `static/` ("js/main.js"), and the hash over all of them."""

    version: str
    files: Mapping[str, Asset]

    def url(self, path: str) -> str:
        """Where a file is served.

        Raises:
            KeyError: there is no such file.
        """
        if path not in self.files or path.endswith(TEMPLATE):
            raise KeyError(path)
        return f"{ASSETS}/{self.version}/{path}"

    def text(self, path: str) -> str:
        """What stands in a file, such as a page to be filled in.

        Raises:
            KeyError: there is no such file.
        """
        return self.files[path].body.decode()


def load(folder: Path) -> Assets:
    """Read and compress all files of a folder.

    Raises:
        KeyError: a file's type is unknown: what it would be served as has to be decided.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): _asset(path) for path in paths}
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}\0{file.etag}\0".encode())
    return Assets(digest.hexdigest()[:HASH_LETTERS], MappingProxyType(files))


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:HASH_LETTERS]}"'
    return Asset(body, gzip.compress(body, mtime=0), MEDIA_TYPES[path.suffix], etag)


@functools.cache
def assets() -> Assets:
    """This server's own; read once."""
    return load(STATIC)


@get("/assets/{version:str}/{path:path}", include_in_schema=False, sync_to_thread=False)
def asset(
    request: Request[Any, Any, Any], version: FromPath[str], path: FromPath[str]
) -> Response[bytes]:
    """One file of this very version; any other is unknown, and never the newest under an old name.

    Raises:
        NotFound: another version, or no such file.
    """
    found = assets()
    name = path.removeprefix("/")
    file = found.files.get(name)
    if version != found.version or file is None or name.endswith(TEMPLATE):
        raise NotFound("Not found.")
    return answer(request, file, {"Cache-Control": FOREVER})


def answer(
    request: Request[Any, Any, Any], file: Asset, headers: Mapping[str, str]
) -> Response[bytes]:
    """A file as a request can take it: compressed, or not at all when it has it already."""
    headers = {**headers, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in _listed(request, "if-none-match"):
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    zips = "gzip" in _listed(request, "accept-encoding")
    if zips:
        headers["Content-Encoding"] = "gzip"
    body = file.zipped if zips else file.body
    return Response(body, headers=headers, media_type=file.media_type)


def _listed(request: Request[Any, Any, Any], header: str) -> list[str]:
    """The members of a list in a header, without weights and without the mark of weak ETags."""
    members = request.headers.get(header, "").split(",")
    return [one.split(";")[0].strip().removeprefix("W/") for one in members]
