"""A server with a chat model, an owner with an assistant, and a browser of one's own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.browser.chromium import running_chromium
from e2e.browser.page.documents import REPLY, TEXT, report_pdf
from e2e.browser.page.driving import DESKTOP, log_in
from fake_model.server import FakeModel
from support.server import Client, Server

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    """Ann's assistant, which knows a report as PDF."""
    return int(ann.assistant(report_pdf=report_pdf())["id"])


@pytest.fixture(scope="module")
def text_assistant(ann: Client) -> int:
    """Ann's assistant, which knows the report as text: it has no pictures."""
    return int(ann.assistant(name="Notes", report_md=TEXT)["id"])


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
def new_context(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers that have been nowhere; no script in any of their tabs may fail."""
    made: list[BrowserContext] = []
    failures: list[str] = []

    def make(**options: object) -> BrowserContext:
        settings = {"viewport": DESKTOP, "locale": "en-US", **options}
        context = chromium.new_context(**settings)  # type: ignore[arg-type] # options by name
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: failures.append(str(error.error)))
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert not failures


@pytest.fixture
def stranger(new_context: Callable[..., BrowserContext]) -> Page:
    """A tab of somebody who is not logged in."""
    return new_context().new_page()


@pytest.fixture
def open_page(new_context: Callable[..., BrowserContext], server: Server, ann: Client) -> Open:
    """Opens a view as Ann; options are those of a browser's context."""

    def show(path: str, **options: object) -> Page:
        context = new_context(**options)
        log_in(context, ann)
        page = context.new_page()
        page.goto(f"{server.base_url}/#{path}")
        return page

    return show
