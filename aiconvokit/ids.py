"""Public identifiers: a prefix that says what it is, then randomness nobody can guess."""

import secrets
import string

_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 24
"""24 of 62 letters are 142 bits."""
_SPARE_BITS = 64
"""So that no letter is likelier than another by more than one in 2^64."""


def random_letters(length: int) -> str:
    """`length` letters of base 62 from the system's random source, which is asked once."""
    number = secrets.randbits(6 * length + _SPARE_BITS)
    letters: list[str] = []
    for _ in range(length):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)


def public_id(prefix: str) -> str:
    """Make a new identifier: `asst_…` for the prefix `asst`."""
    return f"{prefix}_{random_letters(_LENGTH)}"
