"""Addresses that lead nowhere or elsewhere, and what the server refuses."""

import re

from playwright.sync_api import Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION
from e2e.browser.page.driving import answered, ask
from fake_model.server import FakeModel
from support.server import API, Client

NOWHERE = 999_999


def test_a_chat_is_shown_with_its_own_assistant(
    open_page: Open, ann: Client, assistant: int, model: FakeModel
) -> None:
    other = ann.assistant(name="Another")["id"]
    chat = ann.chat(assistant)
    ann.ask(chat, assistant, QUESTION)
    for wrong in (other, NOWHERE):
        page = open_page(f"/assistants/{wrong}/chat/{chat}")
        answered(page)
        assert page.url.endswith(f"#/assistants/{assistant}/chat/{chat}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
        expect(page.locator(".chat-item.current")).to_have_count(1)


def test_there_is_a_way_back_from_what_is_not_there(open_page: Open, assistant: int) -> None:
    for path in ("chat", "edit", "search"):
        page = open_page(f"/assistants/{NOWHERE}/{path}")
        expect(page.get_by_role("alert")).to_contain_text("There is no such assistant.")
        page.get_by_role("link", name="All assistants").click()
        expect(page.locator(".card").first).to_be_visible()
    page = open_page(f"/assistants/{assistant}/chat/{NOWHERE}")
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("There is no such chat.")
    trouble.get_by_role("link", name="New chat").click()
    expect(page.get_by_role("heading", name="Ask Reports")).to_be_visible()
    page = open_page(f"/settings/widgets/{NOWHERE}")
    page.get_by_role("alert").get_by_role("link", name="Widgets").click()
    expect(page.get_by_role("heading", name="Widgets", exact=True)).to_be_visible()


def test_a_busy_chat_says_so_once(open_page: Open, assistant: int, model: FakeModel) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    sentence = "Another question in this chat is being answered. Try again in a moment."
    refuse(page, f"**{API}/chat/*/?html=true", 409, {"detail": sentence, "code": "chat_busy"})
    ask(page, QUESTION)
    trouble = page.get_by_role("alert")
    expect(trouble.locator("p")).to_have_text(sentence)
    page.unroute_all()
    trouble.get_by_role("button", name="Try again").click()
    answered(page)


def test_a_limit_is_told_in_a_unit_for_people(open_page: Open, assistant: int) -> None:
    page = open_page(f"/assistants/{assistant}/edit")
    body = {"detail": "A file is larger than 52428800 bytes.", "code": "too_large"}
    refuse(page, re.compile("/documents/$"), 413, body)
    page.locator("input[type=file]").set_input_files(
        {"name": "huge.md", "mimeType": "text/markdown", "buffer": b"# Huge"}
    )
    expect(page.locator(".file", has_text="huge.md")).to_contain_text(
        "A file is larger than 50 MiB. Choose a smaller file."
    )


def test_an_answer_stopped_before_its_first_word_says_so(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    model.spoil("/chat/completions", "hang")
    ask(page, QUESTION)
    expect(page.get_by_text("Reading 3 passages")).to_be_visible()
    page.get_by_role("button", name="Stop the answer").click()
    answer = page.locator("article.answer")
    expect(answer).to_contain_text("This answer was stopped before its first word.")
    page.reload()  # as it is stored
    expect(answer).to_contain_text("This answer was stopped before its first word.")
    expect(answer.locator(".answer-words")).to_be_empty()
    model.reset()
    model.script("The board proposes a dividend of 0.85 euro a share [1].")
    answer.get_by_role("button", name="Try again").click()
    expect(page.locator("article.answer").nth(1)).to_contain_text("0.85 euro")


def test_a_search_is_as_long_as_the_server_takes(open_page: Open, assistant: int) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    words = page.get_by_role("searchbox", name="Search chats")
    words.focus()
    page.keyboard.insert_text("x" * 250)
    expect(words).to_have_value("x" * 200)
    expect(page.get_by_text("No chat has these words.")).to_be_visible()


def refuse(page: Page, what: str | re.Pattern[str], status: int, body: object) -> None:
    """Let the server refuse a request."""
    page.route(what, lambda route: route.fulfill(status=status, json=body))
