"""What goes to stderr: plain lines, or a JSON object a line for whoever collects them.

Neither says what users or documents said: of a database's fault its own sentence is told, and none
of the values that it was about.
"""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import psycopg
from sqlalchemy.exc import StatementError
from typing_extensions import override

from aiconvokit import request_id
from aiconvokit.acting import acting

Format = Literal["text", "json"]

_PLAIN = "%(levelname)s %(name)s: %(message)s"
_VALUE_FAULTS = "22"
"""SQLSTATE class of wrong values, whose sentences repeat them."""
_encode = msgspec.json.Encoder().encode


def to_stderr(log_format: Format) -> None:
    """Our own lines; libraries' only when something is wrong. With JSON also each request's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else Lines(_PLAIN))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("aiconvokit").setLevel(logging.INFO)
    requests = logging.getLogger("aiconvokit.requests")
    requests.setLevel(logging.INFO if log_format == "json" else logging.WARNING)


class Lines(logging.Formatter):
    """Plain lines, with tracebacks below them."""

    @override
    def formatException(self, ei: Any) -> str:
        for error in _with_causes(ei[1]):
            _hush(error)
        return super().formatException(ei)


class JsonLines(Lines):
    """One object a line; what is not known is null, and `exception` is there where one is."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        user_id = acting()
        line: dict[str, object] = {
            "time": _told_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.current(),
            "user_id": user_id if user_id > 0 else None,
            **getattr(record, "told", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _encode(line).decode()


def _told_time(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return at.removesuffix("+00:00") + "Z"


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it came from, and what it is a group of; each once."""
    waiting, met = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in met:
            continue
        met.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "orig", None)]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _hush(error: BaseException) -> None:
    """Leave out of a database's fault the values that it is about."""
    if isinstance(error, psycopg.Error):
        error.args = (_told(error),)
    elif isinstance(error, StatementError):
        error.hide_parameters = True
        if isinstance(error.orig, psycopg.Error):
            error.args = (f"({type(error.orig).__name__}) {_told(error.orig)}",)


def _told(error: psycopg.Error) -> str:
    if error.sqlstate is None:  # no server said it
        return str(error)
    if error.sqlstate.startswith(_VALUE_FAULTS):
        return f"SQLSTATE {error.sqlstate}"
    return error.diag.message_primary or f"SQLSTATE {error.sqlstate}"
