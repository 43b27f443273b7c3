"""What the OpenAPI document cannot see in a handler's signature: bodies, queries and errors.

Handlers read bodies and queries themselves, with the contract's sentences for what is wrong; here
the same Structs are drawn into the document.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec import OpenAPIResponse as Answer
from litestar.openapi.spec import Parameter as Query
from litestar.serialization import encode_json
from msgspec import Struct
from typing_extensions import override

from aiconvokit.rest.fields import MAX_INTEGER, JsonBody, json_schema
from aiconvokit.rest.openai_errors import is_v1
from aiconvokit.rest.urls import API

EVENTS = "text/event-stream"
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_INTEGER = {"type": "integer", "format": "int64"}
LIST = {
    "limit": {**_INTEGER, "minimum": 1, "maximum": 500, "default": 100},
    "after": {**_INTEGER, "minimum": 0, "maximum": MAX_INTEGER},
}
"""The query parameters of every list."""
VERSION = {"version": {**_INTEGER, "minimum": 1, "maximum": 2**31 - 1}}

_REASONS = {
    400: "A field, or the body as a whole, is wrong.",
    401: "No credentials, or wrong ones.",
    403: "Not allowed, or more than a quota allows.",
    404: "Unknown, or somebody else's.",
    409: "The state does not allow it now; `code` says why.",
    413: "Larger than this server accepts.",
    415: "A body type that is not read here.",
    422: "The model refused, the page cannot be drawn, or the Idempotency-Key came with another "
    "request; `code` says which.",
    429: "Too many requests, answers at once, or tokens of a day; `Retry-After` says how long to "
    "wait.",
    500: "The server's fault.",
    502: "The model server failed.",
    503: "A part that is needed is away for the moment.",
    504: "The model server took too long.",
    507: "There is no room left for what came.",
}
MODEL_ERRORS = (422, 502, 503, 504)
_WITH_BODY, _SECURED, _WITH_PATH = (400, 413, 415), (401, 429), (404,)

_PROBLEMS: dict[str, dict[str, Any]] = {
    "Problem": {
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "required": ["detail"],
    },
    "FieldProblems": {
        "description": "Sentences by field; `non_field_errors` for the body as a whole.",
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "OpenAIProblem": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
                "required": ["message", "type", "param", "code"],
            }
        },
        "required": ["error"],
    },
}


def describe(
    body: type[Struct] | None = None,
    *,
    files: bool = False,
    download: bool = False,
    events: bool = False,
    query: Mapping[str, dict[str, Any]] | None = None,
    errors: tuple[int, ...] = (),
) -> type[Operation]:
    """An operation that says more than its handler's signature.

    Args:
        body: what the request's body is read into.
        files: whether repeatable `files` stand beside its fields.
        download: whether the answer is a file.
        events: whether it also comes as server-sent events.
        query: schemas of query parameters by name.
        errors: statuses beyond those that follow from body, path and credentials.
    """

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            if body is not None:
                schema = json_schema(body)
                self.request_body = (
                    _json_body(schema)
                    if issubclass(body, JsonBody)
                    else _request_body(schema, files=files)
                )
            self.parameters = [
                *(self.parameters or []),
                *(
                    Query(name=name, param_in="query", schema=_plain(shape), required=False)
                    for name, shape in (query or {}).items()
                ),
            ]
            responses = self.responses = self.responses or {}
            if download:
                whole = OpenAPIMediaType(schema=_plain({"type": "string", "format": "binary"}))
                responses["200"] = Answer("The file.", content={"*/*": whole})
            if events:
                told = OpenAPIMediaType(schema=_plain({}))  # who reads one event sees its JSON
                whole_answer = cast("Answer", responses["200"])
                whole_answer.content = {**(whole_answer.content or {}), EVENTS: told}
            responses.update(error_answers(errors))

    return Described


def error_answers(statuses: Iterable[int]) -> dict[str, Answer]:
    """What an operation says of errors, by status."""
    return {str(status): Answer(_REASONS[status]) for status in statuses}


class ContractJson(JsonRenderPlugin):
    """`/schema/openapi.json` with the errors that follow from bodies, paths and credentials."""

    @override
    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        return encode_json(complete(openapi_schema))


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Fill in what is the same for all operations; a completed document stays as it is."""
    document["components"].setdefault("schemas", {}).update(_PROBLEMS)
    paths = {_as_written(path): operations for path, operations in document["paths"].items()}
    for path, operations in paths.items():
        if path.startswith(API) or is_v1(path):
            for method, operation in operations.items():
                _complete(method, operation, problem=_v1_problem if is_v1(path) else _problem)
    return {**document, "paths": paths}


def _as_written(path: str) -> str:
    """The form with the slash is the documented one; both are answered."""
    return path.rstrip("/") + "/" if path.startswith(API) else path


def _complete(
    method: str, operation: dict[str, Any], problem: Callable[[int], dict[str, Any]]
) -> None:
    parameters = operation.get("parameters", [])
    kinds = {parameter["in"] for parameter in parameters}
    statuses: tuple[int, ...] = (500, 503)
    statuses += _WITH_BODY if "requestBody" in operation else ()
    statuses += (400,) if "query" in kinds else ()
    statuses += _SECURED if operation.get("security") != [{}] else ()
    statuses += _WITH_PATH if "path" in kinds else ()
    for parameter in parameters:
        if parameter["in"] == "path" and parameter["schema"].get("type") == "integer":
            parameter["schema"] = {**_INTEGER, "minimum": 1, "maximum": MAX_INTEGER}
    responses = operation["responses"]
    if 400 not in statuses:
        responses.pop("400", None)  # the framework believes that a path can be malformed
    for status in statuses:
        responses.setdefault(str(status), {"description": _REASONS[status]})
    if gone := responses.get("204"):
        gone.pop("content", None)
        gone["description"] = "Done."
        if method == "delete":
            gone["description"] = "Gone; `Location` lists what went."
            gone["headers"] = {"Location": {"schema": {"type": "string"}, "required": True}}
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {"application/json": {"schema": problem(int(status))}}


def _problem(status: int) -> dict[str, Any]:
    names = ("FieldProblems", "Problem") if status == 400 else ("Problem",)
    shapes = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {"anyOf": shapes} if len(shapes) > 1 else shapes[0]


def _v1_problem(_: int) -> dict[str, Any]:
    return {"$ref": "#/components/schemas/OpenAIProblem"}


def _json_body(schema: dict[str, Any]) -> RequestBody:
    content = {"application/json": OpenAPIMediaType(schema=_plain(schema))}
    return RequestBody(content=content, required=bool(schema.get("required")))


def _request_body(schema: dict[str, Any], *, files: bool) -> RequestBody:
    form = dict(schema)
    only_files = files and not schema.get("required")
    if files:
        form["properties"] = {**schema.get("properties", {}), "files": _FILES}
    if only_files:
        form["required"] = ["files"]
    types = {
        "application/json": schema,
        "multipart/form-data": form,
        "application/x-www-form-urlencoded": schema,
    }
    content = {name: OpenAPIMediaType(schema=_plain(shape)) for name, shape in types.items()}
    return RequestBody(content=content, required=only_files or bool(schema.get("required")))


def _plain(shape: dict[str, Any]) -> Schema:
    """A schema that is a plain dict already; it is drawn as it is."""
    return cast("Schema", shape)
