"""Embeddings from any OpenAI-compatible server."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
import numpy as np

from aiconvokit.llm.client import EMBEDDER, open_client, wait_to_retry
from aiconvokit.llm.errors import BadEmbeddings, ModelError
from aiconvokit.llm.text import scrub, token_counts, windows
from aiconvokit.llm.vectors import pooled, unit_rows
from aiconvokit.llm.wire import EmbeddingAnswer, EmbeddingRow
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

_DEFAULT_PORTS = {"http": 80, "https": 443}


class OpenAIEmbedder:
    """A model behind `/embeddings`.

    Passages go out in batches, two at a time; queries do not wait for them. A batch that the server
    finds too large is sent again in halves. A single text that it finds too large is embedded as
    two halves (and they again), whose vectors are averaged by length.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        deadline_s: float = DEADLINE_SECONDS,
    ) -> None:
        self._client = open_client(base_url, api_key)
        self._api_key = api_key
        self._model = model
        self._deadline_s = deadline_s
        self._provider = _host_and_port(base_url)
        self._passage_slots = asyncio.Semaphore(IN_FLIGHT)

    @property
    def provider(self) -> str:
        return self._provider

    @property
    def model(self) -> str:
        return self._model

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed_all(texts, self._passage_slots)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed_all(texts, asyncio.Semaphore(IN_FLIGHT))

    async def close(self) -> None:
        await self._client.close()

    async def _embed_all(self, texts: Sequence[str], slots: asyncio.Semaphore) -> Vectors:
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        clean = [scrub(text) for text in texts]
        cut = batches(await token_counts(clean), max_items=MAX_ITEMS, max_size=MAX_TOKENS)

        async def embed_one(batch: range) -> Vectors:
            async with slots:
                return await self._embed_batch(clean[batch.start : batch.stop])

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed_one(batch)) for batch in cut]
        except* ModelError as failures:
            first = failures
        else:
            return _stacked([task.result() for task in tasks])
        raise _only(first)

    async def _embed_batch(self, texts: list[str], halvings: int = 0) -> Vectors:
        try:
            return unit_rows(_in_order(await self._post(texts)), count=len(texts))
        except ModelError as error:
            if error.code != "input_too_long":
                raise
            if len(texts) == 1 and halvings == MAX_HALVINGS:
                raise
        if len(texts) == 1:
            halves = windows(texts[0], 2)
            vectors = [await self._embed_batch([half], halvings + 1) for half in halves]
            return pooled(_stacked(vectors), [0] * len(halves), [len(half) for half in halves])
        middle = len(texts) // 2
        return _stacked(
            [await self._embed_batch(texts[:middle]), await self._embed_batch(texts[middle:])]
        )

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
        """Decoded here and not by the client, which builds models float by float."""
        answer = await self._client.embeddings.with_raw_response.create(
            model=self._model, input=texts, encoding_format="float"
        )
        return msgspec.json.decode(answer.content, type=EmbeddingAnswer).data


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


def _host_and_port(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)}"
