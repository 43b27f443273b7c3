"""Browsers that give the frame no storage, or none that takes anything: a visit works all the same.

Frames of another site (`localhost` and `127.0.0.1` are two) have none in the browser of the tests,
as where somebody forbids all cookies. A frame with storage is elsewhere: same site, another port.
"""

import re

import pytest
from playwright.sync_api import Frame, Page, expect

from e2e.browser.widget.conftest import NewWidget
from e2e.browser.widget.hosts import BUTTON, Site, answered, ask, open_chat, snippet
from fake_model.server import FakeModel

QUESTION = "What dividend does the board propose?"
DENIED = """() => ["localStorage", "sessionStorage"].map((kind) => {
    try {
        window[kind].setItem("x", "y");
        return "taken";
    } catch (error) {
        return error.name;
    }
})"""
FULL = """Storage.prototype.setItem = () => {
    throw new DOMException("It is full.", "QuotaExceededError");
};"""


def frame(page: Page) -> Frame:
    return next(one for one in page.frames if "/embed/" in one.url)


@pytest.mark.parametrize("why", ["SecurityError", "QuotaExceededError"])
def test_a_visit_without_storage(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, why: str
) -> None:
    here = site.origin
    if why == "SecurityError":
        here = here.replace("127.0.0.1", "localhost")
    else:
        page.add_init_script(FULL)
    begun: list[str] = []
    page.on("request", lambda one: begun.append(one.url) if "/session/" in one.url else None)
    site.put("/", snippet(new_widget(origins=[here])))
    page.goto(here)
    inside = open_chat(page)
    assert frame(page).evaluate(DENIED) == [why, why]
    ask(inside, QUESTION)
    answered(inside)
    ask(inside, "And how many people work there?")
    answered(inside, 2)
    assert QUESTION in str(model.chats()[-1].body["messages"])  # one conversation
    expect(inside.locator(".divider")).to_have_count(0)
    inside.get_by_role("button", name="Good answer").first.click()
    inside.get_by_role("button", name="Start over").click()
    expect(inside.locator(".asked")).to_have_count(0)
    ask(inside, "And now?")
    answered(inside)
    assert len(begun) == 1

    page.reload()  # nobody knows the visitor: a new conversation, that works as well
    inside = open_chat(page)
    expect(inside.locator(".asked")).to_have_count(0)
    ask(inside, QUESTION)
    answered(inside)
    assert len(begun) == 2
    expect(page.locator(BUTTON)).to_have_attribute("aria-expanded", "true")
    expect(inside.locator(".answer .note")).to_have_count(0)
    expect(inside.locator(".answer .text")).to_contain_text(re.compile("0.85 euro"))
