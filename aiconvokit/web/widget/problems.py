"""Errors as visitors are told them: a sentence without a word of the operator's, always a code."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Request, Response

from aiconvokit.accounts.streams import TooManyStreams
from aiconvokit.errors import (
    AIConvoKitError,
    ChatBusy,
    Conflict,
    Forbidden,
    InvalidFields,
    NotAuthenticated,
    Throttled,
    Unavailable,
    UpstreamFailed,
)

SCHEME = "Visitor"
"""What stands before the token in the Authorization header."""


class NotHere(Forbidden):
    """The key is unknown, or the site is not listed: the answer does not tell which."""

    code = "origin_not_allowed"

    def __init__(self) -> None:
        super().__init__("This chat is not available here.")


class Paused(Forbidden):
    """The owner has paused the widget."""

    code = "widget_paused"

    def __init__(self) -> None:
        super().__init__("This chat is taking a break. Please come back later.")


class SessionEnded(NotAuthenticated):
    """No session's token, or one that ran out, or another widget's."""

    code = "session_ended"

    def __init__(self) -> None:
        super().__init__("This conversation has ended. Please start a new one.")


class BudgetSpent(Throttled):
    """The day's messages or tokens are used up, the visitor's or everybody's."""

    code = "budget_spent"

    def __init__(self) -> None:
        now = datetime.now(UTC)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        super().__init__((midnight - now).total_seconds())
        self.detail = "That was all I can answer today. Please come back tomorrow."


class AnswerFailed(Unavailable):
    """A model or the search failed; why is the owner's to know."""

    code = "answer_failed"

    def __init__(self) -> None:
        super().__init__("There is no answer just now. Please try again in a moment.")


def as_told(error: AIConvoKitError) -> AIConvoKitError:
    """What a visitor is told of an error: models, their names and settings stay inside."""
    if isinstance(error, UpstreamFailed | TooManyStreams):
        return AnswerFailed()
    if isinstance(error, Conflict) and not isinstance(error, ChatBusy):
        return AnswerFailed()
    if isinstance(error, NotAuthenticated):  # also where it is the owner who is out
        return SessionEnded()
    return error


def draw(_: Request[Any, Any, Any], error: AIConvoKitError) -> Response[Any]:
    """Handler for our own tree below `/embed/`: the contract's shape, with a code everywhere."""
    told = as_told(error)
    headers: dict[str, str] = {}
    if isinstance(told, NotAuthenticated):
        headers["WWW-Authenticate"] = SCHEME
    if told.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(told.retry_after)))
    content: dict[str, Any] = {"detail": told.detail, "code": told.code}
    if isinstance(told, InvalidFields):
        content = told.fields
    return Response(content, status_code=told.status, headers=headers)
