"""One tree of errors, a status each; every surface draws them in its own shape.

AIConvoKitError           500 internal_error
├── InvalidFields         400 one list of sentences per field
├── BadRequest            400 `detail`
├── NotAuthenticated      401
├── Forbidden             403
├── NotFound              404; NoPicture is one
├── Conflict              409
├── TooLarge              413
├── UnsupportedMediaType  415
├── Throttled             429 with Retry-After
├── UpstreamFailed        502, 503, 504 or 422: a model server's fault, told by its code
├── NotDrawable           422: a page that is no picture, told by the parser's code
└── Unavailable           503 with Retry-After; DatabaseAway, StorageAway, ServerStopping
"""

from collections.abc import Mapping, Sequence


class AIConvoKitError(Exception):
    """Root; `detail` is a sentence for a person, `code` is stable for a program."""

    status = 500
    code = "internal_error"
    is_addition = False
    """Of what came after the documented API, whose bodies tell no code with some statuses."""
    retry_after: float | None = None
    param: str | None = None
    """The one parameter that it is about, where the surface has a place for that."""

    def __init__(self, detail: str = "Internal server error.", *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class InvalidFields(AIConvoKitError):
    """What is wrong with each field, all at once."""

    status = 400
    code = "invalid"

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(why)}" for name, why in fields.items()))
        self.fields = {name: list(why) for name, why in fields.items()}


class BadRequest(AIConvoKitError):
    """The request as a whole cannot be read."""

    status = 400
    code = "parse_error"


class NotAuthenticated(AIConvoKitError):
    """No credentials, or wrong ones."""

    status = 401
    code = "not_authenticated"


class Forbidden(AIConvoKitError):
    """Known, but not allowed to."""

    status = 403
    code = "forbidden"


class NotFound(AIConvoKitError):
    """Unknown, or somebody else's: the answer does not tell which."""

    status = 404
    code = "not_found"

    @classmethod
    def of(cls, kind: str) -> "NotFound":
        """The contract's sentence for an Assistant, Chat, Document, Token or Message."""
        return cls(f"No {kind} matches the given query.")


class Conflict(AIConvoKitError):
    """Someone else is at it, or the state does not allow it."""

    status = 409
    code = "conflict"


class ChatBusy(Conflict):
    """Another turn of the same chat is in work."""

    code = "chat_busy"
    retry_after: float | None = 1.0

    def __init__(self) -> None:
        super().__init__("Another question in this chat is being answered. Try again in a moment.")


class TooLarge(AIConvoKitError):
    """A body or file over its limit."""

    status = 413
    code = "too_large"


class UnsupportedMediaType(AIConvoKitError):
    """A body type that nobody here reads."""

    status = 415
    code = "unsupported_media_type"


class Throttled(AIConvoKitError):
    """Too many requests; `retry_after` in seconds."""

    status = 429
    code = "throttled"

    def __init__(self, retry_after: float) -> None:
        seconds = max(1, round(retry_after))
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(f"Request was throttled. Expected available in {seconds} {unit}.")
        self.retry_after = float(seconds)


class UpstreamFailed(AIConvoKitError):
    """A chat or embedding server failed us; the status and code say how."""

    def __init__(
        self, detail: str, *, code: str, status: int, retry_after: float | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.status = status
        self.retry_after = retry_after


class Unavailable(AIConvoKitError):
    """A part we need is away for the moment."""

    status = 503
    code = "unavailable"
    retry_after: float | None = 5.0


class DatabaseAway(Unavailable):
    """There is no connection to the database, or there was one."""

    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__("The database is not available.")


class StorageAway(Unavailable, OSError):
    """The object store does not answer, or refuses us; for who stores it is a fault like a disk's.

    `why` is for the operator: what the store said, without secrets.
    """

    code = "storage_unavailable"

    def __init__(self, why: str) -> None:
        super().__init__("The file storage is not available.")
        self.why = why


class StorageFull(AIConvoKitError):
    """The operator must make room; nothing of what came is left."""

    status = 507
    code = "storage_full"

    def __init__(self) -> None:
        super().__init__("This server has no room left.")


class ServerStopping(Unavailable):
    """The process ends before it could answer; what was in work is put away."""

    code = "server_stopping"

    def __init__(self) -> None:
        super().__init__("The server is being stopped. Ask again in a moment.")


class ConfigurationError(Exception):
    """The operator must change something before the server can start; one sentence says what."""
