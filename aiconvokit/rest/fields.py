"""Fields of a request: one msgspec Struct says what is expected, DRF's sentences say what is wrong.

A Struct is the only description of a body: `read_fields` checks against it, and the OpenAPI schema
is drawn from it. All of a body's mistakes are told at once.
"""

import functools
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.datastructures import UploadFile
from msgspec import Meta, Struct, inspect

from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import Body
from ingestion.storable import why_unstorable

REQUIRED = "This field is required."
BLANK = "This field may not be blank."
NULL = "This field may not be null."
NOT_A_STRING = "Not a valid string."
NOT_AN_INTEGER = "A valid integer is required."
NOT_AN_EMAIL = "Enter a valid email address."
BAD_USERNAME = (
    "Enter a valid username. This value may contain only letters, numbers, "
    "and @/./+/-/_ characters."
)
NO_FILE = "The submitted data was not a file. Check the encoding type on the form."
EMPTY_FILE = "The submitted file is empty."

# Local part, then a dotted domain or a bracketed address: what Django accepts, without its corners.
_EMAIL = re.compile(
    r"[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+(\.[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+)*@"
    r"(localhost|([0-9A-Za-z\u0080-\U0010ffff]([-0-9A-Za-z\u0080-\U0010ffff]*"
    r"[0-9A-Za-z\u0080-\U0010ffff])?\.)+[-0-9A-Za-z\u0080-\U0010ffff]{2,63})"
)
_USERNAME = re.compile(r"[\w.@+-]+")
_INTEGER = re.compile(r"\s*[-+]?\d{1,30}\s*", re.ASCII)

ShortText = Annotated[str, Meta(max_length=255)]
LONG_TEXT = 100_000
"""Characters of instructions and questions."""
LongText = Annotated[str, Meta(max_length=LONG_TEXT)]
Username = Annotated[str, Meta(max_length=150, extra={"check": "username"})]
WrittenName = Annotated[str, Meta(max_length=150)]
"""A username at login: one that nobody can have is unknown, not malformed."""
Email = Annotated[str, Meta(max_length=254, extra={"check": "email"})]
Password = Annotated[str, Meta(max_length=1024, extra={"check": "password"})]
Id = Annotated[int, Meta(extra={"check": "id"})]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601, UTC, microseconds, `Z`; made by `stamp`."""
MAX_INTEGER = 2**63 - 1
"""What the database's bigint holds; anything beyond is no integer of this API."""

NOTHING_ELSE: Mapping[str, Callable[[Any], list[str]]] = MappingProxyType({})
T = TypeVar("T", bound=Struct)


class JsonBody(Struct):
    """A body that comes as JSON alone: those of `/v1`."""


class FieldError(ValueError):
    """One sentence about one field."""


def read_fields(
    body: Body, wanted: type[T], also: Mapping[str, Callable[[Any], list[str]]] = NOTHING_ELSE
) -> T:
    """Check a body against a Struct; unknown fields are ignored, as DRF does.

    Args:
        body: what came in.
        wanted: what is expected.
        also: further checks by field, each answering with sentences about a value that fits.

    Raises:
        InvalidFields: every mistake, by field.
    """
    values, mistakes = _collect(body, wanted)
    for name, check in also.items():
        if name in values and (why := check(values[name])):
            mistakes[name] = why
    if mistakes:
        raise InvalidFields(mistakes)
    return wanted(**values)


def read_with_files(
    body: Body, wanted: type[T], *, required: bool = False
) -> tuple[T, list[UploadFile]]:
    """Check a body and the repeatable `files` beside its fields; `null` means no files.

    Raises:
        InvalidFields: every mistake, by field.
    """
    values, mistakes = _collect(body, wanted)
    files: list[UploadFile] = []
    try:
        files = _files(body, required=required)
    except FieldError as error:
        mistakes["files"] = [str(error)]
    if mistakes:
        raise InvalidFields(mistakes)
    return wanted(**values), files


