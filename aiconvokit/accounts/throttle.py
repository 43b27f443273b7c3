"""How often one address, or one account, may ask for the same thing."""

from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address

from aiconvokit import rate_limit
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services

SITE_BITS = 64
"""Of an IPv6 address: whoever has one has all that share them."""


def address_of(request: ApiRequest) -> str:
    """Who asks, as far as the network says."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Network((int(address), SITE_BITS), strict=False).network_address)
    return host


async def count_request(
    services: Services, keys: Sequence[str], *, burst: int, per_minute: float
) -> None:
    """Count a request under each key; with AICONVOKIT_LIMITS=off there is no limit.

    Raises:
        Throttled: there were too many.
    """
    if services.settings.rate_limits == "off":
        return
    async with services.sessions.begin() as session:
        for key in keys:
            await rate_limit.take(session, key, burst=burst, per_minute=per_minute)
