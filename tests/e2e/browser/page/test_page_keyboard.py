"""No mouse: from the login to an answer and its proof, and through what is changed."""

import re

from playwright.sync_api import Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION, SUPPORTED
from e2e.browser.page.driving import answered, ask
from fake_model.server import FakeModel
from support.server import PASSWORD, Client, Server

MOST_TABS = 40
NAME = """() => {
  const { activeElement: one } = document;
  return one.getAttribute("aria-label") ?? one.textContent.trim();
}"""


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


def test_through_the_proof_by_keys_alone(open_page: Open, assistant: int, model: FakeModel) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    keys = page.keyboard
    ask(page, QUESTION)
    mark = answered(page).locator(".mark").first
    mark.focus()
    keys.press("Enter")
    panel = page.get_by_role("complementary", name="report.pdf")
    expect(panel.locator(".box")).to_have_count(1)
    tab_to(page, "Next page")
    keys.press("Enter")
    expect(panel.get_by_role("img", name="Page 3 of report.pdf")).to_be_visible()
    expect(panel.get_by_role("button", name="Next page")).to_be_disabled()
    tab_to(page, "Previous page", "Shift+Tab")
    keys.press("Enter")
    expect(panel.locator(".box")).to_have_count(1)
    tab_to(page, "Bigger")
    keys.press("Space")
    expect(panel.locator(".sheet")).to_have_attribute("style", re.compile("150%"))
    tab_to(page, "Page 2 of report.pdf")
    tab_to(page, "As text", "Shift+Tab")
    keys.press("Enter")
    expect(panel.locator("mark")).to_have_text(SUPPORTED)
    tab_to(page, "Text of page 2")
    keys.press("Escape")
    expect(panel).to_be_hidden()
    expect(mark).to_be_focused()


def test_the_focus_stays_where_a_chat_was_renamed_or_deleted(
    open_page: Open, ann: Client, model: FakeModel
) -> None:
    mine = ann.assistant(name="Focus")["id"]
    for question in ("Third?", "Second?", "First?"):
        ann.ask(ann.chat(mine), mine, question)
    page = open_page(f"/assistants/{mine}/chat")
    chats = page.get_by_role("navigation", name="Chats")
    choose(page, "First?", "Rename")
    page.keyboard.press("Control+A")
    page.keyboard.type("Renamed")
    page.keyboard.press("Enter")
    expect(chats.get_by_role("link", name="Renamed")).to_be_focused()

    for gone, next_one in (("Second?", "Third?"), ("Third?", "Renamed"), ("Renamed", "New chat")):
        choose(page, gone, "Delete")
        page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
        expect(chats.get_by_role("link", name=gone)).to_have_count(0)
        expect(chats.get_by_role("link", name=next_one)).to_be_focused()


def choose(page: Page, title: str, entry: str) -> None:
    """Open the menu of a chat, and choose something from it."""
    page.get_by_role("button", name=f"More for “{title}”").press("Enter")
    page.get_by_role("menuitem", name=entry).press("Enter")


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press a key until what has the focus is called so."""
    for _ in range(MOST_TABS):
        page.keyboard.press(key)
        if page.evaluate(NAME) == name:
            return
    raise AssertionError(f"no way to {name!r} by keys")
