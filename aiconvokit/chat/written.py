"""What the chat model writes, proven while it comes."""

import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from functools import partial

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat import prompt
from aiconvokit.chat.proof import Source
from aiconvokit.chat.turn_state import Turn
from aiconvokit.chat.unfolding import Released, Unfolding
from aiconvokit.llm.chat_model import ChatEvent, ChatMessage, ChatModel, Completed, Restarted
from aiconvokit.llm.errors import InputTooLong
from aiconvokit.llm.functions import texts_of
from aiconvokit.services import Services
from ingestion.embed import Embedder


async def write(
    services: Services, model: ChatModel, turn: Turn, sources: Sequence[Source]
) -> AsyncGenerator[Released | Restarted]:
    """Ask the chat model; a prompt that is too long for it is shortened, once.

    What was said is in `turn.answer`, however it ends.

    Raises:
        UpstreamFailed: the model failed.
    """
    writer = _Writer(services, model, turn, sources)
    try:
        async with aclosing(writer.answer(writer.budget())) as pieces:
            async for piece in pieces:
                yield piece
        return
    except InputTooLong:  # by now the model's window may be known
        budget = writer.budget()
        if budget == writer.used:
            budget = budget.shorter()
    async with aclosing(writer.answer(budget)) as pieces:
        async for piece in pieces:
            yield piece


class _Writer:
    def __init__(
        self, services: Services, model: ChatModel, turn: Turn, sources: Sequence[Source]
    ) -> None:
        self._limits = services.settings.limits
        self._embedder = services.embedder
        self._model = model
        self._turn = turn
        self._sources = sources
        self.used = prompt.Budget(0, 0)
        """That of the last prompt."""

    def budget(self) -> prompt.Budget:
        """What the operator allows, and the model's window where it is known."""
        turn, traits = self._turn, self._model.traits
        budget = prompt.Budget(self._limits.history_tokens, self._limits.passage_tokens)
        windows = [turn.bounds.prompt_tokens]
        if traits.context_window is not None:
            windows.append(int(traits.context_window / (traits.tokens_ratio or 1.0)))
        window = min((one for one in windows if one is not None), default=None)
        if window is None:
            return budget
        fixed = [turn.persona.instructions, turn.question, *texts_of(turn.rounds)]
        if turn.offered is not None:
            fixed.append(turn.offered.text())
        return budget.within(window, "\n".join(fixed))

    async def answer(self, budget: prompt.Budget) -> AsyncGenerator[Released | Restarted]:
        """Ask with a prompt of that size."""
        self.used = budget
        trace, answer = self._turn.trace, self._turn.answer
        trace.sent = prompt.fitting_sources(self._sources, budget.passages)
        trace.messages = self._messages(budget)
        trace.asked = self._model.name
        unfolding = self._unfolding()
        begun = time.perf_counter()
        try:
            async with aclosing(self._stream()) as events:
                async for event in events:
                    if "first_token" not in trace.milliseconds:
                        trace.add("first_token", begun)
                        answer.model = self._model.name
                    if isinstance(event, Completed):
                        answer.model, answer.usage = event.model, event.usage
                        answer.finish_reason, answer.calls = event.finish_reason, event.calls
                    elif isinstance(event, Restarted):
                        unfolding = self._unfolding()
                        yield event
                    else:
                        yield await self._proven(unfolding.feed(event.text))
            yield await self._proven(unfolding.finish())
        finally:
            trace.add("model", begun)
            answer.proven = unfolding.so_far()

    def _stream(self) -> AsyncGenerator[ChatEvent]:
        bounds = self._turn.bounds
        return self._model.stream(
            self._turn.trace.messages,
            max_tokens=bounds.answer_tokens,
            offered=self._turn.offered,
        )

    def _messages(self, budget: prompt.Budget) -> Sequence[ChatMessage]:
        turn = self._turn
        has_documents = any(one.chunk_count for one in turn.collections)
        messages = prompt.build(
            instructions=turn.persona.instructions,
            company_name=turn.persona.company_name,
            history=prompt.fitting_history(turn.history, budget.history),
            question=turn.question,
            sources=turn.trace.sent,
            has_documents=has_documents,
        )
        if turn.offered is not None and has_documents:
            messages = prompt.with_functions(messages)
        return messages + [said for one in turn.rounds for said in prompt.round_messages(one)]

    def _unfolding(self) -> Unfolding:
        turn, embedder = self._turn, self._embedder
        return Unfolding(
            turn.trace.sent,
            turn.question,
            model=embedder.model,
            compare=partial(_cosines, embedder),
        )

    async def _proven(self, work: Awaitable[Released]) -> Released:
        begun = time.perf_counter()
        try:
            return await work
        finally:
            self._turn.trace.add("attribution", begun)


async def _cosines(
    embedder: Embedder, claims: Sequence[str], quotes: Sequence[str]
) -> NDArray[np.float32]:
    """Of every claim (rows) with every quote (columns)."""
    said = await embedder.embed_queries(claims)
    written = await embedder.embed_passages(quotes)
    cosines: NDArray[np.float32] = said @ written.T
    return cosines
