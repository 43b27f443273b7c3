"""What a visitor asked through a widget, as its owner reads it."""

import pytest
from playwright.sync_api import expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION, SUPPORTED
from fake_model.server import FakeModel
from support.server import Client, Server
from web.widget.visitors import visitor, widget


@pytest.fixture
def transcripts(ann: Client, server: Server, assistant: int, model: FakeModel) -> int:
    """A widget whose only visitor asked once and liked the answer."""
    made = widget(ann, assistant, title="Ask Northwind")
    someone = visitor(server, made["key"])
    message = someone.ask(QUESTION)[-1].data["message_id"]
    answer = someone.request("PUT", f"messages/{message}/rating/", {"rating": 1})
    assert answer.is_success, answer.text
    return int(made["id"])


def test_a_transcript_is_read_with_its_proof(open_page: Open, transcripts: int) -> None:
    page = open_page(f"/settings/widgets/{transcripts}/chats")
    row = page.locator(".row")
    expect(row).to_contain_text(QUESTION)
    expect(row.locator(".thumbs")).to_have_text("Helpful1Not helpful0")
    row.get_by_role("button", name="Read").click()

    dialog = page.get_by_role("dialog", name=QUESTION)
    expect(dialog.locator("article.question")).to_have_text(QUESTION)
    answer = dialog.locator("article.answer")
    expect(answer.locator("strong")).to_have_text("0.85 euro")
    expect(answer.locator(".thumb")).to_have_text("Helpful")
    expect(answer.get_by_role("button", name="Ask again")).to_have_count(0)
    expect(answer.locator(".unsupported").first).to_have_text("The cat likes fish a lot.")

    mark = answer.get_by_role("button", name="1: source, report.pdf, page 2").first
    mark.focus()
    page.keyboard.press("Enter")
    proof = page.get_by_role("dialog", name="report.pdf")
    expect(proof.locator("blockquote")).to_have_text(SUPPORTED)
    expect(proof.locator(".box")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(proof).to_have_count(0)
    expect(mark).to_be_focused()

    answer.get_by_role("button", name="Look inside").click()
    expect(page.get_by_role("dialog", name="Look inside").locator(".passage").first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row.get_by_role("button", name="Read")).to_be_focused()
