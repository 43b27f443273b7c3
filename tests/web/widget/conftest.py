"""A server with a chat model, and an owner with a document."""

import pytest

from support.server import Client
from web.widget.visitors import TEXT


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    """Ann's assistant, which knows a contract."""
    return int(ann.assistant(contract_md=TEXT)["id"])
