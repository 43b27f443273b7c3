"""A server with a chat model, an owner with a document, a site of another origin, a browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.browser.chromium import running_chromium
from e2e.browser.widget.hosts import WIDE, Site, running_site
from fake_model.server import FakeModel
from support.server import API, Client

TEXT = b"""# Annual report 2025

## Employees

Northwind employed 1,204 people at the end of 2025, 96 more than a year before.

## Dividend

The board proposes a dividend of 0.85 euro a share.
"""
REPLY = "The board proposes a dividend of **0.85 euro** a share [1]. The cat likes fish a lot."

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

NewWidget = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    """Ann's assistant, which knows a report."""
    return int(ann.assistant(report_md=TEXT)["id"])


@pytest.fixture
def model(fake: FakeModel) -> FakeModel:
    """The model, which answers from the report."""
    fake.script(REPLY)
    return fake


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; see there why it is of one module only."""
    with running_chromium() as launched:
        yield launched


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A visitor's browser, which has been nowhere."""
    made = chromium.new_context(viewport=WIDE, locale="en-US")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. At the end no script of it may have failed."""
    failures: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: failures.append(str(error)))
    yield made
    assert not failures


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The site where the widget may be."""
    with running_site() as found:
        yield found


@pytest.fixture
def new_widget(ann: Client, assistant: int, site: Site) -> NewWidget:
    """Makes widgets of Ann's that the site may show."""

    def make(**fields: object) -> dict[str, Any]:
        new = {"assistant_id": assistant, "origins": [site.origin], "title": "Ask us", **fields}
        answer = ann.post(f"{API}/widgets/", json=new)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return make


@pytest.fixture
def owner_sees(ann: Client) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Reads the newest conversation of a widget, as its owner does."""

    def read(widget: dict[str, Any]) -> dict[str, Any]:
        chats = ann.get(f"{API}/widgets/{widget['id']}/chats/").json()
        found: dict[str, Any] = ann.get(f"{API}/chat/{chats[0]['id']}/").json()
        return found

    return read
