"""Every view of the page and of the widget: how a person comes to see it."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import FilePayload, FrameLocator, Page, Route, ViewportSize

from benchmarks.web.browser import BUTTON, DESKTOP, FRAME, PHONE
from benchmarks.web.scene import BROKEN, PURCHASE, WARRANTY, Scene

Show = Callable[[Page, Scene], None]
BOTH = (DESKTOP, PHONE)


@dataclass(frozen=True, slots=True)
class View:
    """A picture's name and how to get there; `is_public`: nobody is logged in."""

    name: str
    show: Show
    is_public: bool = False
    viewports: tuple[ViewportSize, ...] = BOTH


def _at(path: str, *, ready: str) -> Show:
    """An address of the page, drawn once `ready` (a selector) can be seen."""

    def show(page: Page, scene: Scene) -> None:
        numbers = {
            "assistant": scene.assistant,
            "chat": scene.chats[PURCHASE],
            "widget": scene.widget["id"],
        }
        page.goto(f"{scene.owner.base_url}/#{path.format(**numbers)}")
        page.locator(ready).first.wait_for()

    return show


def _login(page: Page, scene: Scene) -> None:
    _at("/login", ready=".login-card")(page, scene)
    page.get_by_role("button", name="Log in").first.click()
    page.get_by_role("heading", name="Log in").wait_for()


def _new(page: Page, scene: Scene) -> None:
    _at("/assistants/new", ready="form")(page, scene)
    page.get_by_label("Name", exact=True).fill("Contracts")
    page.get_by_label("Company").fill("Harrowmere Thermal")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    lease: FilePayload = {"name": "lease.pdf", "mimeType": "", "buffer": b"0" * 123_456}
    chooser.value.set_files(lease)


def _answered(page: Page, scene: Scene) -> None:
    _at("/assistants/{assistant}/chat/{chat}", ready="article.answer .answer-actions")(page, scene)


def _ask(page: Page, scene: Scene, question: str) -> None:
    _at("/assistants/{assistant}/chat", ready="form.composer")(page, scene)
    page.get_by_role("textbox", name="Your question").fill(question)
    page.get_by_role("button", name="Send").click()


def _streaming(page: Page, scene: Scene) -> None:
    scene.model.going.clear()
    try:
        _ask(page, scene, PURCHASE)
        page.get_by_text("Apeldoorn").first.wait_for()  # of the half that comes
    finally:
        page.once("close", lambda _: scene.model.going.set())


def _failed(page: Page, scene: Scene) -> None:
    _ask(page, scene, BROKEN)
    page.locator(".problem-box").wait_for()


def _proof(page: Page, scene: Scene) -> None:
    _answered(page, scene)
    page.locator(".prose .mark").first.click()
    page.locator(".panel .box").first.wait_for()


def _proof_as_text(page: Page, scene: Scene) -> None:
    _proof(page, scene)
    page.get_by_role("button", name="As text").click()
    page.locator(".panel mark").first.wait_for()


def _doubt(page: Page, scene: Scene) -> None:
    _answered(page, scene)
    page.get_by_role("button", name="Not supported by the documents").first.focus()
    page.locator(".tip").wait_for()


def _inside(page: Page, scene: Scene) -> None:
    _answered(page, scene)
    page.get_by_role("button", name="Look inside").click()
    page.locator(".panel .passage").first.wait_for()


def _chats(page: Page, scene: Scene) -> None:
    _at("/assistants/{assistant}/chat", ready="form.composer")(page, scene)
    if page.viewport_size == PHONE:
        page.get_by_role("button", name="Chats").click()
    page.locator(".chat-item").first.hover()
    page.get_by_role("button", name="More for").first.click()
    page.get_by_role("menu").wait_for()


