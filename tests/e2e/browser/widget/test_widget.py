import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.browser.widget.conftest import NewWidget
from e2e.browser.widget.hosts import (
    BUTTON,
    FRAME,
    PHONE,
    Site,
    answered,
    ask,
    chat,
    open_chat,
    snippet,
)
from fake_model.server import FakeModel
from support.server import API, Client, Server
from support.waiting import eventually

QUESTION = "What dividend does the board propose?"
LEAKS = """<style>
  button, iframe, div, aiconvokit-widget { border: 9px dotted red !important; opacity: .2; }
  * { letter-spacing: 5px; } html > * { display: none !important; } body { display: block; }
</style><h1>Shop</h1><button id="own">Buy</button>"""

OwnerSees = Callable[[dict[str, Any]], dict[str, Any]]


def test_a_visitor_of_another_origin_is_answered_with_sources(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, owner_sees: OwnerSees
) -> None:
    widget = new_widget(greeting="Good morning.", suggestions=[QUESTION], color="#0f766e")
    page.goto(site.put("/", snippet(widget)))
    expect(page.locator(BUTTON)).to_have_css("background-color", "rgb(15, 118, 110)")
    inside = open_chat(page)
    expect(inside.get_by_role("heading", name="Ask us")).to_be_visible()
    expect(inside.get_by_text("Good morning.")).to_be_visible()

    inside.get_by_role("button", name=QUESTION).click()
    answered(inside)

    expect(inside.locator(".answer .text strong")).to_have_text("0.85 euro")
    expect(inside.locator(".unsupported")).to_have_text(re.compile("The cat likes fish"))
    inside.get_by_role("link", name="Source 1").click()
    expect(inside.locator("details[open] blockquote")).to_contain_text("0.85 euro")
    expect(inside.locator("summary").first).to_be_focused()
    expect(inside.locator("summary").first).to_contain_text("report.md")
    expect(inside.locator("summary").first).to_contain_text("page 1")
    expect(inside.locator("img")).to_have_count(0)
    expect(inside.get_by_role("status")).to_contain_text("0.85 euro")

    inside.get_by_role("button", name="Good answer").click()
    eventually(lambda: owner_sees(widget)["messages"][1]["rating"] == 1)
    inside.get_by_role("button", name="Bad answer").click()
    eventually(lambda: owner_sees(widget)["messages"][1]["rating"] == -1)
    inside.get_by_role("button", name="Bad answer").click()
    eventually(lambda: owner_sees(widget)["messages"][1]["rating"] is None)


def test_a_reload_keeps_the_conversation_and_starting_over_does_not(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    widget = new_widget(suggestions=["Anything else?"])
    page.goto(site.put("/", snippet(widget)))
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)
    with page.expect_response(lambda response: response.url.endswith("/rating/")):
        inside.get_by_role("button", name="Good answer").click()

    page.reload()
    inside = open_chat(page)
    expect(inside.locator(".asked")).to_contain_text(QUESTION)
    expect(inside.locator(".answer strong")).to_have_text("0.85 euro")
    expect(inside.locator("summary")).to_have_count(1)
    expect(inside.get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "true"
    )

    inside.get_by_role("button", name="Start over").click()
    expect(inside.locator(".asked")).to_have_count(0)
    expect(inside.get_by_role("button", name="Anything else?")).to_be_visible()
    page.reload()
    inside = open_chat(page)
    expect(inside.get_by_role("button", name="Anything else?")).to_be_visible()
    expect(inside.locator(".asked")).to_have_count(0)


def test_a_reload_shows_the_look_that_the_owner_has_changed(
    page: Page, site: Site, new_widget: NewWidget, ann: Client
) -> None:
    widget = new_widget(greeting="Good morning.", color="#0f766e")
    page.goto(site.put("/", snippet(widget)))
    expect(open_chat(page).get_by_text("Good morning.")).to_be_visible()
    changed = {"greeting": "Good evening.", "title": "Ask again", "color": "#aa2211"}
    assert ann.put(f"{API}/widgets/{widget['id']}/", json=changed).status_code == 200
    page.reload()
    inside = open_chat(page)
    expect(inside.get_by_text("Good evening.")).to_be_visible()
    expect(inside.get_by_role("heading", name="Ask again")).to_be_visible()
    expect(page.locator(BUTTON)).to_have_css("background-color", "rgb(170, 34, 17)")


