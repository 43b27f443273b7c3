"""Request bodies: JSON, form-urlencoded and multipart become one mapping."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from litestar import Request
from litestar.datastructures import State, UploadFile
from litestar.exceptions import InternalServerException

from aiconvokit.config import Limits
from aiconvokit.errors import BadRequest, InvalidFields, TooLarge, UnsupportedMediaType
from aiconvokit.rest.multipart import Bounds, read_multipart

ApiRequest = Request[Any, Any, State]

MAX_FORM_FIELDS = 1_000
NO_DATA = "No data provided"


@dataclass(frozen=True, slots=True)
class Body:
    """What came in: values by field, and whether they came as a form (where "" means "nothing")."""

    values: Mapping[str, Any]
    is_form: bool


async def read_body(request: ApiRequest, limits: Limits) -> Body:
    """Read a body of any of the three types; an empty one is an empty mapping.

    Raises:
        BadRequest: it cannot be parsed.
        InvalidFields: JSON that is no object.
        TooLarge: it is over one of the limits.
        UnsupportedMediaType: any other content type.
    """
    # The framework's own form parsers are not used: they keep whole bodies (so passwords) in a
    # cache, and texts of any size in memory.
    content_type = request.content_type[0]
    if content_type == "multipart/form-data":
        bounds = Bounds(
            limits.max_json_bytes, limits.max_upload_bytes, limits.max_files_per_request
        )
        form = await read_multipart(request, bounds)
        return Body({name: _one_or_all(values) for name, values in form.items()}, is_form=True)
    data = await _small_body(request, limits.max_json_bytes)
    if not data:
        return Body({}, is_form=content_type == "application/x-www-form-urlencoded")
    if content_type == "application/x-www-form-urlencoded":
        return Body(_urlencoded(data), is_form=True)
    if content_type == "application/json":
        return Body(_json_object(data), is_form=False)
    raise UnsupportedMediaType(f'Unsupported media type "{content_type}" in request.')


async def _small_body(request: ApiRequest, limit: int) -> bytes:
    """The body, given up as soon as it is known to be over the limit."""
    too_large = TooLarge(f"The body is larger than {limit} bytes.")
    if (request.content_length or 0) > limit:
        raise too_large
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > limit:
                raise too_large
    except InternalServerException as error:
        raise BadRequest("The connection was closed before the body's end.") from error
    return bytes(data)


def _urlencoded(data: bytes) -> dict[str, Any]:
    try:
        fields = parse_qs(data.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:  # no UTF-8, or too many fields
        raise BadRequest(f"Form parse error - {error}") from error
    return {name: values[-1] for name, values in fields.items()}


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode(), parse_constant=_no_constant)
    except RecursionError as error:
        raise BadRequest("JSON parse error - Nested too deeply") from error
    except ValueError as error:  # no UTF-8, no JSON, and integers of more than 4,300 digits
        raise BadRequest(f"JSON parse error - {error}") from error
    if value is None:
        raise InvalidFields({"non_field_errors": [NO_DATA]})
    if not isinstance(value, dict):
        kind = type(value).__name__
        sentence = f"Invalid data. Expected a dictionary, but got {kind}."
        raise InvalidFields({"non_field_errors": [sentence]})
    return value


def _no_constant(name: str) -> None:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


def _one_or_all(values: list[Any]) -> Any:
    """A field's last value, as forms mean it; files stay together."""
    return values if any(isinstance(value, UploadFile) for value in values) else values[-1]
