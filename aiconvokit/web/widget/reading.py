"""Bodies about widgets: an owner's fields, and what a visitor may send."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from aiconvokit.config import Limits
from aiconvokit.errors import InvalidFields, UnsupportedMediaType
from aiconvokit.rest.body import ApiRequest, Body, read_body
from aiconvokit.rest.fields import BLANK, NOT_A_STRING, read_fields
from aiconvokit.rest.objects import read_object
from aiconvokit.web.widget import origins
from aiconvokit.web.widget.schemas import (
    MAX_ORIGINS,
    MAX_SUGGESTIONS,
    SUGGESTION_CHARACTERS,
    NewWidget,
    PlainWidget,
)
from ingestion.storable import why_unstorable

LANGUAGES = ("auto", "en", "de")
VISITOR_BYTES = 32_768
"""Of a visitor's body: the longest question in any script, escaped, with room to spare."""
UNKNOWN = "This field is not known here."
NO_COLOR = "Enter a color such as #1f5fbf."
_NO_POLICY = frozenset("[_")
"""Of hosts that a policy cannot name (addresses of IPv6, names with underscores): a browser would
leave the origin out and refuse the chat there."""
NO_ORIGIN = (
    "Enter an origin such as https://www.example.org: scheme, host and port, no path and no "
    "wildcard; letters beyond ASCII in their xn-- form."
)
TOO_LONG = (
    "Ensure that the origins together have no more than {most} characters (they have {found})."
)

_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
T = TypeVar("T", bound=Struct)


def read_widget(body: Body, known: Mapping[str, Any]) -> NewWidget:
    """An owner's widget.

    Args:
        body: what came in.
        known: values that hold where the body has none: those of a widget that is changed.

    Raises:
        InvalidFields: every mistake, by field.
    """
    values = {**known, **body.values}
    greeting = values.get("greeting")
    if isinstance(greeting, str) and not greeting.strip():
        del values["greeting"]  # none is what it is by itself
    found, (suggestions, plain) = read_object(
        Body(values, body.is_form),
        "origins",
        _origins,
        lambda rest: read_object(rest, "suggestions", _suggestions, _plain),
    )
    return NewWidget(**asdict(plain), suggestions=suggestions or [], origins=found or [])


def _plain(body: Body) -> PlainWidget:
    found = read_fields(body, PlainWidget, {"color": _check_color, "language": _check_language})
    found.color = found.color.lower()
    return found


def _check_color(color: str) -> list[str]:
    return [] if _COLOR.fullmatch(color) else [NO_COLOR]


def _check_language(language: str) -> list[str]:
    return [] if language in LANGUAGES else [f'"{language}" is not a valid choice.']


def _suggestions(value: Any) -> list[str]:
    return _texts(value, MAX_SUGGESTIONS, _suggestion)


def _origins(value: Any) -> list[str]:
    found = list(dict.fromkeys(_texts(value, MAX_ORIGINS, _origin)))
    together = sum(map(len, found))
    if together > origins.MOST_TOGETHER:
        raise ValueError(TOO_LONG.format(most=origins.MOST_TOGETHER, found=together))
    return found


def _texts(value: Any, most: int, read: Callable[[str], str]) -> list[str]:
    """A list of texts.

    Raises:
        ValueError: what is wrong, as a sentence.
    """
    if not isinstance(value, list):
        kind = type(value).__name__
        raise ValueError(  # noqa: TRY004  # a mistake in a body, told as a sentence
            f'Expected a list of items but got type "{kind}".'
        )
    if len(value) > most:
        raise ValueError(f"Ensure this field has no more than {most} elements.")
    found = []
    for number, one in enumerate(value, start=1):
        try:
            found.append(read(one))
        except ValueError as error:
            raise ValueError(f"Item {number}: {error}") from error
    return found


def _suggestion(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(NOT_A_STRING)  # noqa: TRY004  # as above
    text = value.strip()
    if not text:
        raise ValueError(BLANK)
    if len(text) > SUGGESTION_CHARACTERS:
        raise ValueError(f"Ensure this field has no more than {SUGGESTION_CHARACTERS} characters.")
    if why := why_unstorable(text):
        raise ValueError(why)
    return text


def _origin(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(NOT_A_STRING)  # noqa: TRY004  # as above
    found = origins.normal(value)
    if found is None or not _NO_POLICY.isdisjoint(found):
        raise ValueError(NO_ORIGIN)
    return found


async def read_visitors(
    request: ApiRequest,
    limits: Limits,
    wanted: type[T],
    also: Mapping[str, Callable[[Any], list[str]]] | None = None,
) -> T:
    """A visitor's body: a small JSON object with these fields and nothing else.

    Raises:
        BadRequest, InvalidFields, TooLarge, UnsupportedMediaType: it is anything else.
    """
    kind = request.content_type[0]
    if kind not in {"application/json", ""}:
        raise UnsupportedMediaType(f'Unsupported media type "{kind}" in request.')
    body = await read_body(request, limits.model_copy(update={"max_json_bytes": VISITOR_BYTES}))
    unknown = {name: [UNKNOWN] for name in body.values if name not in wanted.__struct_fields__}
    if unknown:
        raise InvalidFields(unknown)
    return read_fields(body, wanted, also or {})
