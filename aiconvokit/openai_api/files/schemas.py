"""Files as the OpenAI wire has them."""

from typing import Literal, cast, get_args

from msgspec import Struct

from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api.cursors import seconds

Purpose = Literal["assistants", "user_data", "evals"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
OF_DOCUMENTS: Purpose = "assistants"
"""What a file is shown for that came with documents of `/api/v1`."""


class FileOut(Struct):
    """A file."""

    id: str
    bytes: int
    created_at: int
    filename: str
    purpose: Purpose
    expires_at: int | None = None
    status_details: str | None = None
    status: Literal["processed"] = "processed"
    object: Literal["file"] = "file"


class FileDeleted(Struct):
    """What is left of one."""

    id: str
    deleted: Literal[True] = True
    object: Literal["file"] = "file"


def show_file(file: StoredFile) -> FileOut:
    """A file on the wire."""
    return FileOut(
        id=file.public_id,
        bytes=file.size,
        created_at=seconds(file.created_at),
        filename=file.filename,
        purpose=cast("Purpose", file.purpose or OF_DOCUMENTS),
    )
