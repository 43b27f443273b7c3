"""Attempts at passwords: few of them, from one address and for one account."""

from aiconvokit import rate_limit
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services


async def count_attempt(services: Services, request: ApiRequest, username: str) -> None:
    """Count an attempt per address and per account, also when it fails.

    Raises:
        Throttled: there were too many.
    """
    settings = services.settings
    if settings.rate_limits == "off":
        return
    address = request.client.host if request.client else "unknown"
    async with services.sessions.begin() as session:
        for key in (f"login:ip:{address}", f"login:user:{username}"):
            await rate_limit.take(
                session,
                key,
                burst=settings.limits.login_burst,
                per_minute=settings.limits.login_refill_per_minute,
            )
