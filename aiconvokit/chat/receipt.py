"""How an answer came about: noted while its turn goes on, kept with it as a receipt.

A receipt holds the words of documents in three places: what the models were sent, the rewritten
question, and the names and headings of passages. Its size is bounded by the prompt (instructions,
question, and the budgets of history and passages) and by the number of passages.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from aiconvokit.chat.prompt import Said
from aiconvokit.chat.proof import Source
from aiconvokit.chat.schemas import FoundOut, ParametersOut, ReceiptOut, SentOut, SpaceOut
from aiconvokit.config import Limits
from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.retrieval.types import Passage, Space


@dataclass(slots=True)
class Trace:
    """What a turn did so far; of one that fails as much as there is.

    `sent` are those of the passages `found` that fitted into the budget.
    """

    rewritten: str | None = None
    space: Space | None = None
    found: Sequence[Passage] = ()
    sent: Sequence[Source] = ()
    asked: str | None = None
    """The chat model's configured name, once it is asked."""
    messages: Sequence[ChatMessage] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    """By part: rewrite, embed, search (with the embedding), first_token, model, attribution,
    extract."""
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By part, when it first began and last ended; as `begun`, by `time.perf_counter`."""
    begun: float = field(default_factory=time.perf_counter)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Note how long the block takes, also when it fails."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.milliseconds[part] = _since(begun)
            self.spans[part] = begun, time.perf_counter()

    def add(self, part: str, begun: float) -> None:
        """Add the time since `begun` to a part that comes in pieces."""
        self.milliseconds[part] = round(self.milliseconds.get(part, 0.0) + _since(begun), 1)
        self.spans[part] = self.spans.get(part, (begun,))[0], time.perf_counter()

    def times(self) -> dict[str, float]:
        """By part, with the whole until now."""
        return {**self.milliseconds, "total": _since(self.begun)}


def draw(
    trace: Trace, message_id: str, limits: Limits, model: str | None, usage: dict[str, int] | None
) -> ReceiptOut:
    """The receipt of a turn that ends now; `model` wrote the answer (None: there is none)."""
    space = trace.space
    sent = {source.passage.chunk_id for source in trace.sent}
    return ReceiptOut(
        message_id=message_id,
        redacted=False,
        rewritten=trace.rewritten,
        space=SpaceOut(space.provider, space.model, space.dim) if space else None,
        passages=[
            _found(rank, passage, is_sent=passage.chunk_id in sent)
            for rank, passage in enumerate(trace.found, start=1)
        ],
        messages=[SentOut(one.role, _words(one)) for one in trace.messages],
        model=model,
        parameters=ParametersOut(
            model=trace.asked,
            chat_deadline_seconds=limits.chat_deadline_seconds,
            prompt_passages=limits.prompt_passages,
            passage_tokens=limits.passage_tokens,
            history_tokens=limits.history_tokens,
        ),
        usage=usage,
        milliseconds=trace.times(),
    )


def without_words_of(receipt: ReceiptOut, document_ids: Collection[int]) -> ReceiptOut:
    """A receipt that holds no words of some documents, as `redact_receipts` leaves it."""
    passages = [
        replace(one, filename=None, heading=None, sha256=None)
        if one.document_id in document_ids
        else one
        for one in receipt.passages
    ]
    return replace(receipt, redacted=True, rewritten=None, messages=[], passages=passages)


def documents_in(trace: Trace, history: Sequence[Said]) -> set[int]:
    """Ids of the documents whose words a receipt may hold: found now, or cited in what was sent."""
    found = {passage.document_id for passage in trace.found}
    if not trace.messages and trace.rewritten is None:
        return found
    return found.union(*(said.cited for said in history))


def _words(message: ChatMessage) -> str:
    """What a message says, with the calls of functions that it holds."""
    calls = (f"{one.name}({one.arguments})" for one in message.calls)
    return "\n".join(filter(None, (message.content, *calls)))


def _found(rank: int, passage: Passage, *, is_sent: bool) -> FoundOut:
    return FoundOut(
        rank=rank,
        document_id=passage.document_id,
        version=passage.version,
        filename=passage.filename,
        page=passage.page,
        start=passage.start,
        end=passage.end,
        heading=passage.heading,
        sha256=hashlib.sha256(passage.text.encode()).hexdigest(),
        score=passage.score,
        dense=passage.dense,
        lexical=passage.lexical,
        sent=is_sent,
    )


def _since(begun: float) -> float:
    """Milliseconds; the clock knows more digits, but no two turns agree in them."""
    return round((time.perf_counter() - begun) * 1000, 1)
