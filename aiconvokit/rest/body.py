"""Request bodies: JSON, form-urlencoded and multipart become one mapping."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import State, UploadFile
from litestar.exceptions import ClientException, ValidationException

from aiconvokit.errors import BadRequest, InvalidFields, TooLarge, UnsupportedMediaType

ApiRequest = Request[Any, Any, State]


@dataclass(frozen=True, slots=True)
class Body:
    """What came in: values by field, and whether they came as a form (where "" means "nothing")."""

    values: Mapping[str, Any]
    is_form: bool


async def read_body(request: ApiRequest, *, max_json_bytes: int) -> Body:
    """Read a body of any of the three types; an empty one is an empty mapping.

    Raises:
        BadRequest: it cannot be parsed.
        InvalidFields: JSON that is no object.
        TooLarge: JSON or a urlencoded form over `max_json_bytes`.
        UnsupportedMediaType: any other content type.
    """
    content_type = request.content_type[0].lower()
    if content_type == "multipart/form-data":
        return Body(await _multipart(request), is_form=True)
    data = await _small_body(request, max_json_bytes)
    if content_type == "application/x-www-form-urlencoded":
        _text(data)
        form = await request.form()
        return Body({name: _one_or_all(form.getall(name)) for name in form}, is_form=True)
    if content_type == "application/json":
        return Body(_json_object(data), is_form=False)
    if not data:
        return Body({}, is_form=False)
    raise UnsupportedMediaType(f'Unsupported media type "{request.content_type[0]}" in request.')


async def _small_body(request: ApiRequest, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    data = await request.body()
    if len(data) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    return data


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"JSON parse error - {error}") from error


def _json_object(data: bytes) -> dict[str, Any]:
    text = _text(data)
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise BadRequest("JSON parse error - Nested too deeply") from error
    except ValueError as error:  # JSONDecodeError, and integers of more than 4,300 digits
        raise BadRequest(f"JSON parse error - {error}") from error
    if not isinstance(value, dict):
        kind = "NoneType" if value is None else type(value).__name__
        sentence = f"Invalid data. Expected a dictionary, but got {kind}."
        raise InvalidFields({"non_field_errors": [sentence]})
    return value


async def _multipart(request: ApiRequest) -> dict[str, Any]:
    try:
        form = await request.form()
    except ValidationException as error:
        raise BadRequest("Multipart form parse error - Invalid boundary in multipart") from error
    except ClientException as error:
        if error.status_code == TooLarge.status:
            raise TooLarge("The body is larger than this server accepts.") from error
        raise BadRequest("Multipart form parse error - Invalid data") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise BadRequest("Multipart form parse error - Text is not UTF-8") from error
    return {name: _one_or_all(form.getall(name)) for name in form}


def _one_or_all(values: list[Any]) -> Any:
    """A field's last value, as forms mean it; files stay together."""
    return values if any(isinstance(value, UploadFile) for value in values) else values[-1]