def test_a_site_that_is_not_listed_shows_nothing(
    page: Page, site: Site, new_widget: NewWidget, ann: Client
) -> None:
    widget = new_widget(origins=["https://www.example.org"])
    called: list[str] = []
    page.on("request", lambda request: called.append(request.url))
    with page.expect_console_message(lambda message: "AIConvoKit: no chat" in message.text) as told:
        page.goto(site.put("/", snippet(widget, open="")))
    assert site.origin in told.value.text
    expect(page.locator(BUTTON)).to_be_hidden()
    assert not [url for url in called if "/session/" in url]


def test_a_strict_policy_of_the_site_is_enough_and_no_style_leaks(
    page: Page, site: Site, server: Server, new_widget: NewWidget, model: FakeModel
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    policy = (
        f"default-src 'none'; script-src {server.base_url}; frame-src {server.base_url}; "
        "style-src 'nonce-own'; base-uri 'none'; require-trusted-types-for 'script'"
    )
    body = LEAKS.replace("<style>", '<style nonce="own">') + snippet(new_widget())
    page.goto(site.put("/", body, Content_Security_Policy=policy))
    own = page.locator("#own").evaluate("one => getComputedStyle(one).cssText")
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)

    assert not [one for one in complaints if "Security Policy" in one or "Trusted" in one]
    for part in (BUTTON, FRAME):
        expect(page.locator(part)).to_have_css("border-top-width", "0px")
        expect(page.locator(part)).to_have_css("letter-spacing", "normal")
    expect(page.locator("aiconvokit-widget")).to_have_css("opacity", "1")
    assert page.locator("#own").evaluate("one => getComputedStyle(one).cssText") == own


