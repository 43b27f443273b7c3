"""No mouse: from the login to an answer and its proof."""

from playwright.sync_api import Page, expect

from e2e.browser.page.documents import QUESTION
from fake_model.server import FakeModel
from support.server import PASSWORD, Client, Server

MOST_TABS = 40


def test_from_the_login_to_the_proof_by_keys_alone(
    stranger: Page, server: Server, ann: Client, assistant: int, model: FakeModel
) -> None:
    page = stranger
    keys = page.keyboard
    page.goto(server.base_url)
    expect(page.get_by_label("User name")).to_be_focused()
    tab_to(page, "Log in")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    keys.type("ann")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")

    expect(page.get_by_role("heading", name="Assistants")).to_be_visible()
    tab_to(page, "Reports")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
    keys.type(QUESTION)
    keys.press("Enter")
    expect(page.locator(".answer-actions")).to_be_visible()
    for _ in range(MOST_TABS):
        keys.press("Shift+Tab")
        if page.evaluate("() => document.activeElement.matches('.mark')"):
            break
    keys.press("Enter")
    panel = page.get_by_role("complementary", name="report.pdf")
    expect(panel.locator(".box")).to_have_count(1)
    expect(panel.get_by_role("heading", name="report.pdf")).to_be_focused()
    keys.press("Escape")
    assert page.evaluate("() => document.activeElement.matches('.mark')")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"no way to {name!r} by keys")
