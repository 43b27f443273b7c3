"""Login tokens: `ack_`, 32 random letters, 6 letters of checksum; only the SHA-256 is kept."""

import hashlib
import zlib

from aiconvokit.accounts.queries import Secret
from aiconvokit.ids import random_letters

PREFIX = "ack_"
_RANDOM = 32
_CHECK = 6
_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
HINT = 4
"""How many of the last letters are kept, for the owner to tell tokens apart."""


def new_token() -> str:
    """A secret to hand out once."""
    body = random_letters(_RANDOM)
    return PREFIX + body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Whether the checksum fits; mistyped tokens and scanners' noise never reach the database."""
    body = token[len(PREFIX) : -_CHECK]
    return token.startswith(PREFIX) and len(body) == _RANDOM and token.endswith(_checksum(body))


def digest(token: str) -> bytes:
    """What is stored and looked up (32 bytes)."""
    return hashlib.sha256(token.encode()).digest()


def kept_of(token: str) -> Secret:
    """What is stored of a new one."""
    return Secret(digest(token), token[-HINT:])


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    letters = ""
    for _ in range(_CHECK):
        value, letter = divmod(value, 62)
        letters = _BASE62[letter] + letters
    return letters
