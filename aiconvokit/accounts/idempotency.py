"""`Idempotency-Key`: a request that is sent again is answered again, and not done again.

A handler has checked its body when it takes the key, and keeps its answer in the very transaction
that does the work: both are there, or neither.

    attempt = await once.take(body)
    if attempt.stored is not None:
        return attempt.stored.response()
    async with attempt, services.sessions.begin() as session:
        ...
        transaction = await driver_connection(session)
        return await attempt.keep(transaction, shown, assistant_id=...)

Whatever ends without `keep` (an error, a model that failed, a client that left) may be tried again.
Without the header none of this asks the database anything.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Self

from litestar import MediaType, Response
from litestar.params import HeaderParameter
from litestar.serialization import encode_json
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.accounts import idempotency_store as store
from aiconvokit.accounts.idempotency_store import Held
from aiconvokit.accounts.tables import Idempotency
from aiconvokit.acting import as_owner
from aiconvokit.db import Sessions, Transaction
from aiconvokit.errors import AIConvoKitError, BadRequest, Conflict
from aiconvokit.rest.body import ApiRequest, Body
from aiconvokit.rest.fingerprint import fingerprint
from aiconvokit.services import Services

HEADER = "Idempotency-Key"
MAX_KEY = 255
BAD_KEY = f"{HEADER} must be 1 to {MAX_KEY} printable ASCII characters."
REPLAYED = {"Idempotent-Replayed": "true"}
"""The header of every answer that was given before."""
SLACK_SECONDS = 60
"""What a request takes beside the chat model, generously: a key older than both lost its process.

Too short does no harm: the slower of two attempts cannot keep its answer, nor what it did."""

logger = logging.getLogger(__name__)


class KeyReused(AIConvoKitError):
    """The key came with another request before."""

    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(f"This {HEADER} was used for another request.")


class KeyInUse(Conflict):
    """The first request with the key is still in work."""

    code = "idempotency_key_in_use"
    retry_after: float | None = 1.0

    def __init__(self) -> None:
        super().__init__(f"The first request with this {HEADER} is still being answered.")


@dataclass(frozen=True, slots=True)
class Stored:
    """The first answer: its status, and its body in JSON."""

    status: int
    body: bytes

    def response(self) -> Response[Any]:
        """The same answer again."""
        return _json(self.body, self.status, REPLAYED)


@dataclass(slots=True)
class Attempt:
    """One try at a request: the block does the work, unless `stored` is its answer already."""

    _sessions: Sessions
    stored: Stored | None = None
    _held: Held | None = None
    _kept: bool = field(default=False, init=False)

    @property
    def has_key(self) -> bool:
        """Whether the answer is to be kept at all."""
        return self._held is not None

    async def keep(
        self,
        transaction: Transaction,
        content: Struct | list[Any],
        *,
        assistant_id: int | None,
        status: int = 201,
    ) -> Response[Any]:
        """Make the answer, and keep it in the transaction of what it tells of.

        Args:
            transaction: that one.
            content: the answer.
            assistant_id: whose deletion ends the keeping; None: nobody's.
            status: the answer's.

        Raises:
            KeyInUse: this took so long that another try began; the transaction must not commit.
        """
        body = encode_json(content)
        if self._held is not None:
            if not await store.keep(transaction, self._held, status, body, assistant_id):
                raise KeyInUse
            self._kept = True
        return _json(body, status, {})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Kept, and then an error: whether the transaction was committed, only the row knows.
        if self._held is not None and (kind is not None or not self._kept):
            await asyncio.shield(_release(self._sessions, self._held))


@dataclass(frozen=True, slots=True)
class Once:
    """What a request says about being sent again."""

    _request: ApiRequest
    _services: Services
    _user_id: int
    _key: str | None

    async def take(self, body: Body) -> Attempt:
        """Begin a try; what follows must be its block.

        Args:
            body: what came in. It has been checked: what it got wrong is not kept.

        Raises:
            BadRequest: it is no key.
            KeyInUse: the first request is not answered yet.
            KeyReused: the first request was another one.
        """
        sessions = self._services.sessions
        if self._key is None:
            return Attempt(sessions)
        if not (1 <= len(self._key) <= MAX_KEY and self._key.isascii() and self._key.isprintable()):
            raise BadRequest(BAD_KEY)
        told = await fingerprint(self._request, body)
        deadline = self._services.settings.limits.chat_deadline_seconds
        longest = timedelta(seconds=deadline + SLACK_SECONDS)
        held = None
        try:
            async with sessions.begin() as session:
                held = await store.take(session, self._user_id, self._key, told, longest)
                if held is None:
                    found = await store.find(session, self._user_id, self._key)
                    return Attempt(sessions, _answered(found, told))
                async with as_owner(session):
                    await store.sweep(session)
        except BaseException:  # cancelled while it was committed, perhaps
            if held is not None:
                await asyncio.shield(_release(sessions, held))
            raise
        return Attempt(sessions, _held=held)


def provide_once(
    request: ApiRequest,
    services: Services,
    user_id: int,
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            name=HEADER,
            description="A request sent again with its key is answered again, and not done again.",
            schema_extra={"minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"},
        ),
    ] = None,
) -> Once:
    """The dependency `once`: a handler that has it takes the header."""
    return Once(request, services, user_id, idempotency_key)


def _answered(found: Idempotency | None, told: bytes) -> Stored:
    if found is not None and found.fingerprint != told:
        raise KeyReused
    if found is None or found.status is None or found.body is None:
        raise KeyInUse
    return Stored(found.status, found.body)


async def _release(sessions: Sessions, held: Held) -> None:
    try:
        async with sessions.begin() as session:
            await store.release(session, held)
    except (SQLAlchemyError, TimeoutError) as error:  # it is taken over when its time is up
        logger.warning("An idempotency key could not be let go: %s", type(error).__name__)


def _json(body: bytes, status: int, headers: dict[str, str]) -> Response[Any]:
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers)
