"""Attempts at passwords: few of them, from one address and for one account."""

import hashlib

from aiconvokit.accounts.throttle import address_of, count_request
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services


async def count_attempt(services: Services, request: ApiRequest, username: str) -> None:
    """Count an attempt per address and per account, also when it fails.

    Raises:
        Throttled: there were too many.
    """
    limits = services.settings.limits
    await count_request(
        services,
        (f"login:ip:{address_of(request)}", f"login:user:{_digest(username)}"),
        burst=limits.login_burst,
        per_minute=limits.login_refill_per_minute,
    )


def _digest(username: str) -> str:
    """Not what was typed: now and then it is a password."""
    return hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()[:32]
