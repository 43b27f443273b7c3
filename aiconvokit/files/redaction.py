"""Which answers lose their words with a document: those that cite it, and those that repeat it.

A model may say what a document says without a quote that proves it: it gets a number wrong, or it
repeats what it said before. Such an answer cites nothing, or something else, and must not outlive
the document either. Two signs tell: its unproven sentences have a run of the document's words, or
they come behind an answer that is redacted, which the model was sent.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files import redaction_queries as statements
from aiconvokit.files.redaction_queries import Told

RUN = 5
"""Words in a row that two texts do not share by chance."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
"""Where words are not divided by spaces, each character is one."""


async def redact_answers(session: AsyncSession, document_id: int) -> int:
    """Take the words of answers that have some of a document's, whosever, and of their receipts.

    The document must be locked, and its pages must be there still.

    Returns:
        the number of the answers.
    """
    cited = await statements.citing(session, document_id)
    told = [
        one
        for one in await statements.told_of(session, document_id, cited)
        if not one.cites or any(not claim["supported"] for claim in one.claims)
    ]
    ids = [*cited]
    if told:
        ids += await _repeating(session, document_id, told)
        ids += await _behind(session, [one for one in told if one.id not in ids], ids)
    if ids:
        await statements.redact(session, ids)
    await statements.redact_receipts(session, document_id)
    return len(ids)


async def _behind(
    session: AsyncSession, told: Sequence[Told], redacted: Sequence[int]
) -> list[int]:
    """Those that the model wrote with a redacted answer before it."""
    first = await statements.first_in_threads(session, redacted)
    return [one.id for one in told if one.thread_id in first and one.id > first[one.thread_id]]


async def _repeating(session: AsyncSession, document_id: int, told: Sequence[Told]) -> list[int]:
    """Those whose unproven sentences have a run of the document's words."""
    sought: dict[str, set[int]] = {}
    for one in told:
        for run in runs(unproven(one)):
            sought.setdefault(run, set()).add(one.id)
    if not sought:
        return []
    found: set[int] = set()
    async for texts in statements.texts_of(session, document_id):
        found |= await asyncio.to_thread(_in_texts, sought, texts)
    return sorted(found)


def _in_texts(sought: dict[str, set[int]], texts: Sequence[str]) -> set[int]:
    return {one for text in texts for run in runs(text) for one in sought.get(run, ())}


def unproven(told: Told) -> str:
    """The sentences of an answer that no quote proves."""
    if not told.claims:
        return told.content
    claims = (claim for claim in told.claims if not claim["supported"])
    return " ".join(told.content[claim["start"] : claim["end"]] for claim in claims)


def runs(text: str) -> Iterator[str]:
    """Every `RUN` words in a row."""
    words = [found[0] for found in _WORD.finditer(text.casefold())]
    for at in range(len(words) - RUN + 1):
        yield " ".join(words[at : at + RUN])
