"""What only administrators may do."""

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import queries
from aiconvokit.accounts.tables import User
from aiconvokit.errors import Forbidden


async def require_administrator(session: AsyncSession, user_id: int) -> User:
    """The user, if they may administer this server.

    Raises:
        Forbidden: they may not.
    """
    user = await queries.user_by_id(session, user_id)
    if user is None or not user.is_admin:
        raise Forbidden("Only an administrator can do this.")
    return user
