"""How often one address, or one account, may ask for the same thing."""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from aiconvokit import rate_limit
from aiconvokit.background import forever
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services

SITE_BITS = 64
"""Of an IPv6 address: whoever has one has all that share them."""

SWEEP_SECONDS = 3_600
"""There are as many buckets as addresses in a day; looking at 100,000 of them takes 20 ms."""
AT_LEAST = timedelta(days=1)
"""For which a bucket stays: who guesses passwords once an hour is still seen in the table."""


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


async def sweep_buckets(services: Services) -> None:
    """For ever: buckets that are full again go, of addresses that may never come back."""
    await forever("Sweeping rate limits", SWEEP_SECONDS, lambda: sweep_once(services))


async def sweep_once(services: Services) -> None:
    """Remove all buckets that are full again, some at a time."""
    is_over = False
    while not is_over:
        async with services.sessions.begin() as session:
            is_over = await rate_limit.sweep(session, full_after(services)) < rate_limit.SWEPT


def full_after(services: Services) -> timedelta:
    """When an empty bucket is full again, the slowest: that of logins, which operators set."""
    limits = services.settings.limits
    minutes = limits.login_burst / limits.login_refill_per_minute
    return max(AT_LEAST, timedelta(minutes=minutes))
