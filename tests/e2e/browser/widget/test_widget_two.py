"""Two widgets on one page: never two chats over each other."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.browser.widget.conftest import NewWidget
from e2e.browser.widget.hosts import BUTTON, FRAME, PHONE, Site, answered, ask, chat, snippet
from fake_model.server import FakeModel

VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
QUESTION = "What dividend does the board propose?"
AT = """([x, y]) => {
    let found = document.elementFromPoint(x, y);
    while (found?.shadowRoot) found = found.shadowRoot.elementFromPoint(x, y);
    return found?.src ?? found?.localName;
}"""
"""What a finger meets at a place: the address of a frame, or an element's name."""


@pytest.fixture
def two(new_widget: NewWidget) -> tuple[dict[str, Any], dict[str, Any]]:
    return new_widget(title="Sales"), new_widget(title="Help")


def place(page: Page, made: dict[str, Any]) -> int:
    """Which of the widgets on a page it is: scripts are loaded in any order."""
    expect(page.locator(FRAME)).to_have_count(2)
    sources = page.locator(FRAME).evaluate_all("all => all.map(one => one.src)")
    return next(at for at, source in enumerate(sources) if made["key"] in source)


def is_open(page: Page, number: int, *, yes: bool) -> None:
    expect(page.locator(BUTTON).nth(number)).to_have_attribute(
        "aria-expanded", "true" if yes else "false"
    )
    frame = page.locator(FRAME).nth(number)
    expect(frame).to_be_visible() if yes else expect(frame).to_be_hidden()


@pytest.mark.parametrize("position", ["right", "left"])
def test_opening_one_closes_the_other(
    page: Page, site: Site, two: tuple[dict[str, Any], ...], model: FakeModel, position: str
) -> None:
    body = '<a href="#top" id="link">Top</a>'
    page.goto(site.put("/", body + snippet(two[0]) + snippet(two[1], position=position)))
    page.wait_for_function("window.AIConvoKit")
    page.evaluate(
        """() => {
            window.heard = [];
            for (const name of ["open", "close"]) {
                AIConvoKit.on(name, ({ key }) => heard.push([name, key]));
            }
        }"""
    )
    one, other = (place(page, made) for made in two)
    page.locator(BUTTON).nth(one).click()
    is_open(page, one, yes=True)
    expect(chat(page, one).get_by_role("textbox")).to_be_focused()
    page.locator(BUTTON).nth(other).click()
    is_open(page, one, yes=False)
    is_open(page, other, yes=True)
    expect(chat(page, other).get_by_role("textbox")).to_be_focused()
    keys = [made["key"] for made in two]
    opened = [["open", keys[0]], ["close", keys[0]], ["open", keys[1]]]
    assert page.evaluate("heard") == opened

    page.keyboard.press("Escape")
    is_open(page, other, yes=False)
    expect(page.locator(BUTTON).nth(other)).to_be_focused()


def test_focus_comes_back_from_one_that_another_one_closed(
    page: Page, site: Site, two: tuple[dict[str, Any], ...], model: FakeModel
) -> None:
    body = '<a href="#top" id="link">Top</a>'
    page.goto(site.put("/", body + snippet(two[0]) + snippet(two[1])))
    page.wait_for_function("window.AIConvoKit")
    one, other = (place(page, made) for made in two)
    page.locator(BUTTON).nth(one).wait_for()
    page.locator("#link").focus()
    page.evaluate("key => AIConvoKit.open(key)", two[0]["key"])
    expect(chat(page, one).get_by_role("textbox")).to_be_focused()
    page.evaluate("key => AIConvoKit.open(key)", two[1]["key"])
    expect(chat(page, other).get_by_role("textbox")).to_be_focused()
    is_open(page, one, yes=False)
    page.keyboard.press("Escape")
    expect(page.locator("#link")).to_be_focused()


def test_of_two_that_are_to_be_open_from_the_beginning_one_is(
    page: Page, site: Site, two: tuple[dict[str, Any], ...], model: FakeModel
) -> None:
    page.goto(site.put("/", "".join(snippet(one, open="") for one in two)))
    page.locator(BUTTON).last.wait_for()
    expect(page.locator("aiconvokit-widget [aria-expanded=true]")).to_have_count(1)
    expect(page.locator(FRAME).locator("visible=true")).to_have_count(1)


def test_an_answer_goes_on_in_the_one_that_was_closed(
    page: Page, site: Site, two: tuple[dict[str, Any], ...], model: FakeModel
) -> None:
    page.goto(site.put("/", "".join(map(snippet, two))))
    page.wait_for_function("window.AIConvoKit")
    for made in two:
        page.evaluate("([text, key]) => AIConvoKit.ask(text, key)", [QUESTION, made["key"]])
    one, other = (place(page, made) for made in two)
    answered(chat(page, other))
    is_open(page, one, yes=False)
    page.locator(BUTTON).nth(one).click()
    answered(chat(page, one))
    is_open(page, other, yes=False)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A tab on a phone."""
    context = chromium.new_context(
        viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True, device_scale_factor=2
    )
    yield context.new_page()
    context.close()


def test_on_a_phone_nothing_lies_over_the_open_one(
    phone: Page, site: Site, two: tuple[dict[str, Any], ...], model: FakeModel
) -> None:
    phone.goto(site.put("/", VIEWPORT + "".join(map(snippet, two))))
    phone.wait_for_function("window.AIConvoKit")
    for made in two:
        number = place(phone, made)
        phone.locator(BUTTON).nth(1 - number).wait_for()
        others = phone.locator(BUTTON).nth(1 - number).bounding_box()
        assert others
        phone.evaluate("key => AIConvoKit.open(key)", made["key"])
        inside = chat(phone, number)
        inside.get_by_role("textbox").wait_for()
        is_open(phone, 1 - number, yes=False)
        middle = [others["x"] + others["width"] / 2, others["y"] + others["height"] / 2]
        assert made["key"] in phone.evaluate(AT, middle)
        ask(inside, QUESTION)
        answered(inside)
        inside.get_by_role("button", name="Close chat").tap()
        is_open(phone, number, yes=False)
        assert phone.evaluate(AT, middle) == "button"
