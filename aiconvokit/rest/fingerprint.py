"""What tells a request that is sent again from another one: its parameters, not its bytes.

Bytes differ from try to try: the boundaries of multipart forms, the order of a JSON object.
"""

import asyncio
import hashlib
import json
from typing import Any

from litestar.datastructures import UploadFile

from aiconvokit.errors import BadRequest
from aiconvokit.rest.body import ApiRequest, Body


async def fingerprint(request: ApiRequest, body: Body) -> bytes:
    """SHA-256 of method, path and fields; of a file, its name and the SHA-256 of its bytes.

    Files are left at their beginning.

    Raises:
        BadRequest: the fields are nested too deeply.
    """
    path = request.scope["path"].rstrip("/")  # answered with and without
    # A request's files may be 500 MB, on disk: a second of hashing.
    return await asyncio.to_thread(_digest, request.method, path, body)


def _digest(method: str, path: str, body: Body) -> bytes:
    try:
        told = json.dumps([method, path, body.values], sort_keys=True, default=_file)
    except RecursionError as error:
        raise BadRequest("JSON parse error - Nested too deeply") from error
    return hashlib.sha256(told.encode()).digest()


def _file(value: Any) -> list[str]:
    """A file as JSON: what else a body holds is JSON already."""
    if not isinstance(value, UploadFile):
        raise TypeError(type(value))
    value.file.seek(0)
    digest = hashlib.file_digest(value.file, "sha256")  # in blocks of 256 kB
    value.file.seek(0)
    return [value.filename, digest.hexdigest()]
