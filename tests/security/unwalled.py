"""A patch for a server: its connections are the owner's, as where no second role can be made."""

from aiconvokit import services
from aiconvokit.db import Sessions


async def refuse(sessions: Sessions) -> bool:  # in place of one that asks
    """There is no other role."""
    return False


services.may_take_app_role = refuse
