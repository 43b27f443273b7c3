"""Who is answered, and may not be any more: suspended, deleted, or with a token that was revoked.

What is refused to them when they ask, ends as well where they have asked already. One statement
looks after all open answers of a process, every moment for as long as there are any.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.accounts import dismissal_queries
from aiconvokit.accounts.dismissal_queries import Asker
from aiconvokit.db import Sessions
from aiconvokit.errors import AIConvoKitError, NotAuthenticated
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.ending import Ending, watch_by

LOOK_SECONDS = 0.75
"""Between two looks: who is dismissed is out within a second."""

logger = logging.getLogger(__name__)


class Suspended(NotAuthenticated):
    """The user was suspended, or deleted, while an answer was in work."""

    code = "suspended"

    def __init__(self) -> None:
        super().__init__("User inactive or deleted.")


class Unauthorized(NotAuthenticated):
    """The token was revoked, or came to its date, while an answer was in work."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("Invalid token.")


@dataclass(slots=True)
class Dismissals:
    """The open answers of this process, by who asked for them; `sessions` are the owner's."""

    sessions: Sessions
    _open: dict[Asker, set[Ending]] = field(default_factory=dict)
    _looking: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, asker: Asker) -> Iterator[Ending]:
        """Have an answer end when who asked for it is dismissed within the block."""
        ending: Ending = asyncio.get_running_loop().create_future()
        self._open.setdefault(asker, set()).add(ending)
        if self._looking is None or self._looking.done():
            # In a context of its own: it is nobody's request.
            looking = self._look_after()
            self._looking = asyncio.create_task(looking, name="dismissals", context=Context())
        try:
            yield ending
        finally:
            waiting = self._open[asker]
            waiting.discard(ending)
            if not waiting:
                del self._open[asker]

    async def _look_after(self) -> None:
        """As long as there are open answers: end those of who is dismissed."""
        has_failed = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._open:
                return
            try:
                await self._look()
            except SQLAlchemyError as error:  # also a pool without a connection; it is asked again
                if not has_failed:
                    kind = type(error).__name__
                    logger.warning("Dismissed users cannot be looked for: %s", kind)
                has_failed = True
            else:
                has_failed = False

    async def _look(self) -> None:
        async with self.sessions() as session:
            dismissed = await dismissal_queries.dismissed_of(session, list(self._open))
        for one in dismissed:
            why: AIConvoKitError = Suspended() if one.is_out else Unauthorized()
            for ending in self._open.get(one.asker, ()):
                if not ending.done():
                    ending.set_result(why)


def answer_for(request: ApiRequest, user_id: int) -> None:
    """Have a request's answer end with its owner's account, whoever asked for it without one."""
    dismissals = cast("Dismissals", request.app.state.dismissals)
    watch_by(request.scope, partial(dismissals.watch, Asker(user_id)))
