"""Which encoding a text is in: UTF-8, UTF-16 with its mark, or the Windows code page of the West.

Office programs still write text and CSV files in Windows-1252, which decodes nearly anything: it is
accepted only where nothing speaks for another encoding, because a wrong guess would be stored as
the document's words.
"""

import codecs
import re

from ingestion.errors import DocumentRejected

UTF_8 = "utf-8"
WESTERN = "cp1252"

MAX_CONTROL_SHARE = 0.01
"""Text has next to no control characters; binary data that happens to decode has many."""

MAX_FOREIGN_SHARE = 0.05
"""Of the characters beyond ASCII; a stray oddity is no other encoding."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")
_FOREIGN = re.compile(
    rb"[\x82-\x84\x86-\x90\x98-\x9f\xa1-\xaa\xac\xae-\xba\xbc-\xff]{3,}"
    # words of nothing but accented letters and signs: Cyrillic, Greek, Chinese
    rb"|[\xc2\xc3][\x80-\xbf]|\xe2\x80"  # UTF-8 with a broken byte elsewhere
    rb"|(?<=[A-Za-z\xc0-\xff])[\x82-\x84\x86-\x8b\xa1-\xac\xae-\xb6\xb8-\xba\xbc-\xbf](?=[a-z\xc0-\xff])"
)
"""The last: signs inside a word, which are letters in the code pages of Eastern Europe and Asia."""


def encoding_of(data: bytes) -> str:
    """The codec of a text, or of its beginning; UTF-8 when it is none that is read."""
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return codec
    if _decodes(data, UTF_8) or not _is_western(data):
        return UTF_8
    return WESTERN


def decode(data: bytes) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        DocumentRejected: `unsupported` when it is in an encoding that is not read.
    """
    try:
        return data.decode(encoding_of(data))
    except UnicodeDecodeError as error:
        raise DocumentRejected(
            f"The text is not valid {error.encoding} (at byte {error.start}). Save it as UTF-8.",
            code="unsupported",
        ) from None


def is_text(head: bytes) -> bool:
    """Whether the beginning of a file reads like text; its last letter may be cut in two."""
    codec = encoding_of(head)
    if not _decodes(head, codec):
        return False
    text = head.decode(codec, "ignore")
    return len(_CONTROL.findall(text)) <= MAX_CONTROL_SHARE * len(text)


def _decodes(data: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _is_western(data: bytes) -> bool:
    if not _decodes(data, WESTERN):  # five bytes mean nothing in it
        return False
    foreign = sum(map(len, _FOREIGN.findall(data)))
    return foreign <= MAX_FOREIGN_SHARE * len(_HIGH.findall(data))
