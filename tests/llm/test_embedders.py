"""Which embedder belongs to which space, whatever is configured now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from aiconvokit.config import Settings
from aiconvokit.db import create_engine, create_sessions
from aiconvokit.llm.embedders import OneEmbedder, SettingsEmbedders
from aiconvokit.llm.local_embedder import LOCAL_MODEL, LocalEmbedder
from aiconvokit.llm.remember import Keeper, host_and_port
from fake_model.server import FakeModel, running_fake_model
from ingestion.errors import EmbeddingFailed


@asynccontextmanager
async def opened(database_url: str, settings: Settings) -> AsyncIterator[SettingsEmbedders]:
    engine = create_engine(database_url, pool_size=1)
    sessions = create_sessions(engine)
    keeper = Keeper(sessions)
    embedders = await SettingsEmbedders.open(settings, sessions, keeper)
    try:
        yield embedders
    finally:
        await embedders.close()
        await keeper.close()
        await engine.dispose()


async def test_models_of_the_configured_servers(database_url: str, fake: FakeModel) -> None:
    with running_fake_model(dimensions=8) as other:
        settings = Settings(
            openai_base_url=fake.base_url,
            openai_api_key=SecretStr("sk-chat"),
            embedding_base_url=other.base_url,
            embedding_api_key=SecretStr("sk-embedding"),
            embedding_model="new",
        )
        async with opened(database_url, settings) as embedders:
            there, here = host_and_port(other.base_url), host_and_port(fake.base_url)
            assert await embedders.of(there, "new") is embedders.configured
            former, elsewhere = await embedders.of(there, "old"), await embedders.of(here, "old")
            assert await embedders.of(there, "old") is former
            assert (await former.embed_queries(["a"])).shape == (1, 8)
            assert (await elsewhere.embed_queries(["a"])).shape == (1, 256)
            # Each server is told its own key.
            assert [one.headers["authorization"] for one in other.requests()] == [
                "Bearer sk-embedding"
            ]
            assert [one.headers["authorization"] for one in fake.requests()] == ["Bearer sk-chat"]
            assert isinstance(await embedders.of("local", LOCAL_MODEL), LocalEmbedder)
            for provider, model in (("local", "other"), ("127.0.0.1:9", "old")):
                with pytest.raises(EmbeddingFailed, match="reindex --to new") as refused:
                    await embedders.of(provider, model)
                assert refused.value.code == "embedding_model_changed"
                assert model in refused.value.detail


async def test_the_local_one_is_configured_where_no_model_is_named(
    database_url: str, fake: FakeModel
) -> None:
    async with opened(database_url, Settings(openai_base_url=fake.base_url)) as embedders:
        assert await embedders.of("local", LOCAL_MODEL) is embedders.configured
        former = await embedders.of(host_and_port(fake.base_url), "fake")
        assert (await former.embed_passages(["a"])).shape == (1, 256)


async def test_one_that_is_the_only_one() -> None:
    local = LocalEmbedder()
    only = OneEmbedder(local)
    assert await only.of("local", LOCAL_MODEL) is only.configured is local
    with pytest.raises(EmbeddingFailed):
        await only.of("local", "another")
