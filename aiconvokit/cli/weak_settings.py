"""Settings that an operator should look at again."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, urlsplit

from msgspec import Struct

from aiconvokit.config import Settings

SHORT = 16
"""Letters of a token that can be guessed."""
KNOWN_PASSWORDS = frozenset(["", "postgres", "password", "aiconvokit", "admin", "secret"])


class Warned(Struct):
    """Something weak; `code` is stable for a program."""

    code: str
    sentence: str


def warnings(settings: Settings) -> Iterator[Warned]:
    """What is weak in some settings, without a word of a secret."""
    if settings.rate_limits == "off":
        yield Warned("limits_off", "AICONVOKIT_LIMITS=off: passwords can be guessed without end.")
    if settings.database_url is not None and _is_weak(settings.database_url.get_secret_value()):
        yield Warned(
            "database_password", "The password in DATABASE_URL is missing, or one of the first."
        )
    token = settings.metrics_token
    if token is not None and len(token.get_secret_value().strip()) < SHORT:
        yield Warned("metrics_token", f"AICONVOKIT_METRICS_TOKEN is shorter than {SHORT} letters.")
    yield from _of_a_public_server(settings)
    if settings.chat_api_key and _is_open(settings.openai_base_url):
        yield Warned(
            "openai_base_url_http", "OPENAI_BASE_URL begins with http: the key goes unencrypted."
        )
    if settings.embedder_api_key and _is_open(settings.embedder_base_url):
        yield Warned(
            "embedding_base_url_http",
            "AICONVOKIT_EMBEDDING_BASE_URL begins with http: the key goes unencrypted.",
        )


def _of_a_public_server(settings: Settings) -> Iterator[Warned]:
    if settings.base_url is None or not _is_public(settings.base_url):
        return
    if settings.registration == "open":
        yield Warned(
            "registration_open",
            "AICONVOKIT_REGISTRATION=open: whoever finds the server makes an account. Invite "
            "people instead: aiconvokit users invite",
        )
    if _is_open(settings.base_url):
        yield Warned(
            "base_url_http",
            "AICONVOKIT_BASE_URL begins with http: passwords and tokens go unencrypted.",
        )
    if not settings.allowed_hosts:
        yield Warned(
            "no_allowed_hosts",
            "AICONVOKIT_ALLOWED_HOSTS is not set: the server answers under any name.",
        )


def host_of(address: str) -> str | None:
    """The host of an address, None where there is none to be seen."""
    found = _split(address)
    return found.hostname if found is not None and found.scheme else None


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _is_public(address: str) -> bool:
    """Whether others than this machine can come by an address."""
    host = host_of(address)
    if host is None or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def _is_open(address: str) -> bool:
    """Whether everybody on the way reads what is sent to an address."""
    return address.startswith("http://") and _is_public(address)


def _is_weak(database_url: str) -> bool:
    """Whether the password of a database is none, or one that is tried first."""
    found = _split(database_url)
    if found is None or not found.hostname:  # a socket, whose folder is the lock
        return False
    said = parse_qs(found.query).get("password", [found.password or ""])[-1]
    return said.lower() in KNOWN_PASSWORDS or said == (found.username or "")