def test_two_widgets_on_a_page_keep_apart(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    one, other = new_widget(title="Sales", color="#aa2211"), new_widget(title="Help")
    page.goto(site.put("/", snippet(one) + snippet(other) + snippet(one)))
    page.wait_for_function("window.AIConvoKit")
    page.evaluate("() => { window.heard = []; AIConvoKit.on('answer', (one) => heard.push(one)); }")
    expect(page.locator(BUTTON)).to_have_count(2)
    expect(page.locator(BUTTON).first).to_be_visible()
    expect(page.locator(BUTTON).last).to_be_visible()
    boxes = [page.locator(BUTTON).nth(number).bounding_box() for number in (0, 1)]
    assert boxes[0]
    assert boxes[1]
    assert abs(boxes[0]["x"] - boxes[1]["x"]) >= boxes[0]["width"]

    page.evaluate("key => AIConvoKit.ask('Who works here?', key)", other["key"])
    keys = page.locator(FRAME).evaluate_all("all => all.map(one => one.src)")
    number = next(at for at, source in enumerate(keys) if other["key"] in source)
    inside = chat(page, number)
    answered(inside)
    expect(inside.get_by_role("heading", name="Help")).to_be_visible()
    expect(page.locator(BUTTON).nth(1 - number)).to_have_attribute("aria-expanded", "false")
    page.wait_for_function("heard.length")
    assert page.evaluate("heard") == [{"key": other["key"], "sources": 1}]


def test_a_page_that_changes_its_body_keeps_the_conversation(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    widget = new_widget()
    page.goto(site.put("/", f"<h1>One</h1>{snippet(widget)}"))
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)
    page.evaluate(
        """() => {
            history.pushState({}, '', '/two');
            const body = document.createElement('body');
            body.append('Two');
            document.body.replaceWith(body);
        }"""
    )
    expect(inside.locator(".answer strong")).to_be_visible()

    page.evaluate("document.querySelector('aiconvokit-widget').remove()")
    expect(page.locator(BUTTON)).to_be_visible()
    expect(chat(page).locator(".answer strong")).to_be_visible()

    page.evaluate(
        """() => {
            const root = document.createElement('html');
            root.append(document.createElement('body'));
            document.documentElement.replaceWith(root);
        }"""
    )
    expect(chat(page).locator(".answer strong")).to_be_visible()


def test_the_keyboard_is_enough(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", f'<a href="#top" id="link">Top</a>{snippet(new_widget())}'))
    page.locator(BUTTON).wait_for()
    page.keyboard.press("Tab")
    expect(page.locator("#link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open chat")).to_be_focused()
    page.keyboard.press("Enter")
    inside = chat(page)
    expect(inside.get_by_role("textbox")).to_be_focused()
    expect(page.locator(BUTTON)).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("Line one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    answered(inside)
    expect(inside.locator(".asked")).to_contain_text(f"Line one\n{QUESTION}")
    expect(inside.get_by_role("textbox")).to_be_focused()

    inside.get_by_role("link", name="Source 1").focus()
    page.keyboard.press("Enter")
    expect(inside.locator("details[open] summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open chat")).to_be_focused()
    expect(page.locator(FRAME)).to_be_hidden()

    page.locator("#link").focus()
    page.evaluate("AIConvoKit.open()")
    expect(inside.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#link")).to_be_focused()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A tab on a phone."""
    context = chromium.new_context(
        viewport=PHONE, locale="en-US", is_mobile=True, has_touch=True, device_scale_factor=2
    )
    yield context.new_page()
    context.close()


def test_on_a_phone_it_fills_the_screen(
    phone: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    phone.goto(site.put("/", f"{viewport}<p>Shop</p>{snippet(new_widget())}"))
    inside = open_chat(phone)
    phone.wait_for_function(
        """([frame, height]) => {
            const box = document.querySelector(frame[0]).shadowRoot.querySelector(frame[1])
                .getBoundingClientRect();
            return box.x === 0 && box.y === 0 && box.width === innerWidth && box.height === height;
        }""",
        arg=[FRAME.split(), PHONE["height"]],
    )
    expect(phone.locator(BUTTON)).to_be_hidden()
    expect(inside.get_by_role("heading", name="Ask us")).to_be_focused()  # no keyboard comes up
    ask(inside, QUESTION)
    answered(inside)
    assert inside.locator("body").evaluate("body => body.scrollWidth <= innerWidth")
    inside.get_by_role("button", name="Close chat").tap()
    expect(phone.locator(BUTTON)).to_be_visible()
    expect(phone.locator(FRAME)).to_be_hidden()


def test_the_owner_tries_it_on_the_preview(
    page: Page, server: Server, new_widget: NewWidget, model: FakeModel
) -> None:
    widget = new_widget(origins=[])
    page.goto(f"{server.base_url}/widget/preview?key={widget['key']}")
    inside = chat(page)
    ask(inside, QUESTION)
    answered(inside)
    expect(page.locator("#log")).to_contain_text("answer")
    page.goto(f"{server.base_url}/widget/preview")
    expect(page.get_by_role("alert")).to_contain_text("no widget key")


def test_only_the_frame_and_only_the_page_are_listened_to(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    page.evaluate("postMessage({ aiconvokit: 'close' }, '*')")
    page.evaluate("postMessage({ aiconvokit: 'look', color: 'red', title: 'Evil' }, '*')")
    page.evaluate("AIConvoKit.ask('One question of the page')")
    answered(inside)
    expect(page.locator(FRAME)).to_be_visible()
    expect(page.locator(FRAME)).to_have_attribute("title", "Ask us")

    inside.locator("body").evaluate(
        "() => postMessage({ aiconvokit: 'ask', text: 'One question of nobody' }, '*')"
    )
    ask(inside, "And one of the visitor")
    answered(inside, 2)
    expect(inside.locator(".asked").last).to_contain_text("And one of the visitor")
    expect(inside.locator("#log")).not_to_contain_text("nobody")


def test_german_visitors_are_spoken_to_in_german(
    page: Page, site: Site, new_widget: NewWidget
) -> None:
    page.goto(site.put("/", snippet(new_widget(language="de"), position="left")))
    inside = open_chat(page)
    button = page.get_by_role("button", name="Chat schließen")
    expect(button).to_have_css("left", "20px")
    expect(inside.get_by_role("textbox", name="Ihre Frage")).to_be_visible()
    expect(inside.locator("html")).to_have_attribute("lang", "de")
