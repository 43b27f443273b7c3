"""Errors on `/v1`: OpenAI's bodies, from the same tree as those of `/api/v1`."""

from typing import Any

from litestar import Response

from aiconvokit.errors import AIConvoKitError, InvalidFields, NotAuthenticated

V1 = "/v1"

INVALID = "invalid_request_error"
_TYPES = {429: "rate_limit_error"}
# What clients of the old API look for; our own codes say no more there.
_CODES = {"not_authenticated": "invalid_api_key", "throttled": "rate_limit_exceeded"}
_WITHOUT_CODE = {"invalid", "parse_error", "not_found", "forbidden"}


def is_v1(path: str) -> bool:
    """Whether a path belongs to the OpenAI surface."""
    return path == V1 or path.startswith(f"{V1}/")


def draw_openai(error: AIConvoKitError) -> Response[Any]:
    """One of our errors as OpenAI's clients read it."""
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return Response(error_body(error), status_code=error.status, headers=headers)


def error_body(error: AIConvoKitError) -> dict[str, Any]:
    """`{"error": …}`; of several wrong fields the first is `param`."""
    param = next(iter(error.fields), None) if isinstance(error, InvalidFields) else error.param
    code = None if error.code in _WITHOUT_CODE else _CODES.get(error.code, error.code)
    return wire_error(_message(error), error.status, param=param, code=code)


def wire_error(
    message: str, status: int, *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """The body of any error, also of those that have no place in our tree."""
    kind = "server_error" if status >= 500 else _TYPES.get(status, INVALID)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _message(error: AIConvoKitError) -> str:
    if not isinstance(error, InvalidFields):
        return error.detail
    return " ".join(f"Invalid '{name}': {' '.join(why)}" for name, why in error.fields.items())
