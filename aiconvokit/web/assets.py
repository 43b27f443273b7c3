"""The files of the page and the widget, kept in memory and served under an address of their own.

All of them stand below `/assets/{hash}/`, where the hash is over every file: what was fetched once
is never asked for again, and after an update nothing old is left in anybody's cache. Modules import
each other by relative addresses, so that the hash needs to stand in the HTML only.
"""

import functools
import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
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

_WEIGHT = re.compile(r"[01](?:\.\d{0,3})?", re.ASCII)


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
    if not {file.etag, "*"}.isdisjoint(_known(request)):
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    zips = takes_gzip(request.headers.get("accept-encoding", ""))
    if zips:
        headers["Content-Encoding"] = "gzip"
    body = file.zipped if zips else file.body
    return Response(body, headers=headers, media_type=file.media_type)


def _known(request: Request[Any, Any, Any]) -> list[str]:
    """The ETags of what a browser has already, without the mark of weak ones."""
    members = request.headers.get("if-none-match", "").split(",")
    return [one.strip().removeprefix("W/") for one in members]


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding takes gzip: by its name, else by `*`; a weight of 0 refuses it."""
    weights: dict[str, float] = {}
    for member in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in member.split(";"))
        weights["gzip" if name == "x-gzip" else name] = _weight(parameters)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(parameters: Sequence[str]) -> float:
    """The `q` among an encoding's parameters; one that cannot be read takes nothing."""
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            found = _WEIGHT.fullmatch(value.strip())
            return float(found[0]) if found else 0.0
    return 1.0
