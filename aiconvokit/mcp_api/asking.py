"""Who asks, and by which request: what the protocol's own calls do not carry."""

from contextvars import ContextVar
from dataclasses import dataclass

from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services


@dataclass(frozen=True, slots=True)
class Asking:
    """A request to `/mcp` whose token was good."""

    services: Services
    request: ApiRequest
    user_id: int


ASKING: ContextVar[Asking] = ContextVar("asking")
"""Set around each request; the library's handlers are given its own contexts only."""