def _reading(page: Page, scene: Scene) -> None:
    """One document half read, one that waits: as the API tells it while it goes on."""

    def as_if_read(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        first, second = body if isinstance(body, list) else body["documents"]
        first |= {"status": "processing", "progress": {"page": 37, "pages": 96}}
        second |= {"status": "queued", "progress": None, "error": None}
        route.fulfill(response=answer, json=body)

    page.route(f"**/assistants/{scene.assistant}/", as_if_read)
    page.route(f"**/assistants/{scene.assistant}/documents/**", as_if_read)
    _EDIT(page, scene)
    page.get_by_text("Reading page 37 of 96").wait_for()


def _in_german(show: Show) -> Show:
    """The same for who chose German in the settings."""

    def shown(page: Page, scene: Scene) -> None:
        chosen = "localStorage.setItem('aiconvokit.language', 'de')"
        page.add_init_script(f"if (location.protocol === 'http:') {chosen}")
        show(page, scene)

    return shown


def _delete(page: Page, scene: Scene) -> None:
    _at("/assistants/{assistant}/edit", ready=".file")(page, scene)
    page.get_by_role("button", name="Delete assistant").click()
    page.get_by_role("dialog").wait_for()


def _token(page: Page, scene: Scene) -> None:
    _at("/settings/tokens", ready=".row")(page, scene)
    page.get_by_role("button", name="New token").click()
    page.get_by_role("dialog").wait_for()


def _transcripts(page: Page, scene: Scene) -> None:
    _at("/settings/widgets/{widget}/chats", ready=".row .thumbs")(page, scene)
    page.locator(".skeleton").first.wait_for(state="detached")


def _transcript(page: Page, scene: Scene) -> None:
    _transcripts(page, scene)
    page.get_by_role("button", name="Read").first.click()
    page.locator("dialog article.answer .answer-actions").wait_for()


def _host(page: Page, scene: Scene) -> None:
    page.goto(scene.site)
    page.locator(BUTTON).wait_for()


def _opened(page: Page, scene: Scene) -> FrameLocator:
    _host(page, scene)
    page.locator(BUTTON).click()
    inside = page.locator(FRAME).content_frame
    inside.get_by_role("textbox").wait_for()
    return inside


def _widget(page: Page, scene: Scene) -> None:
    _opened(page, scene).get_by_role("button", name=WARRANTY).wait_for()


def _visitor(page: Page, scene: Scene) -> None:
    inside = _opened(page, scene)
    inside.get_by_role("button", name=WARRANTY).click()
    inside.locator(".thumbs").first.wait_for()
    inside.get_by_role("link", name="Source 1").click()
    inside.locator("details[open] img").wait_for()


def _paused(page: Page, scene: Scene) -> None:
    path = f"/widgets/{scene.widget['id']}/"

    def pause(*, is_paused: bool) -> None:
        scene.owner.http.put(path, json={"is_paused": is_paused}).raise_for_status()

    pause(is_paused=True)
    page.once("close", lambda _: pause(is_paused=False))
    _host(page, scene)
    page.locator(BUTTON).click()
    page.locator(FRAME).content_frame.get_by_text("paused for the moment").wait_for()


def _form_below(page: Page, scene: Scene) -> None:
    """Its preview is loaded once it comes near, and is a page with the widget in it."""
    _FORM(page, scene)
    preview = page.locator("iframe.preview")
    preview.scroll_into_view_if_needed()
    widget = preview.content_frame.locator(FRAME).content_frame
    widget.get_by_role("button", name=WARRANTY).wait_for()


def _preview(page: Page, scene: Scene) -> None:
    page.goto(f"{scene.owner.base_url}/widget/preview?key={scene.widget['key']}")
    page.locator(FRAME).content_frame.get_by_role("textbox").wait_for()


def _docs(page: Page, scene: Scene) -> None:
    page.goto(f"{scene.owner.base_url}/docs")


def _below(show: Show) -> Show:
    """The end of what is longer than the window."""

    def shown(page: Page, scene: Scene) -> None:
        show(page, scene)
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    return shown


_EDIT = _at("/assistants/{assistant}/edit", ready=".file")
_ACCOUNT = _at("/settings/account", ready="form")
_FORM = _at("/settings/widgets/{widget}", ready="pre.secret")
VIEWS = (
    View("first", _at("/login", ready=".login-card"), is_public=True),
    View("login", _login, is_public=True),
    View("assistants", _at("/assistants", ready=".card-link")),
    View("new", _new),
    View("new-below", _below(_new)),
    View("edit", _EDIT),
    View("edit-below", _below(_EDIT)),
    View("reading", _reading),
    View("delete", _delete),
    View("welcome", _at("/assistants/{assistant}/chat", ready=".welcome")),
    View("chat", _answered),
    View("proof", _proof),
    View("proof-text", _proof_as_text),
    View("doubt", _doubt),
    View("inside", _inside),
    View("german", _in_german(_answered)),
    View("german-edit", _in_german(_EDIT)),
    View("chats", _chats),
    View("search", _at("/assistants/{assistant}/search?q=warranty+period", ready=".result")),
    View("account", _ACCOUNT),
    View("account-below", _below(_ACCOUNT)),
    View("tokens", _at("/settings/tokens", ready=".row")),
    View("token", _token),
    View("usage", _at("/settings/usage", ready="figure")),
    View("widgets", _at("/settings/widgets", ready=".row")),
    View("widget-form", _FORM),
    View("widget-form-below", _below(_form_below)),
    View("host", _host, is_public=True),
    View("widget-open", _widget, is_public=True),
    View("widget", _visitor, is_public=True),
    View("widget-paused", _paused, is_public=True),
    View("transcripts", _transcripts),
    View("transcript", _transcript),
    View("preview", _preview),
    View("docs", _docs, is_public=True),
    View("streaming", _streaming),
    View("failed", _failed),
)
"""In this order: the visitor of `widget` is who the transcripts are of, and what asks comes last:
its chats would stand in all lists."""
