"""A check as a whole: look, look again at what was found, and repair it.

It runs beside a server: all of a look sees one moment, what others have in work is no finding, and
only what a second look still finds is told.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiconvokit.operations.check import looking, stores
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
    in_flight: float = stores.IN_FLIGHT_SECONDS


AT_REST = Patience(settle=0.0, in_flight=0.0)
"""Of a server on which nobody does anything."""


async def examine(services: Services, patience: Patience) -> Sequence[Found]:
    """Everything that is wrong."""
    found = [
        *await looking.look(services.owner_sessions),
        *await stores.look(services, in_flight=patience.in_flight),
    ]
    if not found or patience.settle == 0:
        return found
    await asyncio.sleep(patience.settle)
    before = {one.kind.name: one for one in found}
    return [
        *await looking.look(services.owner_sessions, before),
        *await stores.look(services, before, in_flight=patience.in_flight),
    ]


async def check(services: Services, patience: Patience, *, repair: bool) -> list[Finding]:
    """Everything that is wrong, repaired where it can be and is asked for."""
    findings = []
    for one in await examine(services, patience):
        repaired = repair and await mend(services, one)
        findings.append(one.told(repaired=repaired))
    return findings
