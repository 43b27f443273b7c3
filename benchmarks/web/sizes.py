"""What a cold browser is sent for the page, the loader and the frame."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, Response

from benchmarks.web.browser import BUTTON, FRAME, tab
from benchmarks.web.scene import Scene


@dataclass(frozen=True, slots=True)
class Sent:
    """One answer: path, and the bytes of its body, unpacked and as they were sent."""

    path: str
    raw: int
    sent: int


@dataclass(frozen=True, slots=True)
class Size:
    """Everything that belongs to one part, added up; bytes."""

    part: str
    requests: int
    raw: int
    sent: int


def sizes(browser: Browser, scene: Scene) -> Iterator[Size]:
    """The files of each part; answers of the API are counted apart from them."""
    page = _watched(browser, scene, _login, None)
    yield _sum("page, until the login form", page)
    chat = _watched(browser, scene, _chat, scene.owner.token)
    yield _sum("page, until one can ask", [one for one in chat if not _is_api(one)])
    yield _sum("… answers of the API", [one for one in chat if _is_api(one)])
    widget = _watched(browser, scene, _open, None)
    yield _sum("widget's loader", [one for one in widget if one.path == "/widget.js"])
    yield _sum("widget's frame", [one for one in widget if _is_frame(one)])
    yield _sum("… the session", [one for one in widget if one.path.endswith("/session/")])


def _is_api(one: Sent) -> bool:
    return one.path.startswith("/api/")


def _is_frame(one: Sent) -> bool:
    return one.path != "/widget.js" and not one.path.endswith("/session/")


def _sum(part: str, found: Sequence[Sent]) -> Size:
    raw, sent = sum(one.raw for one in found), sum(one.sent for one in found)
    return Size(part, len(found), raw, sent)


def _login(page: Page, scene: Scene) -> None:
    page.goto(scene.owner.base_url)
    page.locator(".login-card input").first.wait_for()


def _chat(page: Page, scene: Scene) -> None:
    page.goto(f"{scene.owner.base_url}/#/assistants/{scene.assistant}/chat")
    page.locator(".welcome").wait_for()


def _open(page: Page, scene: Scene) -> None:
    page.goto(scene.site)
    page.locator(BUTTON).click()
    page.locator(FRAME).content_frame.get_by_role("textbox").wait_for()


def _watched(
    browser: Browser, scene: Scene, visit: Callable[[Page, Scene], None], token: str | None
) -> list[Sent]:
    """What our server sent on a visit."""
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # the library marks it, which a list's method forbids
        answers.append(answer)

    with tab(browser, token=token) as page:
        page.on("response", keep)
        visit(page, scene)
        page.wait_for_load_state("networkidle")
        return [
            _sent(one, scene.owner.base_url)
            for one in answers
            if one.url.startswith(scene.owner.base_url)
        ]


def _sent(answer: Response, base_url: str) -> Sent:
    path = answer.url.removeprefix(base_url).partition("?")[0]
    return Sent(path, len(answer.body()), answer.request.sizes()["responseBodySize"])
