"""Every view in both colour schemes: nothing that shuts people out, nothing wider than a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import Browser, Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION
from e2e.browser.page.driving import PHONE, is_too_wide
from fake_model.server import FakeModel
from support.server import API, Client, Server

VIEWS = (
    "/assistants",
    "/assistants/new",
    "/assistants/{assistant}/edit",
    "/assistants/{assistant}/chat",
    "/assistants/{assistant}/chat/{chat}",
    "/assistants/{assistant}/search?q=dividend",
    "/settings/account",
    "/settings/tokens",
    "/settings/usage",
    "/settings/widgets",
    "/settings/widgets/new",
    "/settings/widgets/{widget}",
    "/settings/widgets/{widget}/chats",
)


@pytest.fixture(scope="module")
def ids(ann: Client, assistant: int, fake_server: FakeModel) -> dict[str, int]:
    fake_server.script("The board proposes a dividend of 0.85 euro a share [1]. Cats like fish.")
    chat = ann.chat(assistant)
    ann.ask(chat, assistant, QUESTION)
    widget = ann.post(f"{API}/widgets/", json={"assistant_id": assistant, "title": "Ask"}).json()
    return {"assistant": assistant, "chat": chat, "widget": widget["id"]}


def findings(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, without what stands in frames."""
    options = {"iframes": False, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".skeleton")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", VIEWS)
def test_nobody_is_shut_out(path: str, scheme: str, open_page: Open, ids: dict[str, int]) -> None:
    page = open_page(path.format(**ids), color_scheme=scheme, reduced_motion="reduce")
    settled(page)
    assert findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_login_proof_receipt_and_dialogs_shut_nobody_out(
    scheme: str, open_page: Open, ids: dict[str, int], chromium: Browser, server: Server
) -> None:
    page = open_page(
        "/assistants/{assistant}/chat/{chat}".format(**ids),
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page.locator(".mark").first.click()
    expect(page.locator(".box")).to_have_count(1)
    assert findings(page) == []
    page.get_by_role("button", name="As text").click()
    expect(page.locator(".page-text mark")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Look inside").click()
    expect(page.locator(".passage").first).to_be_visible()
    assert findings(page) == []
    page.goto(f"{server.base_url}/#/settings/tokens")
    page.get_by_role("button", name="New token").click()
    assert findings(page) == []
    context = chromium.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # one of the two
    login = context.new_page()
    login.goto(server.base_url)
    settled(login)
    assert findings(login) == []
    context.close()


@pytest.mark.parametrize("path", VIEWS)
def test_a_phone_never_scrolls_to_the_side(path: str, open_page: Open, ids: dict[str, int]) -> None:
    page = open_page(path.format(**ids), viewport=PHONE, has_touch=True, locale="de-DE")
    settled(page)
    assert not is_too_wide(page)  # in the language with the longer words


def test_on_a_phone_the_proof_lies_over_the_chat(open_page: Open, ids: dict[str, int]) -> None:
    page = open_page(
        "/assistants/{assistant}/chat/{chat}".format(**ids), viewport=PHONE, has_touch=True
    )
    page.locator(".mark").first.click()
    expect(page.locator(".box")).to_have_count(1)
    assert not is_too_wide(page)
    expect(page.locator("[inert] textarea")).to_have_count(1)  # what lies under it is out of reach
    page.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Chats").click()
    expect(page.get_by_role("navigation", name="Chats")).to_be_visible()
    assert not is_too_wide(page)
