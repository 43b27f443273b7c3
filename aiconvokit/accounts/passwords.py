"""Passwords: argon2id, off the event loop, few at a time."""

import asyncio
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
TOO_SHORT = f"This password is too short. It must contain at least {MIN_LENGTH} characters."
TOO_COMMON = "This password is too common."

# OWASP's minimum for argon2id: 23 ms of CPU here; the library's default costs 196 ms.
_hasher = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
_AT_ONCE = 2  # a burst of logins must not take all memory and every core


def weaknesses(password: str) -> list[str]:
    """What speaks against a new password: sentences for its owner, [] when nothing does."""
    found = []
    if len(password) < MIN_LENGTH:
        found.append(TOO_SHORT)
    if password.lower().strip() in _common_passwords():
        found.append(TOO_COMMON)
    return found


class Passwords:
    """Hashes and verifies, at most two at once, on threads."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        async with self._slots:
            return await asyncio.to_thread(_hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password fits; without a user the same work is done, so time tells nothing."""
        async with self._slots:
            fits = await asyncio.to_thread(_verify, stored or _nobodys_hash(), password)
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters and should be made again at login."""
        return _hasher.check_needs_rehash(stored)


@cache
def _common_passwords() -> frozenset[str]:
    """What guessers try first: the heads of public leak statistics, eight letters or longer."""
    text = files("aiconvokit.accounts").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(text.split())


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("no user has this password")
