"""JSON bodies of `/v1`: one msgspec Struct says what is expected; what it names not is ignored."""

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from aiconvokit.errors import BadRequest, InvalidFields, UnsupportedMediaType
from aiconvokit.rest.body import ApiRequest, Body, read_body
from aiconvokit.rest.fields import JsonBody
from aiconvokit.services import Services
from ingestion.storable import why_unstorable

MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)]
"""What owners keep with their objects."""

MAX_DEPTH = 100
"""Of lists and objects within each other, where anything is kept: far from what recursion can."""
WHOLE = "body"
"""The `param` of what is wrong with the body as a whole."""
# What is wrong, and where in msgspec's spelling of a place.
_PLACE = re.compile(r"^(?P<why>.*?)(?: - at (?:`key` in )?`\$\.?(?P<place>.*)`)?$", re.DOTALL)


class NoBody(JsonBody):
    """Nothing is asked for."""


T = TypeVar("T", bound=Struct)


async def read(request: ApiRequest, services: Services, wanted: type[T]) -> T:
    """Read a JSON body; an empty one is an empty object.

    Raises:
        BadRequest, TooLarge, UnsupportedMediaType: it cannot be read.
        InvalidFields: the first thing that is wrong with it, under its place: `tools[0].type`.
    """
    return convert((await read_json(request, services)).values, wanted)


async def read_json(request: ApiRequest, services: Services) -> Body:
    """Read a body that must be JSON.

    Raises:
        BadRequest, TooLarge, UnsupportedMediaType: it cannot be read.
        InvalidFields: it is no object.
    """
    try:
        body = await read_body(request, services.settings.limits)
    except InvalidFields as error:  # told of the whole under a name that is `/api/v1`'s
        raise InvalidFields(
            {WHOLE: [one for why in error.fields.values() for one in why]}
        ) from error
    if body.is_form:
        raise UnsupportedMediaType("This endpoint reads JSON: send Content-Type: application/json.")
    return body


def convert(values: object, wanted: type[T], within: str = "") -> T:
    """Check what was sent against a Struct.

    Args:
        values: what JSON held.
        wanted: what is expected.
        within: the place of `values` in the body.

    Raises:
        InvalidFields: the first thing that is wrong, under its place.
    """
    if not _is_storable(values):
        for place, text in _texts(values, within):
            if why := why_unstorable(text):
                raise InvalidFields({place or WHOLE: [why]})
    try:
        return msgspec.convert(values, wanted, strict=True)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        why, place = (found["why"], found["place"]) if found else (str(error), "")
        missing = re.fullmatch(r"Object missing required field `(\w+)`", why)
        if missing:
            place, why = ".".join(filter(None, (place, missing[1]))), "it is required"
        name = ".".join(filter(None, (within, place))) or WHOLE
        raise InvalidFields({name: [f"{why}."]}) from error


def _is_storable(value: object) -> bool:
    """Whether the database can hold every text in a JSON value, keys too.

    Told level by level, without places: a body of 1 MB may hold 200,000 texts.

    Raises:
        BadRequest: it is nested too deeply, or holds a number that no database does.
    """
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        objects = [one for one in level if isinstance(one, dict)]
        texts = [one for one in level if isinstance(one, str)]
        # a character in between, so that no two halves become one
        if why_unstorable(" ".join([*texts, *(" ".join(one) for one in objects)])):
            return False
        if not all(math.isfinite(one) for one in level if isinstance(one, float)):
            raise BadRequest("JSON parse error - A number must be finite")
        inner = [one for one in level if isinstance(one, list)]
        level = [one for values in (*inner, *(o.values() for o in objects)) for one in values]
        if not level:
            return True
    raise BadRequest("JSON parse error - Nested too deeply")


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, keys too, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield place, key
            yield from _texts(one, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, f"{place}[{index}]")


def unset_or(value: Any, old: Any) -> Any:
    """What an update makes of a field: as it was where nothing was sent."""
    return old if value is msgspec.UNSET else value
