"""Links that open one original without a token: what a token may see, handed on for a while.

A link names the token whose owner asked, and is signed with what the database keeps of that token:
its SHA-256, which nobody learns from a signature. So a link is good in every process on the
database and after a restart, for as long as its token is, and ends with it. It opens nothing but
the bytes that were cited, and those only to whom the token's owner might show them still.
"""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass

from aiconvokit.accounts.auth import principal_of
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openai_errors import V1
from aiconvokit.rest.urls import absolute

LIFETIME_SECONDS = 7 * 86_400
"""A week: an answer is read again on the next days; a link that got about does not stay."""
PATH = "/originals"
KEY = "key"
_PURPOSE = b"aiconvokit: a link to an original\0"
"""Before what is signed, so that no signature is good for anything else."""
_FIELDS = struct.Struct(">QQQIQ")
_SIGNATURE = 24
"""Bytes of the HMAC-SHA256 that are kept: 192 bits."""


@dataclass(frozen=True, slots=True)
class Original:
    """A document as it was cited, through the assistant that was asked."""

    assistant_id: int
    document_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a key says, not yet believed; `expires_at` in Unix seconds."""

    token_id: int
    original: Original
    expires_at: int
    signature: bytes

    def is_signed_with(self, digest: bytes) -> bool:
        """Whether it was made for the token of that digest, and has not ended."""
        wanted = _signature(digest, _packed(self.token_id, self.original, self.expires_at))
        return hmac.compare_digest(wanted, self.signature) and time.time() < self.expires_at


def link_to(request: ApiRequest, original: Original, page: int) -> str:
    """The address of an original, opened at a page, for whoever gets it from the caller.

    The key stands in the query, which no log of ours has.
    """
    caller, ends = principal_of(request.scope), int(time.time()) + LIFETIME_SECONDS
    key = signed(caller.digest, caller.token_id, original, ends)
    return absolute(request, f"{V1}{PATH}?{KEY}={key}#page={page}")


def signed(digest: bytes, token_id: int, original: Original, expires_at: int) -> str:
    """The key of a link.

    Args:
        digest: that of the token.
        token_id: its row.
        original: what the link opens.
        expires_at: until when, in Unix seconds.
    """
    packed = _packed(token_id, original, expires_at)
    return base64.urlsafe_b64encode(packed + _signature(digest, packed)).decode().rstrip("=")


def read_link(key: str) -> Link | None:
    """What a key says; None: it is none."""
    try:
        data = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
        token_id, *place, expires_at = _FIELDS.unpack(data[:-_SIGNATURE])
    except (binascii.Error, ValueError, struct.error):
        return None
    return Link(token_id, Original(*place), expires_at, data[-_SIGNATURE:])


def _packed(token_id: int, original: Original, expires_at: int) -> bytes:
    place = (original.assistant_id, original.document_id, original.version)
    return _FIELDS.pack(token_id, *place, expires_at)


def _signature(digest: bytes, packed: bytes) -> bytes:
    return hmac.digest(digest, _PURPOSE + packed, hashlib.sha256)[:_SIGNATURE]
