"""Metadata filters: which documents a search may look into.

A filter is `{"type": "eq", "key": "year", "value": 2024}`, with one of eq, ne, gt, gte, lt, lte, in
and nin, or `{"type": "and", "filters": […]}` with and or or. Numbers are compared with numbers and
text with text (by code points); types never mix. What lacks the key matches ne and nin alone.

Every document has the keys filename, document_id and created_at (ISO 8601, UTC), unless its own
attributes say otherwise.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, cast, get_args

from ingestion.attributes import BadAttributes, Value, check_key, check_value

Order = Literal["gt", "gte", "lt", "lte"]
Choice = Literal["in", "nin"]
Operator = Literal["eq", "ne"] | Order | Choice
Junction = Literal["and", "or"]

MAX_DEPTH = 5
"""Levels of and, or and a comparison; far more than people write, and no stack to run over."""
MAX_COMPARISONS = 32
"""In one filter: each is evaluated for every document of a collection."""
MAX_CHOICES = 100
"""Values of one in or nin."""

_CHOICES = get_args(Choice)
_JUNCTIONS = get_args(Junction)
_COMPARISONS = ("eq", "ne", *get_args(Order), *_CHOICES)

# Compared as jsonb: numbers exactly, types apart, and a missing key is NULL.
_VALUES = "CAST(CAST(:{value} AS text[]) AS jsonb[])"
_SQL: dict[str, str] = {
    "eq": "{held} = CAST(:{value} AS jsonb)",
    "ne": "{held} IS DISTINCT FROM CAST(:{value} AS jsonb)",
    "in": f"{{held}} = ANY({_VALUES})",
    "nin": f"coalesce({{held}} <> ALL({_VALUES}), true)",
}
_SIGNS: dict[str, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_NUMBERS = "(jsonb_typeof({held}) = 'number' AND {held} {sign} CAST(:{value} AS jsonb))"
_TEXTS = (
    "(jsonb_typeof({held}) = 'string'"
    """ AND ({held} #>> '{{}}') COLLATE "C" {sign} CAST(:{value} AS text))"""
)

# The colons are escaped: they would be read as parameters.
_EVERY_DOCUMENT_HAS = {
    "filename": "to_jsonb(d.filename)",
    "document_id": "to_jsonb(d.id)",
    "created_at": "to_jsonb(to_char(d.created_at AT TIME ZONE 'UTC',"
    r""" 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"'))""",
}


class BadFilter(ValueError):
    """One sentence about what is wrong."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A key against a value; against several for in and nin."""

    type: Operator
    key: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Several filters, all of which or one of which must match."""

    type: Junction
    filters: tuple["Filter", ...]


Filter = Comparison | Group


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over `document d` with its parameters, whose names begin with "filter_".

    It is for `db.statement`, or SQLAlchemy's `text()`, and holds nothing that a user wrote.
    """

    sql: str
    parameters: dict[str, Any]


def parse_filter(given: object) -> Filter:
    """Check a filter as it came over the wire.

    Raises:
        BadFilter: it is none, or breaks a limit.
    """
    found = _parse(given, MAX_DEPTH)
    if sum(1 for _ in _comparisons(found)) > MAX_COMPARISONS:
        raise BadFilter(f"Ensure there are no more than {MAX_COMPARISONS} comparisons.")
    return found


def compile_filter(found: Filter) -> Condition:
    """The SQL of a filter."""
    parameters: dict[str, Any] = {}
    sql = _compile(found, parameters, count())
    return Condition(sql, parameters)


def _parse(given: object, depth: int) -> Filter:
    if not isinstance(given, dict):
        raise BadFilter(f'Expected a dictionary of items but got type "{type(given).__name__}".')
    if depth == 0:
        raise BadFilter(f"Ensure filters are nested no more than {MAX_DEPTH} levels deep.")
    kind = given.get("type")
    if kind in _JUNCTIONS:
        return _parse_group(cast("Junction", kind), given.get("filters"), depth)
    if not isinstance(kind, str) or kind not in _COMPARISONS:
        known = ", ".join((*_COMPARISONS, *_JUNCTIONS))
        raise BadFilter(f'"type" must be one of {known}.')
    try:
        key = check_key(given.get("key"))
        return Comparison(cast("Operator", kind), key, _values(kind, given.get("value")))
    except BadAttributes as error:
        raise BadFilter(str(error)) from error


def _parse_group(kind: Junction, given: object, depth: int) -> Group:
    if not isinstance(given, list) or not given:
        raise BadFilter(f'"filters" of {kind} must be a list of at least one filter.')
    if len(given) > MAX_COMPARISONS:
        raise BadFilter(f"Ensure there are no more than {MAX_COMPARISONS} comparisons.")
    return Group(kind, tuple(_parse(one, depth - 1) for one in given))


def _values(kind: str, given: object) -> tuple[Value, ...]:
    if kind in _CHOICES:
        if not isinstance(given, list):
            raise BadFilter(f'"value" of {kind} must be a list.')
        if len(given) > MAX_CHOICES:
            raise BadFilter(f"Ensure {kind} has no more than {MAX_CHOICES} values.")
        return tuple(check_value(one) for one in given)
    value = check_value(given)
    if kind in _SIGNS and isinstance(value, bool):
        raise BadFilter(f"Booleans have no order: {kind} needs a string or a number.")
    return (value,)


def _comparisons(found: Filter) -> Iterator[Comparison]:
    if isinstance(found, Comparison):
        yield found
    else:
        for one in found.filters:
            yield from _comparisons(one)


def _compile(found: Filter, parameters: dict[str, Any], numbers: "count[int]") -> str:
    if isinstance(found, Group):
        parts = [_compile(one, parameters, numbers) for one in found.filters]
        return f"({f' {found.type.upper()} '.join(parts)})"
    number = next(numbers)
    key, value = f"filter_{number}_key", f"filter_{number}_value"
    held = f"(d.attributes -> CAST(:{key} AS text))"
    if found.key in _EVERY_DOCUMENT_HAS:
        held = f"coalesce({held}, {_EVERY_DOCUMENT_HAS[found.key]})"
    first = found.values[0] if found.values else None
    written = [json.dumps(one) for one in found.values]
    parameters[key] = found.key
    if found.type in _SIGNS:
        parameters[value] = first if isinstance(first, str) else written[0]
        template = _TEXTS if isinstance(first, str) else _NUMBERS
        return template.format(held=held, sign=_SIGNS[found.type], value=value)
    parameters[value] = written if found.type in _CHOICES else written[0]
    return _SQL[found.type].format(held=held, value=value)
