"""How the tests use the page: the way a person does, by names and roles."""

from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.server import API, PASSWORD, Client, Server

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
    question_box(page).fill(question)
    page.keyboard.press("Enter")


def answered(page: Page, number: int = 1) -> Locator:
    """The answer of that number once it is whole."""
    answer = page.locator("article.answer").nth(number - 1)
    expect(answer.locator(".answer-actions")).to_be_visible()
    return answer


def is_too_wide(page: Page) -> bool:
    """Whether the page has to be scrolled to the side."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def log_in_as(page: Page, name: str) -> None:
    """Fill in the login, wherever the page asks for it."""
    heading = page.get_by_role("heading", name="Log in")
    other = page.get_by_role("button", name="Log in")
    expect(other).to_be_visible()
    if not heading.is_visible():
        other.click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page, account: str) -> None:
    """Log out by the menu of the account, which is called so."""
    page.get_by_role("button", name=account, exact=True).click()
    page.get_by_role("menuitem", name="Log out").click()


def end_session(page: Page, server: Server) -> None:
    """Revoke the token that a page uses, as another device may do."""
    secret = page.evaluate(f"() => localStorage.getItem('{TOKEN}')")
    with server.client(Authorization=f"Token {secret}") as client:
        token_id = client.get(f"{API}/users/me/").json()["token_id"]
        assert client.delete(f"{API}/tokens/{token_id}/").status_code == 204


def question_box(page: Page) -> Locator:
    """Where a question is written."""
    return page.get_by_role("textbox", name="Your question")
