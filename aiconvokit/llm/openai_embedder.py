"""Embeddings from any OpenAI-compatible server."""

import asyncio
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np

from aiconvokit.llm.client import EMBEDDER, open_client, wait_to_retry
from aiconvokit.llm.errors import BadEmbeddings, InputTooLong, ModelError
from aiconvokit.llm.learning import taken
from aiconvokit.llm.remember import host_and_port
from aiconvokit.llm.text import scrub, token_counts, windows
from aiconvokit.llm.traits import Memory, Traits
from aiconvokit.llm.vectors import pooled, unit_rows
from aiconvokit.llm.wire import EmbeddingRow, read_embeddings
from aiconvokit.telemetry import models as told
from ingestion.embed import batches
from ingestion.types import Vectors

DEADLINE_SECONDS = 120.0
"""For one request with its second try."""
MAX_ITEMS = 256
MAX_TOKENS = 8_000
"""Servers take requests of that size as a whole, and a failed one is soon said again."""
IN_FLIGHT = 2
"""One computes while the next is on its way; more only queue up in the server."""
MAX_HALVINGS = 6
"""A text that is still too long as 64 windows has another fault."""

BYTES_A_CHARACTER = 4
"""At most, in UTF-8; and no token is shorter than a byte."""
LEAST_BYTES_A_TOKEN = 2
"""Of whole texts; tables of figures come near to it."""
LIMIT_STEP = 0.9
"""A text that is refused tells that the limit is lower, not where: it is approached from above."""


