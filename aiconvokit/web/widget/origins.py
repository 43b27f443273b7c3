"""Origins, exact: `scheme://host[:port]` as browsers write them."""

import ipaddress
import re

MAX_CHARACTERS = 200
MOST_TOGETHER = 3_000
"""Characters of all: they stand in one header, and nginx refuses answers whose headers are longer
than 4 KB, where nobody told it otherwise. Fifty of 60."""

_PORTS = {"http": 80, "https": 443}
_NAME = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# Nothing that means something in a policy or in markup: no quotes, spaces, semicolons, wildcards.
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_NAME}(?:\.{_NAME})*|\[[0-9a-f:.]+\])(?::(?P<port>\d{{1,5}}))?/?"
)


def normal(text: str) -> str | None:
    """An origin as a browser sends it, None when it is none.

    Lower case, without a default port and a last slash, IPv6 in its short form. Paths, wildcards,
    users and other schemes are no origins; names with letters beyond ASCII have an ASCII form
    (`xn--…`), and that is what browsers send.
    """
    found = _ORIGIN.fullmatch(text.strip().lower())
    if found is None or len(text) > MAX_CHARACTERS:
        return None
    scheme, host = found["scheme"], found["host"]
    port = int(found["port"]) if found["port"] else _PORTS[scheme]
    if not 0 < port <= 65_535:
        return None
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    return f"{scheme}://{host}" + ("" if port == _PORTS[scheme] else f":{port}")


def is_host(origin: str, host: str) -> bool:
    """Whether an origin is that of a Host header, by either scheme: a proxy may have ended TLS."""
    return origin in {normal(f"{scheme}://{host}") for scheme in _PORTS}
