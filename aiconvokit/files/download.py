"""Stored bytes as an answer."""

from urllib.parse import quote

from litestar.response import Stream

from aiconvokit.errors import NotFound
from aiconvokit.files.tables import StoredFile
from aiconvokit.services import Services


async def download(
    services: Services, file: StoredFile, *, filename: str, media_type: str, gone: NotFound
) -> Stream:
    """A file as it was uploaded, under the name of the document that it is.

    Raises:
        NotFound: its bytes are not in storage; `gone` says it as the surface does.
    """
    if not await services.storage.has(file.sha256):
        raise gone
    return Stream(
        services.storage.blocks(file.sha256),
        media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename)}",
            "Content-Length": str(file.size),
        },
    )