def _collect(body: Body, wanted: type[Struct]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The values that fit, and what is wrong with the others."""
    values: dict[str, Any] = {}
    mistakes: dict[str, list[str]] = {}
    for field in _fields(wanted):
        if field.name not in body.values:
            if field.required:
                mistakes[field.name] = [REQUIRED]
            continue
        try:
            values[field.name] = _check(body.values[field.name], field)
        except FieldError as error:
            mistakes[field.name] = [str(error)]
    return values, mistakes


@functools.cache
def _fields(wanted: type[Struct]) -> tuple[inspect.Field, ...]:
    """What a Struct says of its fields; asking takes longer than all checks together."""
    described = inspect.type_info(wanted)
    if not isinstance(described, inspect.StructType):
        raise TypeError(wanted)
    return described.fields


def _files(body: Body, *, required: bool) -> list[UploadFile]:
    given = body.values.get("files")
    if given is None or (body.is_form and given == ""):
        if required:
            raise FieldError(REQUIRED)
        return []
    files = given if isinstance(given, list) else [given]
    if not all(isinstance(file, UploadFile) for file in files) or not files:
        raise FieldError(NO_FILE)
    for file in files:
        if file.file.seek(0, io.SEEK_END) == 0:
            raise FieldError(EMPTY_FILE)
        file.file.seek(0)
    return files


def _check(value: Any, field: inspect.Field) -> Any:
    options = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    wanted, check = _unwrap(
        next(option for option in options if not isinstance(option, inspect.NoneType))
    )
    if value is None:
        if len(options) > 1:
            return None
        raise FieldError(NULL)
    if isinstance(wanted, inspect.StrType):
        return _text(value, wanted.max_length, check)
    if isinstance(wanted, inspect.BoolType):
        return _boolean(value)
    return _integer(value, wanted)


def _unwrap(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """A field's type without its annotation, and the check that the annotation names."""
    if isinstance(kind, inspect.Metadata):
        return kind.type, str((kind.extra or {}).get("check", "text"))
    return kind, "text"


def _text(value: Any, max_length: int | None, check: str) -> str:
    if not isinstance(value, str):
        raise FieldError(NOT_AN_EMAIL if check == "email" else NOT_A_STRING)
    text = value if check == "password" else value.strip()
    if not text.strip():
        if check == "email":
            return ""
        raise FieldError(BLANK)
    if why := why_unstorable(text):
        raise FieldError(why)
    if max_length is not None and len(text) > max_length:
        raise FieldError(f"Ensure this field has no more than {max_length} characters.")
    CHECKS.get(check, _anything)(text)
    return text


def _email(text: str) -> None:
    if not _EMAIL.fullmatch(text):
        raise FieldError(NOT_AN_EMAIL)


def _username(text: str) -> None:
    if not _USERNAME.fullmatch(text):
        raise FieldError(BAD_USERNAME)


def _anything(_: str) -> None:
    """Any text will do."""


CHECKS: dict[str, Callable[[str], None]] = {"email": _email, "username": _username}


def _integer(value: Any, wanted: inspect.Type) -> int:
    """An integer, also as a string of digits; a bool is none."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_INTEGER:
        raise FieldError(NOT_AN_INTEGER)
    if isinstance(wanted, inspect.IntType):
        if wanted.ge is not None and value < wanted.ge:
            raise FieldError(f"Ensure this value is greater than or equal to {wanted.ge}.")
        if wanted.le is not None and value > wanted.le:
            raise FieldError(f"Ensure this value is less than or equal to {wanted.le}.")
    return value


def _boolean(value: Any) -> bool:
    """A JSON boolean, or the words that forms use for one."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "on": True, "false": False, "0": False, "": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise FieldError("Must be a valid boolean.")


def stamp(moment: datetime) -> Timestamp:
    """A time as the wire shows it, with all six digits also when they are zeros."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def json_schema(wanted: type[Struct]) -> dict[str, Any]:
    """The Struct as JSON Schema, for the OpenAPI document; Structs inside of it stand where used.

    None of them may hold itself.
    """
    _, components = msgspec.json.schema_components([wanted], ref_template="{name}")
    return dict(_inlined(components[wanted.__name__], components))


def _inlined(schema: Any, components: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(components[schema["$ref"]], components)
    return {
        key: _inlined(value, components) for key, value in schema.items() if key != "discriminator"
    }
