from collections.abc import Iterator

import pytest

from aiconvokit.llm import client
from fake_model.server import FakeModel, running_fake_model


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeModel]:
    with running_fake_model() as fake:
        yield fake


@pytest.fixture
def fake(fake_server: FakeModel) -> FakeModel:
    fake_server.reset()
    return fake_server


@pytest.fixture(autouse=True)
def _retry_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRY_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(client, "UNSAID_WAIT_SECONDS", 0.01)
