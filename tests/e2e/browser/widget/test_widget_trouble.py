import re

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.browser.widget.conftest import TEXT, NewWidget
from e2e.browser.widget.hosts import FRAME, Site, answered, ask, chat, open_chat, snippet
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, running_server
from support.waiting import eventually

QUESTION = "What dividend does the board propose?"


def test_a_spent_budget_is_told_with_the_hour_it_comes_back(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget(messages_per_day=1))))
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)
    asked = len(model.chats())
    ask(inside, QUESTION)
    note = inside.locator(".answer .note")
    expect(note).to_contain_text(re.compile(r"for today.*after \d"))
    expect(inside.get_by_role("button", name="Try again")).to_have_count(0)
    assert len(model.chats()) == asked


def test_a_paused_widget_says_so_and_goes_on_when_it_may(
    page: Page, site: Site, new_widget: NewWidget, ann: Client, model: FakeModel
) -> None:
    widget = new_widget(is_paused=True)
    page.goto(site.put("/", snippet(widget, open="")))
    inside = chat(page)
    expect(inside.get_by_role("heading", name="Taking a break")).to_be_visible()
    expect(inside.get_by_role("textbox")).to_be_hidden()

    ann.put(f"{API}/widgets/{widget['id']}/", json={"is_paused": False})
    inside.get_by_role("button", name="Try again").click()
    ask(inside, QUESTION)
    answered(inside)

    ann.put(f"{API}/widgets/{widget['id']}/", json={"is_paused": True})
    ask(inside, "One more?")
    expect(inside.get_by_role("heading", name="Taking a break")).to_be_visible()
    ann.put(f"{API}/widgets/{widget['id']}/", json={"is_paused": False})
    inside.get_by_role("button", name="Try again").click()
    expect(inside.get_by_role("textbox")).to_have_value("One more?")
    expect(inside.locator(".answer strong")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "language", "told"),
    [
        ("de-AT", "auto", "Gerade PauseDieser Chat macht gerade Pause."),
        ("fr-FR", "auto", "Taking a breakThis chat is paused for the moment."),
        ("en-US", "de", "Gerade PauseDieser Chat macht gerade Pause."),
    ],
)
def test_a_paused_widget_says_so_in_the_visitors_language(
    chromium: Browser,
    site: Site,
    new_widget: NewWidget,
    locale: str,
    language: str,
    told: str,
) -> None:
    widget = new_widget(is_paused=True, language=language)
    with chromium.new_context(locale=locale) as visitors:
        page = visitors.new_page()
        page.goto(site.put("/", snippet(widget, open="")))
        expect(chat(page).get_by_role("alert")).to_contain_text(told)


@pytest.mark.parametrize("what", ["conversation", "widget"])
def test_a_conversation_that_is_deleted_in_the_middle_of_an_answer(
    page: Page, site: Site, new_widget: NewWidget, ann: Client, model: FakeModel, what: str
) -> None:
    model.spoil("/chat/completions", "slow_drip=0.1")
    model.script("The board proposes a dividend. " * 20)
    widget = new_widget()
    address = f"{API}/widgets/{widget['id']}/"
    page.goto(site.put("/", snippet(widget)))
    inside = open_chat(page)
    ask(inside, QUESTION)
    expect(inside.locator(".answer .text")).to_contain_text("The board")
    if what == "conversation":
        address = ann.get(f"{address}chats/").json()[0]["absolute_url"]
    assert ann.delete(address).status_code == 204
    expect(inside.locator(".answer .note")).to_contain_text("This conversation has ended.")
    expect(inside.get_by_role("status")).to_contain_text("This conversation has ended.")
    model.reset()
    model.script("The board proposes a dividend of 0.85 euro a share [1].")
    inside.get_by_role("button", name="Try again").click()
    if what == "conversation":
        answered(inside)
        expect(inside.locator(".asked")).to_have_count(1)
    else:
        expect(inside.get_by_role("heading", name="Not available here")).to_be_visible()


