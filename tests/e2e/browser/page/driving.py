"""How the tests use the page: the way a person does, by names and roles."""

from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.server import Client

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TOKEN = "aiconvokit.token"


def log_in(context: BrowserContext, client: Client) -> None:
    """Give a browser the token of a client, as if its person had logged in before."""
    token = str(client.headers["Authorization"]).removeprefix("Token ")
    context.add_init_script(
        f"if (location.protocol === 'http:') localStorage.setItem('{TOKEN}', '{token}')"
    )


def ask(page: Page, question: str) -> None:
    """Write a question and send it."""
    page.get_by_role("textbox", name="Your question").fill(question)
    page.keyboard.press("Enter")


def answered(page: Page, number: int = 1) -> Locator:
    """The answer of that number once it is whole."""
    answer = page.locator("article.answer").nth(number - 1)
    expect(answer.locator(".answer-actions")).to_be_visible()
    return answer


def is_too_wide(page: Page) -> bool:
    """Whether the page has to be scrolled to the side."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))
