import pytest
from sqlalchemy import text

from aiconvokit.db import Sessions, Wall, create_engine, create_sessions
from aiconvokit.llm.chat_model import ChatMessage, OpenAIChatModel
from aiconvokit.llm.remember import Keeper, address_of, recall, store
from aiconvokit.llm.traits import Traits
from fake_model.server import FakeModel

URL = "https://ann:secret@models.example.com/openai/v1/?key=secret"


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (URL, "models.example.com:443/openai/v1"),
        ("http://Models.local:8080/v1/", "models.local:8080/v1"),
        ("http://[::1]", "::1:80"),
    ],
)
def test_an_address_has_no_credentials(base_url: str, address: str) -> None:
    assert address_of(base_url) == address


async def test_traits_are_kept_for_the_next_process(database_url: str, fake: FakeModel) -> None:
    engine = create_engine(database_url, pool_size=2, wall=Wall(shares=False))
    sessions = create_sessions(engine)
    name = "fake:no_max_tokens"
    assert await recall(sessions, "chat", fake.base_url, name) == Traits()
    keeper = Keeper(sessions)
    model = OpenAIChatModel(
        fake.base_url, None, name, on_learnt=keeper.of("chat", fake.base_url, name)
    )
    async for _ in model.stream([ChatMessage("user", "word")], max_tokens=9):
        pass
    await keeper.close()
    await model.close()

    found = await recall(sessions, "chat", fake.base_url, name)
    assert found == model.traits == Traits(refuses=("max_tokens",))
    assert await recall(sessions, "embedding", fake.base_url, name) == Traits()
    await engine.dispose()


async def test_what_is_stored_is_replaced_and_another_versions_is_ignored(
    database_url: str,
) -> None:
    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    for window in (4096, 8192):
        await store(sessions, "chat", URL, "m", Traits(context_window=window))
    assert await recall(sessions, "chat", URL, "m") == Traits(context_window=8192)
    assert await _addresses(sessions) == ["models.example.com:443/openai/v1"]
    async with sessions.begin() as session:
        await session.execute(text("UPDATE endpoint SET traits = '{\"refuses\": 3}'"))
    assert await recall(sessions, "chat", URL, "m") == Traits()
    await engine.dispose()


async def test_a_database_that_is_away_costs_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    keeper = Keeper(create_sessions(engine))
    keeper.of("chat", URL, "m")(Traits(folds_system=True))
    await keeper.close()
    assert "not stored" in caplog.text
    assert "secret" not in caplog.text
    await engine.dispose()


async def _addresses(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list((await session.scalars(text("SELECT address FROM endpoint"))).all())
