"""Fields that hold a JSON object (attributes, filters), beside the plain ones of a body."""

from collections.abc import Callable
from typing import Any, TypeVar

from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import Body
from aiconvokit.rest.fields import NULL, REQUIRED
from ingestion.json_text import read_json

T = TypeVar("T")
R = TypeVar("R")


def read_object(
    body: Body, name: str, parse: Callable[[Any], T], others: Callable[[Body], R]
) -> tuple[T | None, R]:
    """Read one field that holds an object, also as JSON text, and then the other fields.

    Args:
        body: what came in.
        name: the field; None is found when it is missing, null, or empty in a form.
        parse: makes the value of it, or raises a ValueError whose text is a sentence.
        others: reads the other fields, as `read_fields` does.

    Raises:
        InvalidFields: every mistake, by field.
    """
    mistakes: dict[str, list[str]] = {}
    found = None
    try:
        if not _is_nothing(body, name):
            value = body.values[name]
            # Forms have nothing but text.
            found = parse(read_json(value) if isinstance(value, str) else value)
    except ValueError as error:
        mistakes[name] = [str(error)]
    plain = {key: value for key, value in body.values.items() if key != name}
    try:
        rest = others(Body(plain, body.is_form))
    except InvalidFields as error:
        raise InvalidFields({**error.fields, **mistakes}) from error
    if mistakes:
        raise InvalidFields(mistakes)
    return found, rest


def read_only_object(body: Body, name: str, parse: Callable[[Any], T]) -> T:
    """Read a body whose one field is an object and must be there.

    Raises:
        InvalidFields: it is missing or wrong.
    """
    found, _ = read_object(body, name, parse, lambda _: None)
    if found is None:
        raise InvalidFields({name: [NULL if name in body.values else REQUIRED]})
    return found


def _is_nothing(body: Body, name: str) -> bool:
    value = body.values.get(name)
    return value is None or (body.is_form and value == "")
