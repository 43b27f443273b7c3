"""Pages of strangers' PDFs are drawn in a child that can be killed: the parent's side."""

from ingestion.errors import ParserCrashed
from ingestion.parse import wire
from ingestion.parse.children import ask_child, spawned
from ingestion.parse.limits import Limits

MAX_CHARACTERS = 200_000
"""Of a page whose characters are placed: the densest real page has some 20,000."""

_CHILD = spawned("ingestion.parse.picture_child")
_ODD = "The drawing child answered something else."


async def draw_in_child(
    data: bytes, page: int, width: int, limits: Limits, password: str | None = None
) -> bytes:
    """A page of a PDF as a PNG, `width` pixels wide; pages count from 1.

    Cancelling kills the child at once.

    Raises:
        DocumentRejected: the file cannot be opened, or has no such page.
        DocumentTooComplex: a limit was hit: time or memory.
        ParserCrashed: the child ended without an answer.
    """
    request = wire.encode(wire.Draw(page, width, len(data), limits, password))
    answer = await ask_child(_CHILD, request, data, limits)
    if not isinstance(answer, wire.Drawn):
        raise ParserCrashed(_ODD)
    return answer.picture


async def place_in_child(
    data: bytes, page: int, text: str, limits: Limits, password: str | None = None
) -> wire.Placed:
    """Where the characters of a page's stored text stand; raises like `draw_in_child`.

    No places for a text of more than `MAX_CHARACTERS`.
    """
    request = wire.encode(wire.Place(page, text[:MAX_CHARACTERS], len(data), limits, password))
    answer = await ask_child(_CHILD, request, data, limits)
    if not isinstance(answer, wire.Placed):
        raise ParserCrashed(_ODD)
    return answer
