"""Calls of functions as servers send them: in pieces by `index`, whole, or in ways of their own."""

from collections.abc import Sequence

import msgspec

from aiconvokit.ids import public_id
from aiconvokit.llm.client import CHAT_MODEL
from aiconvokit.llm.functions import NO_ARGUMENTS, NONE, FunctionCall, Offered
from aiconvokit.llm.text import scrub
from aiconvokit.llm.wire import CallPiece

MOST_CALLS = 128
"""Of one answer, as OpenAI has it for functions that are offered."""
LONGEST_NAME = 64


class _Call:
    def __init__(self, piece: CallPiece) -> None:
        self.index = piece.index
        self.id = piece.id
        self.name = ""
        self.arguments: list[str] = []


class Calls:
    """The calls of one answer while it comes.

    Attributes:
        length: characters so far.
    """

    def __init__(self, offered: Offered | None) -> None:
        """Take what may be called; where nothing may, what comes is passed over."""
        self.length = 0
        self._offered = None if offered is None or offered.choice == NONE else offered
        self._made: list[_Call] = []

    @property
    def has_begun(self) -> bool:
        """Whether there is any."""
        return bool(self._made)

    def take(self, pieces: Sequence[CallPiece]) -> None:
        """Read what one event says of calls.

        Raises:
            ModelError: there are more than anybody makes.
        """
        if self._offered is None:
            return
        for piece in pieces:
            call = self._of(piece)
            if call is None:
                continue
            call.id = call.id or piece.id
            if piece.function is not None:
                call.name = call.name or scrub(piece.function.name or "")
                arguments = _text(piece.function.arguments)
                call.arguments.append(arguments)
                self.length += len(arguments)

    def whole(self) -> tuple[FunctionCall, ...]:
        """The calls, each with an id of its own.

        Raises:
            ModelError: one of them is of nothing that was offered.
        """
        names = self._offered.names if self._offered else frozenset[str]()
        ids: set[str] = set()
        calls: list[FunctionCall] = []
        for one in self._made:
            if one.name not in names:
                raise CHAT_MODEL.bad_answer("called a function that there is not. Ask again.")
            call_id = scrub(one.id or "")[:LONGEST_NAME]
            if not call_id or call_id in ids:
                call_id = public_id("call")
            ids.add(call_id)
            arguments = scrub("".join(one.arguments))
            calls.append(FunctionCall(call_id, one.name, arguments.strip() or NO_ARGUMENTS))
        return tuple(calls)

    def _of(self, piece: CallPiece) -> _Call | None:
        """The call that a piece is of; None: it is of none."""
        known = self._known(piece)
        if known is not None and not _begins_another(piece, known):
            return known
        if piece.function is None or not piece.function.name:
            return None
        if len(self._made) >= MOST_CALLS:
            raise CHAT_MODEL.bad_answer("calls functions without end. Ask again.")
        self._made.append(_Call(piece))
        return self._made[-1]

    def _known(self, piece: CallPiece) -> _Call | None:
        if piece.index is not None:
            same = (one for one in reversed(self._made) if one.index == piece.index)
            return next(same, None)
        is_new = piece.function is not None and piece.function.name and not piece.id
        return None if is_new or not self._made else self._made[-1]


def _begins_another(piece: CallPiece, known: _Call) -> bool:
    """Some servers give every whole call the index 0; an id tells them apart."""
    has_name = piece.function is not None and bool(piece.function.name)
    return has_name and piece.id is not None and known.id is not None and piece.id != known.id


def _text(arguments: object) -> str:
    """Arguments as text; some servers send the object itself."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