def test_what_is_no_question_is_not_asked(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    page.get_by_role("button", name="Open chat").wait_for()
    page.evaluate(
        """() => {
            const odd = [null, undefined, 7, NaN, true, {}, [], ["x"], () => "x", Symbol("x"), 1n,
                "", "  ", document.body, new String("x")];
            for (const one of odd) AIConvoKit.ask(one);
            AIConvoKit.ask();
            for (const key of ["acw_pk_unknown", "", 7, {}]) AIConvoKit.ask("No widget's", key);
            for (const key of ["acw_pk_unknown", "", 7, {}]) AIConvoKit.open(key);
            AIConvoKit.close(null);
        }"""
    )
    expect(page.locator(FRAME)).to_be_hidden()
    page.evaluate("AIConvoKit.ask('What dividend?', null)")
    inside = chat(page)
    answered(inside)
    expect(inside.locator(".asked")).to_have_count(1)
    frame = page.locator(FRAME).element_handle()
    frame.evaluate(
        """(frame) => {
            const { origin } = new URL(frame.src);
            for (const text of [null, 7, {}, undefined]) {
                frame.contentWindow.postMessage({ aiconvokit: "ask", text }, origin);
            }
        }"""
    )
    page.evaluate("AIConvoKit.ask('How many people?')")
    answered(inside, 2)
    expect(inside.locator(".asked")).to_have_count(2)


def test_a_site_that_was_taken_off_the_list_is_told_so(
    page: Page, site: Site, new_widget: NewWidget, ann: Client
) -> None:
    widget = new_widget()
    page.goto(site.put("/", snippet(widget)))
    page.get_by_role("button", name="Open chat").wait_for()
    ann.put(f"{API}/widgets/{widget['id']}/", json={"origins": ["https://www.example.org"]})
    page.get_by_role("button", name="Open chat").click()
    inside = chat(page)
    expect(inside.get_by_role("heading", name="Not available here")).to_be_visible()
    expect(inside.get_by_role("button", name="Try again")).to_have_count(0)
    expect(inside.get_by_role("button", name="Close chat")).to_be_focused()


def test_a_dead_model_can_be_asked_again(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    model.spoil("/chat/completions", "401")
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    ask(inside, QUESTION)
    expect(inside.locator(".answer .note")).to_contain_text("No answer could be written")
    expect(inside.locator(".answer")).not_to_contain_text(re.compile("key|model|401"))

    model.reset()
    model.script("The board proposes a dividend of 0.85 euro a share [1].")
    inside.get_by_role("button", name="Try again").click()
    answered(inside)
    expect(inside.locator(".asked")).to_have_count(1)


def test_without_a_connection_nothing_is_lost(
    context: BrowserContext, page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    page.get_by_role("button", name="Open chat").wait_for()
    context.set_offline(True)
    page.get_by_role("button", name="Open chat").click()
    inside = chat(page)
    expect(inside.get_by_role("heading", name="No connection")).to_be_visible()
    context.set_offline(False)
    inside.get_by_role("button", name="Try again").click()
    inside.get_by_role("textbox").wait_for()
    context.set_offline(True)
    ask(inside, QUESTION)
    expect(inside.locator(".answer .note")).to_contain_text("could not be reached")
    context.set_offline(False)
    inside.get_by_role("button", name="Try again").click()
    answered(inside)
    expect(inside.locator(".asked")).to_have_count(1)


def test_a_server_that_dies_in_the_middle_leaves_what_it_said(
    page: Page, site: Site, cluster_url: str, model: FakeModel
) -> None:
    model.spoil("/chat/completions", "slow_drip=0.2")
    model.script("The board proposes a dividend. " * 20)
    environment = {"AICONVOKIT_CHAT_MODEL": "fake"}
    with (
        running_server(clone(cluster_url), model.base_url, environment=environment) as server,
        server.login("ann") as ann,
    ):
        assistant = ann.assistant(report_md=TEXT)["id"]
        new = {"assistant_id": assistant, "origins": [site.origin], "title": "Ask us"}
        widget = ann.post(f"{API}/widgets/", json=new).json()
        page.goto(site.put("/", snippet(widget)))
        inside = open_chat(page)
        ask(inside, QUESTION)
        expect(inside.locator(".answer .text")).to_contain_text("The board")
        server.kill()
        expect(inside.locator(".answer .note")).to_contain_text("The connection was lost")
        expect(inside.locator(".answer .text")).to_contain_text("The board")
        inside.get_by_role("button", name="Try again").click()
        expect(inside.locator(".answer .note")).to_contain_text("could not be reached")


def test_a_session_that_ran_out_is_renewed_and_the_question_sent_again(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel, database: str
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    ask(inside, QUESTION)
    answered(inside)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM widget_session")
    ask(inside, "And again?")
    answered(inside, 2)
    expect(inside.locator(".divider")).to_contain_text("This is a new one")
    expect(inside.locator(".asked")).to_have_count(2)


def test_stop_ends_the_answer_and_the_model(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    model.spoil("/chat/completions", "slow_drip=0.2")
    model.script("The board proposes a dividend. " * 100)
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    ask(inside, QUESTION)
    expect(inside.locator(".answer .text")).to_contain_text("The board")
    inside.get_by_role("button", name="Stop answering").click()
    expect(inside.locator(".answer .note")).to_have_text("Stopped.")
    expect(inside.get_by_role("button", name="Send")).to_be_visible()
    expect(inside.get_by_role("textbox")).to_be_focused()
    eventually(lambda: model.chats()[-1].outcome == "client_gone")
    page.reload()
    inside = open_chat(page)
    expect(inside.locator(".answer .note")).to_have_text("This answer was cut off.")


def test_a_question_that_is_too_long_comes_back_to_be_made_shorter(
    page: Page, site: Site, new_widget: NewWidget, model: FakeModel
) -> None:
    page.goto(site.put("/", snippet(new_widget())))
    inside = open_chat(page)
    ask(inside, "very " * 2_000)
    expect(inside.locator(".answer .note")).to_contain_text("too long")
    expect(inside.get_by_role("textbox")).to_have_value(re.compile("very very"))
    assert not model.chats()
