"""What was typed is not lost: when the session ends, between chats, and before it was saved."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION, TEXT
from e2e.browser.page.driving import answered, ask, end_session, log_in_as, log_out, question_box
from fake_model.server import FakeModel
from support.server import API, Client, Server

SECOND = "And how many people work there?"
DRAFT = "Half a question, which"


@pytest.fixture(scope="module")
def nora(server: Server) -> int:
    """Nora's assistant."""
    with server.login("nora") as client:
        return int(client.assistant(report_md=TEXT)["id"])


@pytest.fixture
def noras_page(stranger: Page, server: Server, nora: int) -> Page:
    """A new chat, after Nora has logged in by herself."""
    stranger.goto(f"{server.base_url}/#/assistants/{nora}/chat")
    log_in_as(stranger, "nora")
    expect(question_box(stranger)).to_be_focused()
    expect(stranger.get_by_role("button", name="nora")).to_be_visible()
    return stranger


def test_a_question_outlives_the_session_in_a_new_chat(
    noras_page: Page, server: Server, model: FakeModel
) -> None:
    page = noras_page
    end_session(page, server)
    ask(page, QUESTION)
    expect(page.get_by_role("status").get_by_text("Your session has ended")).to_be_visible()
    log_in_as(page, "nora")
    expect(question_box(page)).to_have_value(QUESTION)
    page.get_by_role("button", name="Send").click()
    answered(page)
    expect(question_box(page)).to_have_value("")
    page.reload()
    expect(page.locator("article.question")).to_have_count(1)
    expect(question_box(page)).to_have_value("")  # the server has it


def test_a_question_outlives_the_session_in_its_chat(
    noras_page: Page, server: Server, model: FakeModel
) -> None:
    page = noras_page
    ask(page, QUESTION)
    answered(page)
    address = page.url
    end_session(page, server)
    ask(page, SECOND)
    log_in_as(page, "nora")
    expect(page.locator("article.question")).to_have_count(1)
    assert page.url == address
    expect(question_box(page)).to_have_value(SECOND)


def test_a_question_that_found_no_server_is_there_after_a_reload(
    noras_page: Page, model: FakeModel
) -> None:
    page = noras_page
    page.route(f"**{API}/chat/*/?html=true", lambda route: route.abort())
    ask(page, QUESTION)
    expect(page.get_by_role("alert").filter(has_text="cannot be reached")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(question_box(page)).to_have_value(QUESTION)


def test_nothing_typed_outlives_a_logout(noras_page: Page, server: Server, nora: int) -> None:
    page = noras_page
    other = page.context.new_page()
    other.goto(f"{server.base_url}/#/assistants/{nora}/chat")
    for one in (page, other):
        question_box(one).press_sequentially(DRAFT)
    log_out(page, "nora")
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    for one in (page, other):
        assert DRAFT not in one.evaluate("() => JSON.stringify([sessionStorage, localStorage])")
    log_in_as(page, "nora")
    page.locator(".card-link").click()
    expect(question_box(page)).to_have_value("")


def test_nothing_typed_is_shown_to_who_logs_in_next(
    noras_page: Page, server: Server, nora: int
) -> None:
    server.login("otto").close()
    page = noras_page
    question_box(page).press_sequentially(DRAFT)
    end_session(page, server)
    page.reload()
    log_in_as(page, "otto")
    expect(page.get_by_role("button", name="otto")).to_be_visible()
    assert DRAFT not in page.evaluate("() => JSON.stringify(sessionStorage)")


def test_every_chat_has_its_own_draft(open_page: Open, ann: Client, assistant: int) -> None:
    chat = ann.chat(assistant)
    page = open_page(f"/assistants/{assistant}/chat/{chat}")
    question_box(page).press_sequentially(DRAFT)
    page.get_by_role("navigation", name="Chats").get_by_role("link", name="New chat").first.click()
    expect(question_box(page)).to_have_value("")
    page.go_back()
    expect(question_box(page)).to_have_value(DRAFT)


def test_unsaved_instructions_are_not_left_without_a_question(
    open_page: Open, ann: Client, server: Server
) -> None:
    mine = ann.assistant(name="Unsaved")["id"]
    page = open_page("/assistants")
    page.get_by_role("listitem").filter(has_text="Unsaved").get_by_role("link", name="Edit").click()
    words = page.get_by_role("textbox", name="Instructions")
    words.fill("Answer in verse.")
    page.get_by_role("link", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(words).to_have_value("Answer in verse.")
    assert page.url.endswith(f"#/assistants/{mine}/edit")

    asked: list[str] = []
    page.on("dialog", lambda one: _note(one, asked))
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]


def _note(dialog: Dialog, asked: list[str]) -> None:
    asked.append(dialog.type)
    dialog.accept()


def test_who_insists_or_has_saved_may_leave(open_page: Open, ann: Client) -> None:
    mine = ann.assistant(name="Saved")["id"]
    page = open_page(f"/assistants/{mine}/edit")
    words = page.get_by_role("textbox", name="Instructions")
    words.fill("Answer in verse.")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Leave without saving").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.go_back()
    expect(words).to_have_value("Be brief.")
    words.fill("Answer in prose.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


BLOCKED = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });
}
"""


def test_a_browser_that_keeps_nothing_is_told_so_and_works(
    new_context: Callable[..., BrowserContext], server: Server, nora: int, model: FakeModel
) -> None:
    context = new_context()
    context.add_init_script(BLOCKED)
    page = context.new_page()
    page.goto(f"{server.base_url}/#/assistants/{nora}/chat")
    expect(page.get_by_text("This browser keeps nothing for this page.")).to_be_visible()
    log_in_as(page, "nora")
    ask(page, QUESTION)
    answered(page)
    page.goto(f"{server.base_url}/#/settings/account")
    page.get_by_label("Language of this page").select_option("de")
    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    expect(page.get_by_label("Sprache dieser Seite")).to_be_focused()
