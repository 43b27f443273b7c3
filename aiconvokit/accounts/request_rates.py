"""How many requests a user may send: a bucket in Postgres, from which processes take by portions.

A statement for every request would cost each of them half a millisecond. So a process takes a
twentieth of a minute's requests at once and counts those in memory; only where the bucket has no
portion left is it asked for each. The rate holds across processes, but for what each has in hand: a
user may be refused a portion too early where others have it, or come with one more than a bucketful
after a rest.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy.exc import SQLAlchemyError

from aiconvokit import rate_limit
from aiconvokit.accounts.auth import PRINCIPAL, is_guarded
from aiconvokit.accounts.queries import Principal
from aiconvokit.accounts.throttle import address_of
from aiconvokit.errors import Throttled
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.edge import respond
from aiconvokit.rest.problems import draw, on_crash
from aiconvokit.services import Services

PORTIONS = 20
"""In a minute's requests."""
MOST_KNOWN = 10_000
"""Users and addresses that are counted in memory; beyond that all portions are thrown away."""


@dataclass(slots=True)
class _Portion:
    """What a process may still let in of somebody without asking the database."""

    left: int = 0
    refused_until: float = 0.0
    """By the process's clock; nobody asks the database for who is known to have nothing left."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RequestRates:
    """ASGI middleware behind `Authentication`: counts requests by user, or by address."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._per_minute = services.settings.limits.requests_per_minute
        self._is_on = services.settings.rate_limits == "on"
        self._portions: dict[str, _Portion] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_on and scope["type"] == ScopeType.HTTP and is_guarded(scope["path"]):
            try:
                await self.count(_key(scope))
            except Throttled as error:  # outside of the app's own handlers
                await respond(draw(error, scope["path"]), scope, receive, send)
                return
            except (SQLAlchemyError, TimeoutError) as error:
                await respond(on_crash(Request(scope), error), scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def count(self, key: str) -> None:
        """Count a request.

        Raises:
            Throttled: there were too many.
        """
        portion = self._portions.get(key)
        if portion is None:
            if len(self._portions) >= MOST_KNOWN:
                self._portions.clear()
            portion = self._portions[key] = _Portion()
        if portion.left:
            portion.left -= 1
            return
        async with portion.lock:
            if not portion.left:
                portion.left = await self._more(key, portion)
            portion.left -= 1

    async def _more(self, key: str, portion: _Portion) -> int:
        """Take a portion, or one where there is none; how many."""
        if (wait := portion.refused_until - time.monotonic()) > 0:
            raise Throttled(wait)
        whole = max(1, self._per_minute // PORTIONS)
        rate = {"burst": self._per_minute, "per_minute": self._per_minute}
        try:
            async with self._services.sessions.begin() as session:
                if await rate_limit.has_taken(session, key, **rate, amount=whole):
                    return whole
                await rate_limit.take(session, key, **rate)
                return 1
        except Throttled as error:
            portion.refused_until = time.monotonic() + (error.retry_after or 0)
            raise


def _key(scope: Scope) -> str:
    principal = scope.get(PRINCIPAL)
    if isinstance(principal, Principal):
        return f"requests:user:{principal.user_id}"
    return f"requests:ip:{address_of(cast('ApiRequest', Request(scope)))}"
