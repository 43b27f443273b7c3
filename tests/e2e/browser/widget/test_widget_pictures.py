import pytest
from playwright.sync_api import FrameLocator, Page, expect

from e2e.browser.page.documents import QUESTION, report_pdf
from e2e.browser.widget.conftest import NewWidget
from e2e.browser.widget.hosts import Site, answered, ask, open_chat, snippet
from fake_model.server import FakeModel
from support.server import Client


@pytest.fixture(scope="module")
def pdf_assistant(ann: Client) -> int:
    """Ann's assistant, which knows the report as PDF."""
    return int(ann.assistant("Printed", report_pdf=report_pdf())["id"])


def _opened(page: Page, site: Site, script: str) -> FrameLocator:
    """The first source of an answer, opened."""
    page.goto(site.put("/", script))
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)
    inside.locator("a.mark").first.click()
    expect(inside.locator("details[open] blockquote")).to_be_visible()
    return inside


def test_the_page_is_shown_with_the_words_marked(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, pdf_assistant: int
) -> None:
    widget = new_widget(assistant_id=pdf_assistant, shows_pictures=True)
    inside = _opened(page, site, snippet(widget))
    expect(inside.locator("summary")).to_contain_text("page 2")
    picture = inside.get_by_role("img", name="Page 2 of report.pdf, the quoted words are marked")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") >= 800
    expect(inside.locator(".mark-box")).to_have_count(1)
    expect(inside.locator(".mark-box")).to_be_in_viewport()
    top, bottom = inside.locator(".mark-box").evaluate(
        """box => {
            const sheet = box.parentElement.getBoundingClientRect();
            const { top, bottom } = box.getBoundingClientRect();
            return [(top - sheet.top) / sheet.height, (bottom - sheet.top) / sheet.height];
        }"""
    )
    baseline = 1 - 700 / 842  # where the sentence was written
    assert top < baseline < bottom + 0.01
    assert bottom - top < 0.03


def test_a_failed_picture_is_tried_again_and_needs_no_marks(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, pdf_assistant: int
) -> None:
    page.route("**/picture/?**", lambda route: route.fulfill(status=500, json={}), times=1)
    page.route("**/marks/**", lambda route: route.fulfill(status=500, json={}))
    widget = new_widget(assistant_id=pdf_assistant, shows_pictures=True)
    inside = _opened(page, site, snippet(widget))
    inside.locator(".view").get_by_role("button", name="Try again").click()
    expect(inside.get_by_role("img", name="Page 2 of report.pdf")).to_be_visible()
    expect(inside.locator(".view")).to_be_focused()
    expect(inside.locator(".mark-box")).to_have_count(0)


def test_no_picture_where_the_owner_shows_none_and_where_there_is_none(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, pdf_assistant: int
) -> None:
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    inside = _opened(page, site, snippet(new_widget(assistant_id=pdf_assistant)))
    expect(inside.locator(".view")).to_have_count(0)
    assert not [url for url in asked_for if "/picture/" in url]

    inside = _opened(page, site, snippet(new_widget(shows_pictures=True)))
    expect(inside.locator(".view")).to_have_count(0)
    assert [url for url in asked_for if "/picture/" in url]
