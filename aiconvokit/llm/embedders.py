"""The embedder of every space that the settings still lead to.

A collection stays in the space it was embedded in until it is reindexed, whatever the settings say
since: its documents and its questions are embedded by that space's model.
"""

import asyncio

from aiconvokit.config import Settings
from aiconvokit.db import Sessions
from aiconvokit.llm.local_embedder import LOCAL_MODEL, LOCAL_PROVIDER, LocalEmbedder
from aiconvokit.llm.openai_embedder import OpenAIEmbedder
from aiconvokit.llm.remember import Keeper, host_and_port, recall
from ingestion.embed import Embedder
from ingestion.errors import EmbeddingFailed, ModelChanged

CHANGED = ModelChanged.code
"""The code of a model that the settings do not lead to any more."""


def leads_to(settings: Settings, provider: str, model: str) -> bool:
    """Whether there is a server to ask for a model; whether it has it, only the server knows."""
    return provider in _servers(settings) or (provider, model) == (LOCAL_PROVIDER, LOCAL_MODEL)


def _servers(settings: Settings) -> dict[str, tuple[str, str | None]]:
    """Address and key of each configured server, by host and port."""
    # The embedding server last: where both are at one port, its path and key count.
    servers = (
        (settings.openai_base_url, settings.chat_api_key),
        (settings.embedder_base_url, settings.embedder_api_key),
    )
    return {host_and_port(url): (url, key) for url, key in servers}


class SettingsEmbedders:
    """The configured embedder, the local one, and other models on the configured servers.

    Each is opened when it is first asked for, and closed with all of them. Whether a server has the
    model is told by the first request to it.
    """

    def __init__(self, settings: Settings, sessions: Sessions, keeper: Keeper) -> None:
        self._servers = _servers(settings)
        self._sessions = sessions
        self._keeper = keeper
        self._opened: dict[tuple[str, str], Embedder] = {}
        self._opening = asyncio.Lock()
        self._configured: Embedder

    @classmethod
    async def open(
        cls, settings: Settings, sessions: Sessions, keeper: Keeper
    ) -> "SettingsEmbedders":
        """With the configured one, which contacts its server when it is first used."""
        found = cls(settings, sessions, keeper)
        if settings.embedding_model is None:
            found._configured = LocalEmbedder()
        else:
            found._configured = await found._on_server(
                *found._servers[host_and_port(settings.embedder_base_url)],
                settings.embedding_model,
            )
        found._keep(found._configured)
        return found

    @property
    def configured(self) -> Embedder:
        return self._configured

    async def of(self, provider: str, model: str) -> Embedder:
        async with self._opening:
            known = self._opened.get((provider, model))
            if known is not None:
                return known
            if provider in self._servers:
                return self._keep(await self._on_server(*self._servers[provider], model))
            if (provider, model) == (LOCAL_PROVIDER, LOCAL_MODEL):
                return self._keep(LocalEmbedder())
        raise unreachable(provider, model, self._configured.model)

    async def close(self) -> None:
        """Close all that were opened."""
        for embedder in self._opened.values():
            await embedder.close()

    def _keep(self, embedder: Embedder) -> Embedder:
        self._opened[embedder.provider, embedder.model] = embedder
        return embedder

    async def _on_server(self, url: str, api_key: str | None, model: str) -> Embedder:
        return OpenAIEmbedder(
            base_url=url,
            api_key=api_key,
            model=model,
            traits=await recall(self._sessions, "embedding", url, model),
            on_learnt=self._keeper.of("embedding", url, model),
        )


class OneEmbedder:
    """An embedder that is the only one: for measurements, and for whoever brings their own."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def configured(self) -> Embedder:
        return self._embedder

    async def of(self, provider: str, model: str) -> Embedder:
        if (provider, model) != (self._embedder.provider, self._embedder.model):
            raise unreachable(provider, model, self._embedder.model)
        return self._embedder


def unreachable(provider: str, model: str, configured: str) -> EmbeddingFailed:
    """Nothing can be embedded with a model any more: what to do."""
    return EmbeddingFailed(
        f"These documents were embedded with {model} ({provider}), which cannot be reached with "
        "the present settings. Configure that model again, or run: "
        f"aiconvokit reindex --to {configured}",
        code=CHANGED,
    )
