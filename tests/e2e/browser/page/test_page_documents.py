"""Documents while they are read, and the proof of those that have no pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import (
    QUESTION,
    SUPPORTED,
    TEXT,
    long_pdf,
    word_file,
    workbook,
)
from e2e.browser.page.driving import answered, ask
from fake_model.server import FakeModel
from support.server import Client

PAGES = 40
STEP = "\u203a"  # between headings


def test_a_document_tells_which_page_is_read(open_page: Open, ann: Client, fake: FakeModel) -> None:
    mine = ann.assistant(name="Reading")["id"]
    page = open_page(f"/assistants/{mine}/edit")
    fake.spoil("/embeddings", "slow@2500")  # a request
    page.locator("input[type=file]").set_input_files(
        {"name": "long.pdf", "mimeType": "application/pdf", "buffer": long_pdf(PAGES)}
    )
    row = page.locator(".file", has_text="long.pdf")
    bar = row.get_by_role("progressbar", name="Reading page")
    expect(bar).to_be_visible()
    said = row.locator(".file-note").inner_text()
    number = int(said.removeprefix("Reading page ").removesuffix(f" of {PAGES}"))
    assert 0 < number <= PAGES
    assert bar.get_attribute("aria-valuenow") == str(round(100 * number / PAGES))
    fake.reset()
    expect(row).to_contain_text(f"Ready · {PAGES} pages")


@pytest.mark.parametrize(
    ("name", "written", "heading"),
    [
        ("report.md", lambda: TEXT, f"Annual report 2025 {STEP} Dividend"),
        ("report.docx", word_file, f"Annual report 2025 {STEP} Dividend"),
        ("report.xlsx", workbook, "Dividend"),
    ],
)
def test_a_proof_without_pages_asks_for_none(
    name: str,
    written: Callable[[], bytes],
    heading: str,
    open_page: Open,
    ann: Client,
    model: FakeModel,
) -> None:
    made = ann.assistant(name=name, **{name.replace(".", "_"): written()})
    page = open_page(f"/assistants/{made['id']}/chat")
    complaints = complaints_of(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    ask(page, QUESTION)
    answered(page).locator(".mark").first.click()
    panel = page.get_by_role("complementary", name=name)
    expect(panel.locator("mark")).to_contain_text("0.85 euro")
    expect(panel.locator("blockquote")).to_contain_text(SUPPORTED)
    expect(panel.locator(".heading-path")).to_have_text(heading)
    expect(panel.get_by_role("region", name=f"Text of {name}")).to_be_visible()
    for noise in ("Next page", "Previous page", "Bigger", "As text", "As picture"):
        expect(panel.get_by_role("button", name=noise)).to_have_count(0)
    expect(panel.get_by_text("Page 1")).to_be_hidden()
    assert [one for one in asked if "/picture/" in one or "/marks/" in one] == []
    assert complaints == []


def complaints_of(page: Page) -> list[str]:
    """Errors in the console of a page from now on."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", note)
    return found