class OpenAIEmbedder:
    """A model behind `/embeddings`.

    The passages of a call go out in batches, two at a time. A batch that the server
    finds too large is sent again in halves. A single text that it finds too large is embedded as
    two halves (and they again), whose vectors are averaged by length. Limits that were met are
    remembered, so that the next text is cut and the next batch is small before it is sent.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        deadline_s: float = DEADLINE_SECONDS,
        traits: Traits | None = None,
        on_learnt: Callable[[Traits], None] | None = None,
    ) -> None:
        self._client = open_client(base_url, api_key)
        self._api_key = api_key
        self._model = model
        self._deadline_s = deadline_s
        self._provider = host_and_port(base_url)
        self._memory = Memory(traits or Traits(), on_learnt)
        self._longest_taken = 0

    @property
    def provider(self) -> str:
        return self._provider

    @property
    def model(self) -> str:
        return self._model

    @property
    def traits(self) -> Traits:
        """What is known of its server now."""
        return self._memory.traits

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed_all(texts)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed_all(texts)

    async def close(self) -> None:
        await self._client.close()

    async def _embed_all(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        clean = [scrub(text) for text in texts]
        if self._fits(clean):
            return await self._embed_batch(clean)
        pieces, owners, sizes = self._cut(clean, await token_counts(clean))
        cut = batches(sizes, max_items=self._most_items(), max_size=MAX_TOKENS)
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def embed_one(batch: range) -> Vectors:
            async with slots:
                return await self._embed_batch(pieces[batch.start : batch.stop])

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed_one(batch)) for batch in cut]
        except* ModelError as failures:
            first = failures
        else:
            vectors = _stacked([task.result() for task in tasks])
            return pooled(vectors, owners, [len(piece) or 1 for piece in pieces])
        raise _only(first)

    def _most_items(self) -> int:
        return min(self.traits.batch_items or MAX_ITEMS, MAX_ITEMS)

    def _fits(self, texts: list[str]) -> bool:
        """Whether one request takes them all, told without counting their tokens.

        That none is too long is sure; that all together are not too many is likely, and a server
        that disagrees gets two halves.
        """
        longest = self.traits.input_tokens
        sizes = [len(text) for text in texts]
        if longest is not None and BYTES_A_CHARACTER * max(sizes) > longest:
            return False
        fewest = LEAST_BYTES_A_TOKEN * MAX_TOKENS
        if sum(sizes) > fewest or len(texts) > self._most_items():
            return False
        return sum(len(text.encode()) for text in texts) <= fewest

    def _cut(self, texts: list[str], sizes: list[int]) -> tuple[list[str], list[int], list[int]]:
        """Cut texts that are known to be too long; pieces, whose each is, and their sizes."""
        most = self.traits.input_tokens
        pieces: list[str] = []
        owners: list[int] = []
        cut_sizes: list[int] = []
        for owner, (text, size) in enumerate(zip(texts, sizes, strict=True)):
            cut = windows(text, ceil(size / most)) if most and size > most else [text]
            pieces += cut
            owners += [owner] * len(cut)
            cut_sizes += [size // len(cut)] * len(cut)
        return pieces, owners, cut_sizes

    async def _embed_batch(self, texts: list[str], halvings: int = 0) -> Vectors:
        try:
            with told.embedding(self._model, len(texts)):
                return unit_rows(_in_order(await self._post(texts)), count=len(texts))
        except InputTooLong as error:
            if len(texts) == 1 and halvings == MAX_HALVINGS:
                raise
            if len(texts) > 1 and error.too_many:
                return await self._embed_fewer(texts, error.most_items)
        if len(texts) > 1:
            middle = len(texts) // 2
            halves = (texts[:middle], texts[middle:])
            return _stacked([await self._embed_batch(half) for half in halves])
        return await self._embed_halves(texts[0], halvings)

    async def _embed_fewer(self, texts: list[str], most: int | None) -> Vectors:
        """Smaller batches, from now on."""
        most = most if most is not None and most < len(texts) else len(texts) // 2
        self._memory.learn(batch_items=min(most, self._most_items()))
        parts = [texts[start : start + most] for start in range(0, len(texts), most)]
        return _stacked([await self._embed_batch(part) for part in parts])

    async def _embed_halves(self, text: str, halvings: int) -> Vectors:
        halves = windows(text, 2)
        vectors = [await self._embed_batch([half], halvings + 1) for half in halves]
        if len(halves) > 1:  # they were taken, so it was the length
            await self._learn_length(text, max(halves, key=len))
        return pooled(_stacked(vectors), [0] * len(halves), [len(half) for half in halves])

    async def _learn_length(self, refused: str, taken: str) -> None:
        """Lower the limit below a text that was refused, not below one that was taken."""
        refused_size, taken_size = await token_counts([refused, taken])
        self._longest_taken = max(self._longest_taken, taken_size)
        most = max(int(LIMIT_STEP * refused_size), self._longest_taken)
        known = self.traits.input_tokens
        if most < refused_size and (known is None or most < known):
            self._memory.learn(input_tokens=most)

    async def _post(self, texts: list[str]) -> list[EmbeddingRow]:
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        tried = 0
        while True:
            try:
                with EMBEDDER.translated(self._api_key):
                    async with asyncio.timeout_at(deadline):
                        return await self._post_once(texts)
            except ModelError as error:
                tried += 1
                if not await wait_to_retry(error, tried=tried, deadline=deadline):
                    raise

    async def _post_once(self, texts: list[str]) -> list[EmbeddingRow]:
        """What the server refuses is left out, at once and from then on."""
        answer = await taken(
            self._memory,
            lambda traits: self._request(texts, traits),
            lambda asked: self._client.send("/embeddings", asked),
        )
        return read_embeddings(answer.content)

    def _request(self, texts: list[str], traits: Traits) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self._model, "input": texts}
        if "encoding_format" not in traits.refuses:
            asked["encoding_format"] = "float"
        return asked


def _in_order(rows: list[EmbeddingRow]) -> list[list[float]]:
    """Sort by `index`; a row without one keeps its place."""
    placed = {
        place if row.index is None else row.index: row.embedding for place, row in enumerate(rows)
    }
    if sorted(placed) != list(range(len(rows))):
        raise BadEmbeddings("The embedder gave vectors whose indices are not those of the texts.")
    return [placed[index] for index in range(len(rows))]


def _stacked(parts: list[Vectors]) -> Vectors:
    dimensions = sorted({part.shape[1] for part in parts})
    if len(dimensions) > 1:
        raise BadEmbeddings(f"The embedder gave vectors of unequal dimensions: {dimensions}.")
    return np.concatenate(parts)


def _only(failures: BaseExceptionGroup[ModelError]) -> ModelError:
    """The first of the failures: batches are alike, one sentence is enough."""
    first = failures.exceptions[0]
    return _only(first) if isinstance(first, BaseExceptionGroup) else first
