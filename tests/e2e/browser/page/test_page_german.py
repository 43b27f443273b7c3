"""The page in German, by the browser's language and by choice."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION
from fake_model.server import FakeModel
from support.server import Server


def test_a_german_browser_sees_german(
    new_context: Callable[..., BrowserContext], server: Server
) -> None:
    page = new_context(locale="de-DE").new_page()
    page.goto(server.base_url)
    expect(page.get_by_role("heading", name="Legen Sie Ihr Konto an")).to_be_visible()
    assert page.evaluate("() => document.documentElement.lang") == "de"
    page.get_by_label("Benutzername").fill("a b")
    page.get_by_label("Passwort").fill("kurz")
    page.get_by_role("button", name="Konto anlegen").click()
    expect(
        page.get_by_text("Das Passwort ist zu kurz. Es braucht mindestens 8 Zeichen.")
    ).to_be_visible()
    expect(page.get_by_text("Der Benutzername darf nur Buchstaben")).to_be_visible()


def test_the_language_can_be_chosen(open_page: Open, assistant: int, model: FakeModel) -> None:
    page = open_page("/settings/account")
    page.get_by_label("Language of this page").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    page.get_by_role("link", name="Assistenten").click()
    page.locator(".card-link").first.click()
    page.get_by_role("textbox", name="Ihre Frage").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Antwort kopieren")).to_be_visible()
    expect(page.get_by_text("sind durch nichts in den Dokumenten belegt.")).to_be_visible()
