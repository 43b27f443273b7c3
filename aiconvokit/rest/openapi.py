"""Request bodies in the OpenAPI document: the Struct that a handler reads, in all three types."""

from dataclasses import dataclass, field
from typing import Any, cast

from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema
from msgspec import Struct

from aiconvokit.rest.fields import json_schema

_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}


def reads(wanted: type[Struct], *, files: bool = False) -> type[Operation]:
    """An operation whose body is `wanted`, with repeatable `files` when it takes some."""
    body = _request_body(json_schema(wanted), files=files)

    @dataclass
    class WithBody(Operation):
        request_body: RequestBody | Reference | None = field(default_factory=lambda: body)

    return WithBody


def _request_body(schema: dict[str, Any], *, files: bool) -> RequestBody:
    form = dict(schema)
    if files:
        form["properties"] = {**schema.get("properties", {}), "files": _FILES}
    types = {"application/json": schema, "multipart/form-data": form}
    if not files:
        types["application/x-www-form-urlencoded"] = schema
    content = {
        media_type: OpenAPIMediaType(schema=cast("Schema", shape))  # a plain dict is drawn as it is
        for media_type, shape in types.items()
    }
    return RequestBody(content=content, required=bool(schema.get("required")))
