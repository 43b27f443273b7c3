"""The page in German, by the browser's language and by choice."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION
from fake_model.server import FakeModel
from support.server import Server

THROTTLED = "Request was throttled. Expected available in"
RAW = "Validation failed for GET http://127.0.0.1/api/v1/widgets/"


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


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (413, {"detail": "A file is larger than 52428800 bytes."}, "ist größer als 50 MiB."),
        (429, {"detail": f"{THROTTLED} 30 seconds."}, "In 30 Sekunden geht es weiter."),
        (404, {"detail": "No Document matches the given query."}, "Dieses Dokument gibt es nicht."),
        (404, {"detail": "No Zebra matches the given query."}, "Das gibt es hier nicht."),
        (400, {"detail": RAW}, "Der Server konnte diese Anfrage nicht lesen."),
        (502, {}, "ist nicht erreichbar"),
        (418, {"detail": RAW}, "geantwortet (418)"),
        (400, {"name": ["Ensure this field has no more than 7 characters."]}, "Höchstens 7 Zeich"),
        (409, {"detail": "A new sentence.", "code": "own"}, "A new sentence."),
    ],
)
def test_what_the_server_says_is_said_in_german(
    status: int, body: object, said: str, open_page: Open
) -> None:
    page = open_page("/settings/account", locale="de-DE")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    page.route(
        "**/api/v1/widgets/?limit=500", lambda route: route.fulfill(status=status, json=body)
    )
    page.get_by_role("link", name="Widgets").click()
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text(said)
    expect(trouble).not_to_contain_text(RAW)


def test_what_is_not_there_is_said_in_german(open_page: Open) -> None:
    page = open_page("/assistants/999999/chat", locale="de-DE")
    expect(page.get_by_role("alert")).to_contain_text("Diesen Assistenten gibt es nicht.")
    page.get_by_role("link", name="Alle Assistenten").click()
    expect(page.get_by_role("heading", name="Assistenten")).to_be_visible()
