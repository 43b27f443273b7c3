"""JSON as the standard has it, from texts of any kind."""

import json
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:
    """The value that a text stands for.

    Raises:
        ValueError: it is no JSON, or too deep; its text is a sentence.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError("Value must be valid JSON.") from error


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)
