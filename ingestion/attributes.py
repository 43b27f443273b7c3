"""What an owner may say about a document: flat, few, small; searches filter by it."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ingestion.json_text import read_json
from ingestion.storable import why_unstorable

Value = str | int | float | bool
Attributes = dict[str, Value]

MAX_KEYS = 16
MAX_KEY_CHARACTERS = 64
MAX_VALUE_CHARACTERS = 512
"""These three are the limits of OpenAI's file attributes, so that either side's data fits."""
MAX_INTEGER = 2**63 - 1
"""Whole numbers beyond are kept as floats: no JSON reader takes them otherwise."""


class BadAttributes(ValueError):
    """One sentence about what is wrong."""


def check_attributes(given: object) -> Attributes:
    """Attributes as they are stored.

    Raises:
        BadAttributes: they are no flat object within the limits.
    """
    if not isinstance(given, dict):
        kind = type(given).__name__
        raise BadAttributes(f'Expected a dictionary of items but got type "{kind}".')
    if len(given) > MAX_KEYS:
        raise BadAttributes(f"Ensure this field has no more than {MAX_KEYS} keys.")
    return {check_key(key): check_value(value) for key, value in given.items()}


def check_key(key: object) -> str:
    """A key that an attribute may have.

    Raises:
        BadAttributes: it is no text, blank, too long, or not to be stored.
    """
    if not isinstance(key, str):
        raise BadAttributes("A key must be a string.")
    if not key.strip():
        raise BadAttributes("A key may not be blank.")
    if len(key) > MAX_KEY_CHARACTERS:
        raise BadAttributes(f"Ensure each key has no more than {MAX_KEY_CHARACTERS} characters.")
    return _storable(key)


def check_value(value: object) -> Value:
    """A value that an attribute may have.

    Raises:
        BadAttributes: another type, too long, not finite, or not to be stored.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > MAX_VALUE_CHARACTERS:
            limit = f"no more than {MAX_VALUE_CHARACTERS} characters."
            raise BadAttributes(f"Ensure each value has {limit}")
        return _storable(value)
    if not isinstance(value, int | float):
        raise BadAttributes("A value must be a string, a number or a boolean.")
    return _number(value)


def loaded(stored: Mapping[str, Any]) -> Attributes:
    """Attributes as the database gives them back: it writes 1e300 with all its digits."""
    return {
        key: _number(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in stored.items()
    }


def same(one: Attributes, other: Attributes) -> bool:
    """Whether two mean the same: 1 is 1.0, and neither is true."""
    return _comparable(one) == _comparable(other)


def from_words(words: Iterable[str]) -> Attributes:
    """Attributes from `key=value` on a command line.

    Numbers, `true` and `false` are what JSON says they are, and `"7"` in quotes is text, as is all
    that is no JSON; of one key the last counts.

    Raises:
        BadAttributes: a word has no "=", or breaks a limit.
    """
    found: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadAttributes(f"{word} is not of the form key=value.")
        found[key] = _meant(value)
    return check_attributes(found)


def from_json(content: str | bytes) -> Attributes:
    """Attributes from the text of a JSON object.

    Raises:
        BadAttributes: it is none, or breaks a limit.
    """
    try:
        given = read_json(content)
    except ValueError as error:
        raise BadAttributes(str(error)) from error
    return check_attributes(given)


def _meant(value: str) -> object:
    try:
        found = read_json(value)
    except ValueError:
        return value
    return found if isinstance(found, str | int | float) else value


def _number(value: float) -> int | float:
    try:
        as_float = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        as_float = math.inf
    if not math.isfinite(as_float):
        raise BadAttributes("A number must be finite.")
    return value if isinstance(value, int) and abs(value) <= MAX_INTEGER else as_float


def _storable(text: str) -> str:
    if why := why_unstorable(text):
        raise BadAttributes(why)
    return text


def _comparable(attributes: Attributes) -> dict[str, Value | Decimal]:
    """Numbers by their written digits, which are what the database keeps; booleans apart."""
    return {
        key: value if isinstance(value, str) else Decimal(str(value))
        for key, value in attributes.items()
        if not isinstance(value, bool)
    } | {f"{key}\0": value for key, value in attributes.items() if isinstance(value, bool)}
