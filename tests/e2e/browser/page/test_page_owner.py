"""The owner's whole path, from the first account to the proof on the page of a document."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION, SUPPORTED, report_pdf
from e2e.browser.page.driving import answered, ask
from fake_model.server import FakeModel
from support.server import API, PASSWORD, Client, Server
from support.starter import run


def test_from_the_first_account_to_the_proof(
    stranger: Page, server: Server, model: FakeModel
) -> None:
    page = stranger
    page.goto(server.base_url)
    page.get_by_label("User name").fill("olive")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("heading", name="Make your first assistant")).to_be_visible()
    expect(page.get_by_role("button", name="olive")).to_be_visible()

    page.get_by_role("link", name="New assistant").first.click()
    page.get_by_label("Name", exact=True).fill("Reports")
    page.get_by_label("Company").fill("Northwind")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    report: FilePayload = {
        "name": "report.pdf",
        "mimeType": "application/pdf",
        "buffer": report_pdf(),
    }
    bad: FilePayload = {"name": "bad.xyz", "mimeType": "", "buffer": b"\0\1"}
    chooser.value.set_files([report, bad])
    page.get_by_role("button", name="Create assistant").click()
    expect(page.locator(".file", has_text="report.pdf")).to_contain_text("Ready · 3 pages")
    expect(page.locator(".file", has_text="bad.xyz")).to_contain_text("Save it as PDF or Word")

    page.get_by_role("link", name="Ask").click()
    ask(page, QUESTION)
    answer = answered(page)
    expect(answer.locator(".prose strong")).to_have_text("0.85 euro")
    mark = answer.get_by_role("button", name="1: source, report.pdf, page 2").first
    mark.click()

    panel = page.get_by_role("complementary", name="report.pdf")
    expect(panel.locator("blockquote")).to_have_text(SUPPORTED)
    expect(panel.get_by_role("img", name="Page 2 of report.pdf")).to_be_visible()
    assert lies_on_its_words(panel.locator(".box").first.get_attribute("style") or "")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(mark).to_be_focused()


def lies_on_its_words(style: str) -> bool:
    """Whether a box is where `report_pdf` has the sentence: 72 pt from the left, 142 from above."""
    left, top = (
        float(found[1]) if (found := re.search(rf"{side}: ([\d.]+)%", style)) else -1
        for side in ("left", "top")
    )
    return abs(left - 72 / 595 * 100) < 1 and abs(top - 132 / 842 * 100) < 1.5


def test_the_proof_can_be_turned_enlarged_and_read(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    ask(page, QUESTION)
    answered(page).locator(".source").click()
    panel = page.get_by_role("complementary", name="report.pdf")
    expect(panel.get_by_text("Page 2 of 3")).to_be_visible()
    panel.get_by_role("button", name="Next page").click()
    expect(panel.get_by_role("img", name="Page 3 of report.pdf")).to_be_visible()
    expect(panel.locator(".box")).to_have_count(0)
    expect(panel.get_by_role("button", name="Next page")).to_be_disabled()
    panel.get_by_role("button", name="Previous page").click()
    expect(panel.locator(".box")).to_have_count(1)
    panel.get_by_role("button", name="Bigger").click()
    expect(panel.locator(".sheet")).to_have_attribute("style", re.compile("150%"))
    panel.get_by_role("button", name="As text").click()
    expect(panel.locator("mark")).to_have_text(SUPPORTED)
    with page.context.expect_page() as opened:
        panel.get_by_role("button", name="Original").click()
    opened.value.wait_for_url(re.compile("^blob:"), wait_until="commit")


def test_a_document_without_pictures_shows_its_words(
    open_page: Open, text_assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{text_assistant}/chat")
    ask(page, QUESTION)
    answered(page).locator(".mark").first.click()
    panel = page.get_by_role("complementary", name="report.md")
    expect(panel.locator("mark")).to_have_text(SUPPORTED)
    expect(panel.locator(".heading-path")).to_contain_text("Dividend")
    expect(panel.get_by_role("button", name="As picture")).to_be_hidden()


def test_what_nothing_supports_is_marked_and_explained(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    ask(page, QUESTION)
    answer = answered(page)
    expect(answer.locator(".prose .unsupported")).to_have_text("The cat likes fish a lot.")
    doubt = answer.get_by_role("button", name="Not supported by the documents")
    expect(doubt).to_have_accessible_description(re.compile("Nothing in the documents supports"))
    doubt.focus()
    expect(page.locator(".tip")).to_contain_text("Nothing in the documents supports this")


def test_look_inside_shows_how_the_answer_came_about(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    ask(page, QUESTION)
    answered(page).get_by_role("button", name="Look inside").click()
    panel = page.get_by_role("complementary", name="Look inside")
    expect(panel.locator(".passage").first).to_contain_text("used")
    expect(panel).to_contain_text("read")
    expect(panel).to_contain_text("fake")
    panel.get_by_role("button", name=re.compile("report.pdf")).first.click()
    expect(page.get_by_role("complementary", name="report.pdf").locator(".box")).not_to_have_count(
        0
    )


def test_chats_are_found_renamed_exported_and_deleted(
    open_page: Open, ann: Client, model: FakeModel
) -> None:
    mine = ann.assistant(name="Chats")["id"]
    for question in ("Where is the harbour?", "Who is the auditor?"):
        ann.ask(ann.chat(mine), mine, question)
    page = open_page(f"/assistants/{mine}/chat")
    chats = page.get_by_role("navigation", name="Chats")
    expect(chats.locator(".chat-item")).to_have_count(2)
    chats.get_by_role("searchbox").fill("harbour")
    expect(chats.locator(".chat-item")).to_have_count(1)

    more = chats.get_by_role("button", name=re.compile("^More"))
    more.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Title").fill("The harbour itself")
    page.get_by_role("button", name="Save").click()
    expect(chats.get_by_role("link", name="The harbour itself")).to_be_visible()

    more.click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export as JSON").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert "Where is the harbour?" in json.dumps(saved)

    more.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(chats.locator(".chat-item")).to_have_count(0)


def test_search_only_asks_no_model(open_page: Open, assistant: int, model: FakeModel) -> None:
    page = open_page(f"/assistants/{assistant}/search?q={quote('dividend per share')}")
    expect(page.locator(".result").first).to_contain_text("0.85 euro")
    page.get_by_role("button", name="Open the page").first.click()
    panel = page.get_by_role("complementary", name="report.pdf")
    expect(panel.locator(".box")).not_to_have_count(0)
    assert model.chats() == []


def test_tokens_are_made_shown_once_and_revoked(open_page: Open, server: Server) -> None:
    page = open_page("/settings/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("Nightly job")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("pre.secret").inner_text()
    page.get_by_role("button", name="Done").click()
    row = page.locator(".row", has_text="Nightly job")
    expect(row).to_contain_text("ends on")
    with server.client(Authorization=f"Token {secret}") as program:
        assert program.get(f"{API}/assistants/").status_code == 200
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_have_count(0)
        assert program.get(f"{API}/assistants/").status_code == 401


def test_the_password_can_be_changed(stranger: Page, server: Server) -> None:
    server.login("paul").close()
    page = stranger
    page.goto(f"{server.base_url}/#/settings/account")
    page.get_by_label("User name").fill("paul")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Present password").fill("not this one")
    page.get_by_label("New password").fill("a better passphrase")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is not the present password.")).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password was changed.")).to_be_visible()


def test_an_invitation_leads_to_an_account(
    stranger: Page, new_context: Callable[..., BrowserContext], server: Server
) -> None:
    path = run(["users", "invite"], server.process.environment, timeout=60).stdout.strip()
    stranger.goto(f"{server.base_url}{path}")
    expect(stranger.get_by_role("heading", name="Create your account")).to_be_visible()
    expect(stranger.get_by_text("You were invited.")).to_be_visible()
    stranger.get_by_label("User name").fill("rita")
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Create an account").click()
    expect(stranger.get_by_role("button", name="rita", exact=True)).to_be_visible()
    assert "inv_" not in stranger.url
    late = new_context().new_page()
    late.goto(f"{server.base_url}{path}")
    late.get_by_label("User name").fill("rudi")
    late.get_by_label("Password").fill(PASSWORD)
    late.get_by_role("button", name="Create an account").click()
    expect(late.get_by_role("alert")).to_contain_text("This invitation was used")


def test_a_widget_without_a_title_has_its_assistants(open_page: Open, assistant: int) -> None:
    page = open_page("/settings/widgets/new")
    page.get_by_role("button", name="Create widget").click()
    expect(page.locator("pre.secret")).to_contain_text("data-key")
    expect(page.get_by_label("Title")).not_to_have_value("")


def test_any_other_address_shows_the_assistants(open_page: Open, assistant: int) -> None:
    for path in ("/nowhere", ""):
        page = open_page(path)
        page.evaluate("() => { location.hash = 'foo'; }")
        page.reload()
        expect(page.locator(".card").first).to_be_visible()


def test_a_widget_is_made_previewed_and_read(open_page: Open, assistant: int) -> None:
    page = open_page("/settings/widgets/new")
    page.get_by_label("Title").fill("Ask Northwind")
    page.get_by_label("Web sites").fill("https://www.example.org\nhttps://shop.example.org")
    page.get_by_role("button", name="Create widget").click()
    expect(page.locator("pre.secret")).to_contain_text("data-key")
    preview = page.frame_locator("iframe.preview")
    expect(preview.locator("body")).not_to_be_empty()
    page.get_by_role("link", name="Transcripts").click()
    expect(page.get_by_role("heading", name="Nobody has asked yet")).to_be_visible()
