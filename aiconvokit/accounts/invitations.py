"""Invitations: a link that makes one account where registration is closed.

The link is told once; the database holds the SHA-256 of its secret.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, invitation_queries, tokens
from aiconvokit.accounts.queries import Secret
from aiconvokit.accounts.tables import Invitation
from aiconvokit.accounts.throttle import address_of, count_request
from aiconvokit.errors import InvalidFields
from aiconvokit.ids import random_letters
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services

DEFAULT_DAYS, MAX_DAYS = 7, 90
FIELD = "invitation"
NOT_VALID = "This invitation was used, has ended, or never was one."
"""One sentence for all: it tells nobody whether a secret was right once."""

_PREFIX = "inv_"
_RANDOM = 32


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation and its secret, which is told this once."""

    row: Invitation
    secret: str


def path_of(secret: str) -> str:
    """Where the page takes an invitation, behind the server's address.

    The secret stands behind the `#`: no browser sends that to a server, so no log has it.
    """
    return f"/#/login?{FIELD}={secret}"


async def invite(session: AsyncSession, invited_by: str, days: int) -> Invited:
    """Make an invitation; the session is the owner's."""
    secret = _PREFIX + random_letters(_RANDOM)
    kept = Secret(tokens.digest(secret), secret[-tokens.HINT :])
    row = await invitation_queries.insert(session, kept, invited_by, timedelta(days=days))
    await audit.note(session, "invitation.created", "invitation", row.id)
    return Invited(row, secret)


async def count_attempt(services: Services, request: ApiRequest) -> None:
    """Count an attempt with an invitation, also one that is not valid, as logins are.

    Raises:
        Throttled: there were too many.
    """
    limits = services.settings.limits
    await count_request(
        services,
        [f"invitation:ip:{address_of(request)}"],
        burst=limits.login_burst,
        per_minute=limits.login_refill_per_minute,
    )


async def hold(session: AsyncSession, secret: str) -> Invitation:
    """The invitation of a secret, nobody else's until the transaction ends. Asked at the door.

    Raises:
        InvalidFields: it is not valid.
    """
    found = await invitation_queries.hold(session, tokens.digest(secret))
    if found is None:
        raise InvalidFields({FIELD: [NOT_VALID]})
    return found
