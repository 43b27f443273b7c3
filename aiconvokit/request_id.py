"""Which request, or which document, a piece of work is for: in every answer and every log line."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = b"x-request-id"
_TAKEN = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What of a caller's own naming is kept: it goes into headers and logs as it is."""

_named: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """The request's id, or `document-<id>` in the worker; None: nobody in particular's work."""
    return _named.get()


@contextmanager
def named(name: str) -> Iterator[None]:
    """The block's work, and that of the tasks it starts, is for this."""
    token = _named.set(name)
    try:
        yield
    finally:
        _named.reset(token)


def new() -> str:
    """An id that no other request has; made in every one of them, so a cheaper one than others."""
    return f"req_{secrets.token_hex(12)}"


def taken(given: bytes | None) -> str | None:
    """A caller's id, if it is one that may be kept."""
    said = (given or b"").decode("latin-1")
    return said if _TAKEN.fullmatch(said) else None
