"""What was found: a name, a state, a sentence, and what to do."""

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from pydantic import SecretStr

from aiconvokit.config import Settings

State = Literal["ok", "warning", "failed"]

SHORTEST_SECRET = 4
"""Characters; hiding a shorter one would make holes into every other word."""
HIDDEN = "***"


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        name: what: its part of the house, then a word or two; stays the same for programs.
        state: failed: the server cannot do its work like this. warning: it can, less well.
        found: a sentence with the figures.
        advice: what to do about it; empty when ok.
    """

    name: str
    state: State
    found: str
    advice: str = ""


class Findings:
    """Collects findings; nothing secret gets into one, whoever's words it repeats."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # the longest first: one secret may be the beginning of another
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._all: list[Finding] = []

    @property
    def all(self) -> Sequence[Finding]:
        """In the order in which they were made."""
        return self._all

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed; warnings are fine."""
        return all(one.state != "failed" for one in self._all)

    def ok(self, name: str, found: str) -> None:
        """Note what is as it should be."""
        self._add(Finding(name, "ok", found))

    def warn(self, name: str, found: str, advice: str) -> None:
        """Note what works, but less well than it could."""
        self._add(Finding(name, "warning", found, advice))

    def fail(self, name: str, found: str, advice: str) -> None:
        """Note what keeps the server from working."""
        self._add(Finding(name, "failed", found, advice))

    def _add(self, one: Finding) -> None:
        self._all.append(Finding(one.name, one.state, self._clean(one.found), one.advice))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def secrets_of(settings: Settings) -> list[str]:
    """Keys and passwords of the settings, also those inside of addresses."""
    keys = (settings.openai_api_key, settings.embedding_api_key)
    secrets = {key.get_secret_value() for key in keys if isinstance(key, SecretStr)}
    urls = [settings.openai_base_url, settings.embedding_base_url]
    if settings.database_url is not None:
        urls.append(settings.database_url.get_secret_value())
    for url in urls:
        secrets |= _in_url(url or "")
    return [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]


def _in_url(url: str) -> set[str]:
    try:
        parts = urlsplit(url)
        password = parts.password or ""
    except ValueError:  # what cannot be read could be anything
        return {url}
    return {password, unquote(password), parts.query}
