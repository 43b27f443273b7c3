"""Who asks, and by which name: what the connection says, or a proxy in front that is trusted."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from aiconvokit.config import Settings
from aiconvokit.errors import BadRequest
from aiconvokit.rest.edge import respond
from aiconvokit.rest.problems import draw

HEALTH = frozenset(["/health/live", "/health/ready"])
"""Whoever looks after the process asks by its address."""
UNKNOWN_HOST = "This server does not answer under the name in the request's Host header."

Address = IPv4Address | IPv6Address
_SCHEMES = frozenset(["http", "https"])


class Network:
    """ASGI middleware: the client's own address, scheme and Host; refuses names that are not ours.

    What is behind it (throttles, absolute addresses, the audit trail) looks at the request as if
    there were no proxy.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._proxies = settings.trusted_proxies
        self._hosts = frozenset(map(name_of, settings.allowed_hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        if self._proxies:
            self._believe(scope)
        if self._is_asked(scope):
            await self._app(scope, receive, send)
        else:
            await respond(draw(BadRequest(UNKNOWN_HOST), scope["path"]), scope, receive, send)

    def _believe(self, scope: Scope) -> None:
        """Make a request be as the proxy in front says it came, where that is trusted."""
        host, port = scope.get("client") or ("", 0)
        peer = address_in(host)
        if peer is None or not is_within(peer, self._proxies):
            return
        # In its place, as `Edge` made it for us: what is noted there further in, it finds.
        seen = cast("dict[str, Any]", scope)
        client = client_of(peer, _said(scope, b"x-forwarded-for"), self._proxies)
        seen["client"] = (str(client), port if client == peer else 0)
        *_, scheme = ["", *_said(scope, b"x-forwarded-proto")]
        if scheme.lower() in _SCHEMES:
            seen["scheme"] = scheme.lower()
        *_, name = ["", *_said(scope, b"x-forwarded-host")]
        if name:
            others = [one for one in scope["headers"] if one[0] != b"host"]
            seen["headers"] = [(b"host", name.encode("latin-1")), *others]

    def _is_asked(self, scope: Scope) -> bool:
        """Whether a request names this server: exactly once, by a name that it has."""
        if not self._hosts or scope["path"].rstrip("/") in HEALTH:
            return True
        names = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
        return len(names) == 1 and name_of(names[0]) in self._hosts


def name_of(host: str) -> str:
    """A Host header's name: lower case, without a port and a last dot."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().rstrip(".")


def client_of(
    peer: Address, said: Sequence[str], trusted: Iterable[IPv4Network | IPv6Network]
) -> Address:
    """Who asks through a row of proxies: the last address in it that is no trusted one's.

    Args:
        peer: who is connected with us, trusted.
        said: what stands in X-Forwarded-For; each proxy adds who asked it. What is before the first
            that nobody trusts, anybody may have written.
        trusted: networks of our proxies.
    """
    networks, client = list(trusted), peer
    for one in reversed(said):
        found = address_in(one)
        if found is None or not is_within(client, networks):
            break
        client = found
    return client


def address_in(text: str) -> Address | None:
    """An IP address, also one with a port behind it; an IPv4 one in IPv6's clothes is itself."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether an address belongs to one of some networks; those of the other version have none."""
    return any(address in one for one in networks)


def _said(scope: Scope, name: bytes) -> list[str]:
    """The values of a header, however many lines of it there are."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [one.strip() for line in lines for one in line.split(",")]
