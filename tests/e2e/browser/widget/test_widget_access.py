"""What axe-core says of the widget's states: nothing that is serious."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # no stubs
from playwright.sync_api import Browser, Frame, Page, expect

from e2e.browser.widget.conftest import NewWidget
from e2e.browser.widget.hosts import WIDE, Site, answered, ask, chat, open_chat, snippet
from fake_model.server import FakeModel

QUESTION = "What dividend does the board propose?"
COLORS = ("#1f5fbf", "#ffcc33", "#777777")
SERIOUS = {"serious", "critical"}


@pytest.fixture(params=["light", "dark"])
def themed(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab of somebody who likes it light, or dark; nothing moves."""
    scheme: Literal["light", "dark"] = request.param
    context = chromium.new_context(
        viewport=WIDE, locale="en-US", color_scheme=scheme, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def _findings(where: Page | Frame) -> list[Any]:
    found = Axe().run(where).response["violations"]
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in SERIOUS
    ]


def test_an_answer_with_its_sources_open(
    themed: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    for color in COLORS:
        widget = new_widget(color=color, greeting="Hello.", suggestions=[QUESTION])
        themed.goto(site.put("/", f"<main><h1>Shop</h1></main>{snippet(widget)}"))
        inside = open_chat(themed)
        inside.get_by_role("button", name=QUESTION).wait_for()
        assert _findings(themed.frames[1]) == []
        ask(inside, QUESTION)
        answered(inside)
        inside.locator("summary").first.click()
        inside.get_by_role("button", name="Good answer").click()
        assert _findings(themed.frames[1]) == []
        assert _findings(themed) == []


def test_a_notice_and_an_answer_that_failed(
    themed: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    model.spoil("/chat/completions", "401")
    themed.goto(site.put("/", f"<main><h1>Shop</h1></main>{snippet(new_widget())}"))
    ask(open_chat(themed), QUESTION)
    expect(chat(themed).locator(".note")).to_be_visible()
    assert _findings(themed.frames[1]) == []
    paused = new_widget(is_paused=True)
    themed.goto(site.put("/", f"<main><h1>Shop</h1></main>{snippet(paused, open='')}"))
    expect(chat(themed).get_by_role("heading", name="Taking a break")).to_be_visible()
    assert _findings(themed.frames[1]) == []
