"""Public identifiers: a prefix that says what it is, then randomness nobody can guess."""

import secrets
import string

_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 24
"""24 of 62 letters are 142 bits."""


def random_letters(length: int) -> str:
    """`length` letters of base 62 from the system's random source."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def public_id(prefix: str) -> str:
    """Make a new identifier: `asst_…` for the prefix `asst`."""
    return f"{prefix}_{random_letters(_LENGTH)}"
