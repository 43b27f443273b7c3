"""A check as a whole: look, look again at what was found, and repair it.

It runs beside a server: all of a look at the database sees one moment, and what others have in work
is no finding. What a server does in several steps is told only where a second look still finds it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiconvokit.operations.check import folders, looking
from aiconvokit.operations.check.kinds import Finding, Found
from aiconvokit.operations.check.mending import mend
from aiconvokit.services import Services

SETTLE_SECONDS = 3.0
"""Between two looks: what a server does in several steps, it has done by then."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something may be on its way before it is wrong, in seconds.

    `settle` lies between the two looks; `in_flight` is the age of bytes without a row.
    """

    settle: float = SETTLE_SECONDS
    in_flight: float = folders.IN_FLIGHT_SECONDS


AT_REST = Patience(settle=0.0, in_flight=0.0)
"""Of a server on which nobody does anything."""

logger = logging.getLogger(__name__)


async def examine(services: Services, patience: Patience) -> Sequence[Found]:
    """Everything that is wrong."""
    found = [
        *await looking.look(services.owner_sessions),
        *await folders.look(services, in_flight=patience.in_flight),
    ]
    unsure = {one.kind.name: one for one in found if one.kind.in_steps}
    if not unsure or patience.settle == 0:
        return found
    await asyncio.sleep(patience.settle)
    return [
        *(one for one in found if not one.kind.in_steps),
        *await looking.look(services.owner_sessions, unsure),
        *await folders.look(services, unsure, in_flight=patience.in_flight),
    ]


async def check(services: Services, patience: Patience, *, repair: bool) -> list[Finding]:
    """Everything that is wrong, repaired where it can be and is asked for."""
    findings = []
    for one in await examine(services, patience):
        repaired = repair and await _mended(services, one)
        findings.append(one.told(repaired=repaired))
    return findings


async def _mended(services: Services, found: Found) -> bool:
    """Whether a finding is repaired; one that cannot be does not keep the others from it."""
    try:
        return await mend(services, found)
    except Exception:
        logger.exception("%s cannot be repaired", found.kind.name)
        return False
