"""What goes wrong: dead models, slow lines, reloads in the middle, ended sessions."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from e2e.browser.page.conftest import Open
from e2e.browser.page.documents import QUESTION, REPLY
from e2e.browser.page.driving import TOKEN, answered, ask, log_in_as, log_out
from fake_model.server import FakeModel
from support.server import API, Client, Server

KBYTES = 1024
SLOW = {  # a bad mobile line
    "offline": False,
    "latency": 300,
    "downloadThroughput": 50 * KBYTES,
    "uploadThroughput": 20 * KBYTES,
}


def test_a_dead_model_is_told_and_asked_again(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
    model.spoil("/chat/completions", "500")
    ask(page, QUESTION)
    trouble = page.get_by_role("alert").filter(has_text="The chat model cannot be reached")
    expect(trouble).to_be_visible()
    model.reset()
    model.script(REPLY)
    trouble.get_by_role("button", name="Try again").click()
    expect(answered(page, 2)).to_contain_text("0.85 euro")


def test_a_slow_line_shows_at_once_what_is_going_on(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page("/assistants")
    expect(page.locator(".card").first).to_be_visible()
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
    page.locator(".card-link").first.click()
    expect(page.locator(".skeleton").first).to_be_visible()
    ask(page, QUESTION)
    expect(page.get_by_role("button", name="Stop the answer")).to_be_visible()
    expect(answered(page)).to_contain_text("0.85 euro")


def test_a_reload_in_mid_stream_shows_what_was_said(
    open_page: Open, assistant: int, model: FakeModel
) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    model.spoil("/chat/completions", "slow_drip=0.3")
    ask(page, QUESTION)
    expect(page.locator(".growing")).to_contain_text("The board")
    page.reload()
    answer = page.locator("article.answer")
    expect(answer).to_contain_text("This answer was interrupted")
    expect(answer).to_contain_text("The board")
    expect(page.locator("article.question")).to_have_text(QUESTION)
    expect(answer.get_by_role("button", name="Try again")).to_be_visible()


def test_a_message_that_goes_on_elsewhere_is_followed(
    open_page: Open, assistant: int, ann: Client, model: FakeModel
) -> None:
    chat = ann.chat(assistant)
    ann.ask(chat, assistant, QUESTION)
    page = open_page("/assistants")
    looks = 0

    def as_if_in_progress(route: Route) -> None:
        nonlocal looks
        looks += 1
        body = route.fetch().json()
        message = body["messages"][-1] if "messages" in body else body
        if looks < 3:
            message |= {"status": "in_progress", "content": "The board", "html": "<p>The board</p>"}
        route.fulfill(json=body)

    page.route(re.compile(rf"{API}/chat/{chat}/(messages/|\?)"), as_if_in_progress)
    page.evaluate(f"() => {{ location.hash = '#/assistants/{assistant}/chat/{chat}' }}")
    expect(page.get_by_text("The answer is still being written")).to_be_visible()
    expect(answered(page)).to_contain_text("0.85 euro")
    assert looks == 3


def test_an_answer_can_be_stopped(open_page: Open, assistant: int, model: FakeModel) -> None:
    page = open_page(f"/assistants/{assistant}/chat")
    model.spoil("/chat/completions", "slow_drip=0.3")
    ask(page, QUESTION)
    expect(page.locator(".growing")).to_contain_text("The board")
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.locator("article.answer")).to_contain_text("This answer was interrupted")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_without_a_line_the_page_says_so_and_goes_on_after(open_page: Open, ann: Client) -> None:
    page = open_page("/settings/account")
    expect(page.get_by_text("ann@example.com")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("link", name="Assistants").click()
    trouble = page.get_by_role("alert").filter(has_text="The server cannot be reached")
    expect(trouble).to_be_visible()
    page.context.set_offline(False)
    trouble.get_by_role("button", name="Try again").click()
    expect(trouble).to_have_count(0)


def test_an_ended_session_leads_to_the_login_and_back(open_page: Open) -> None:
    page = open_page("/settings/usage")
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    page.route(
        f"**{API}/tokens/**", lambda route: route.fulfill(status=401, json={"detail": "No."})
    )
    page.get_by_role("link", name="Access tokens").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Your session has ended")).to_be_visible()
    assert "next=%2Fsettings%2Ftokens" in page.url


def test_a_late_refusal_of_an_old_token_does_not_end_the_new_session(
    server: Server, stranger: Page
) -> None:
    server.login("lena").close()
    page, held = stranger, list[Route]()
    page.route(f"**{API}/users/me/", _into(held), times=1)
    page.goto(server.base_url)
    log_in_as(page, "lena")
    expect(page.get_by_role("button", name="Account", exact=True)).to_be_visible()
    log_out(page, "Account")
    log_in_as(page, "lena")
    expect(page.get_by_role("button", name="lena")).to_be_visible()
    with page.expect_response(f"**{API}/users/me/"):
        held[0].fulfill(status=401, json={"detail": "No."})
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(page.get_by_text("Your session has ended")).to_have_count(0)


def test_logging_out_waits_for_no_server_and_revokes(server: Server, stranger: Page) -> None:
    server.login("mona").close()
    page, held = stranger, list[Route]()
    page.goto(server.base_url)
    log_in_as(page, "mona")
    expect(page.get_by_role("button", name="mona")).to_be_visible()
    secret = page.evaluate(f"() => localStorage.getItem('{TOKEN}')")
    page.route(re.compile(rf"{API}/tokens/\d+/"), _into(held))
    log_out(page, "mona")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate(f"() => localStorage.getItem('{TOKEN}')") is None
    with page.expect_response(re.compile(rf"{API}/tokens/\d+/")) as revoked:
        held[0].continue_()
    assert revoked.value.status == 204
    with server.client(Authorization=f"Token {secret}") as former:
        assert former.get(f"{API}/users/me/").status_code == 401


def _into(held: list[Route]) -> Callable[[Route], None]:
    """Keeps requests waiting in a list."""

    def hold(route: Route) -> None:
        held.append(route)

    return hold


def test_an_upload_keeps_the_focus_on_stop_while_it_goes_on(open_page: Open, ann: Client) -> None:
    mine = ann.assistant(name="Large uploads")["id"]
    page = open_page(f"/assistants/{mine}/edit")
    slow = {**SLOW, "latency": 0, "uploadThroughput": 100 * KBYTES}
    expect(page.locator("input[type=file]")).to_be_attached()
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.locator("input[type=file]").set_input_files(
        {"name": "large.md", "mimeType": "text/markdown", "buffer": b"x " * 1000 * KBYTES}
    )
    row = page.locator(".file", has_text="large.md")
    stop = row.get_by_role("button")
    stop.focus()
    for percent in ("[1-9]", "[1-9][0-9]"):
        bar = row.get_by_role("progressbar")
        expect(bar).to_have_attribute("aria-valuenow", re.compile(f"^{percent}$"))
        expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)


def test_a_failed_upload_says_why_and_can_be_sent_again(open_page: Open, ann: Client) -> None:
    mine = ann.assistant(name="Uploads")["id"]
    page = open_page(f"/assistants/{mine}/edit")
    refused = {"detail": "The disk is full.", "code": "disk_full"}
    page.route(
        f"**{API}/assistants/{mine}/documents/",
        lambda route: route.fulfill(status=503, json=refused),
        times=1,
    )
    page.locator("input[type=file]").set_input_files(
        {
            "name": "notes.md",
            "mimeType": "text/markdown",
            "buffer": b"# Notes\n\nThe cat is asleep.",
        }
    )
    row = page.locator(".file", has_text="notes.md")
    expect(row).to_contain_text("The disk is full.")
    row.get_by_role("button", name="Send notes.md again").click()
    expect(row).to_contain_text("Ready")
