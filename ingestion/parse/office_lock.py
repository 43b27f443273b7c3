"""Office documents with a password: an old container that holds the encrypted archive."""

import io
import logging

from msoffcrypto.exceptions import (  # type: ignore[import-untyped] # ships no types
    DecryptionError,
    FileFormatError,
    InvalidKeyError,
)
from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-untyped] # ships no types

from ingestion.errors import DocumentRejected
from ingestion.parse import package
from ingestion.parse.locked import locked

logging.getLogger("msoffcrypto").setLevel(logging.CRITICAL)
logging.getLogger("olefile").setLevel(logging.CRITICAL)


def unlock(data: bytes, password: str | None) -> bytes:
    """The archive in it, as Office 2007 and later lock it.

    Raises:
        DocumentRejected: `encrypted` without the right password, `unsupported` when it is an old
            document or locked in another way, `corrupt`.
    """
    out = io.BytesIO()
    with package.damaged():
        try:
            file = OOXMLFile(io.BytesIO(data))
            if not password:
                raise locked("The document", None)
            file.load_key(password=password, verify_password=True)
            file.decrypt(out)
        except InvalidKeyError:
            raise locked("The document", password) from None
        except FileFormatError:
            raise DocumentRejected(
                "The file is in an old Office format. Save it as .docx, .xlsx or .pptx.",
                code="unsupported",
            ) from None
        except DecryptionError:
            raise DocumentRejected(
                "The document is locked in a way that is not read. Save a copy without a password "
                "and upload that.",
                code="encrypted",
            ) from None
    return out.getvalue()
