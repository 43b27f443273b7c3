"""Secrets and names of the widget: keys in sites' sources, visitors' tokens and visitors' names."""

import re

from aiconvokit.ids import random_letters

KEY_PREFIX = "acw_pk_"
TOKEN_PREFIX = "acw_vs_"  # noqa: S105  # what a token begins with, so that scanners know it
_LETTERS = 32
"""32 of 62 letters are 190 bits."""
_VISITOR_LETTERS = 24

_KEY = re.compile(r"acw_pk_[0-9A-Za-z]{32}")
_TOKEN = re.compile(r"acw_vs_[0-9A-Za-z]{32}")
_VISITOR = re.compile(r"[0-9A-Za-z_-]{16,64}")


def new_key() -> str:
    """What an owner puts into a site's source: good for starting visitors' sessions only."""
    return KEY_PREFIX + random_letters(_LETTERS)


def new_token() -> str:
    """The secret of one visitor's session; only its digest is kept."""
    return TOKEN_PREFIX + random_letters(_LETTERS)


def new_visitor() -> str:
    """A name for a browser that brings none."""
    return random_letters(_VISITOR_LETTERS)


def is_key(text: str) -> bool:
    """Whether it looks like a key; what does not never reaches the database."""
    return _KEY.fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether it looks like a visitor's token."""
    return _TOKEN.fullmatch(text) is not None


def is_visitor(text: str) -> bool:
    """Whether a browser may call itself that."""
    return _VISITOR.fullmatch(text) is not None
