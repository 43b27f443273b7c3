"""How long a person waits on a cold cache: the first paint, and until it can be used.

Times are the browser's own clock. What can be used is looked for at every frame that is painted, so
that a time may be 16 ms too long.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser, CDPSession, Frame, Page

from benchmarks.web.browser import BUTTON, tab
from benchmarks.web.scene import Scene

TRIES = 5
FIRST_PAINT = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) resolve(found.startTime);
  }).observe({ type: "paint", buffered: true });
})"""
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"
WATCH = """
const usable = {
  login: () => document.activeElement?.matches(".login-card input"),
  chat: () => document.querySelector("form.composer textarea")?.checkVisibility(),
  button: () => {
    const host = document.querySelector("aiconvokit-widget");
    return host?.shadowRoot.querySelector("button")?.checkVisibility();
  },
  frame: () => {
    const waits = document.querySelector("#loading");
    return waits?.hidden && document.querySelector("#composer #input").checkVisibility();
  },
};
window.benchmark = {};
const look = () => {
  for (const [name, is] of Object.entries(usable)) {
    if (!(name in benchmark) && is()) benchmark[name] = performance.timeOrigin + performance.now();
  }
  requestAnimationFrame(look);
};
look();
"""
"""Writes down when something could be used first, in ms since 1970."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection and a processor; `slowdown` times slower than this one."""

    name: str
    latency_ms: float = 0
    down_bits: float = 0
    up_bits: float = 0
    slowdown: float = 1

    def apply(self, session: CDPSession) -> None:
        """Make a tab that slow; nothing is done for a line that is as good as can be."""
        if self.slowdown == 1:
            return
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": self.latency_ms,
                "downloadThroughput": self.down_bits / 8,
                "uploadThroughput": self.up_bits / 8,
            },
        )
        session.send("Emulation.setCPUThrottlingRate", {"rate": self.slowdown})


LINES = (
    Line("loopback"),
    Line("slow", latency_ms=150, down_bits=1_600_000, up_bits=750_000, slowdown=4),
)
"""The slow one is what Lighthouse calls slow 4G, and a phone of the middle class."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The median of some tries on one line, in ms."""

    what: str
    line: str
    milliseconds: float


Visit = Callable[[Page, Scene], Sequence[float]]


def timings(browser: Browser, scene: Scene) -> Iterator[Timing]:
    """Everything on every line; by turns, so that what else the machine does is in all alike."""
    for line in LINES:
        found: dict[str, list[float]] = {}
        for _ in range(TRIES):
            for names, visit, token in _visits(scene):
                times = _try(browser, scene, visit, line, token)
                for name, time in zip(names, times, strict=True):
                    found.setdefault(name, []).append(time)
        for name, tries in found.items():
            yield Timing(name, line.name, median(tries))


def _visits(scene: Scene) -> Iterator[tuple[Sequence[str], Visit, str | None]]:
    """What is measured: its names, how, and the token of who is logged in."""
    yield ("login form: first paint", "login form: can be used"), _login, None
    yield ("chat: first paint", "chat: can be used"), _chat, scene.owner.token
    yield ("site without widget: first paint",), _bare, None
    names = (
        "site with widget: first paint",
        "widget: from the site's load to the button",
        "widget: from the click to the field",
    )
    yield names, _widget, None


def _try(
    browser: Browser, scene: Scene, visit: Visit, line: Line, token: str | None
) -> list[float]:
    with tab(browser, token=token) as page:
        page.add_init_script(WATCH)
        line.apply(page.context.new_cdp_session(page))
        return list(visit(page, scene))


def _login(page: Page, scene: Scene) -> Sequence[float]:
    page.goto(scene.owner.base_url)
    return page.evaluate(FIRST_PAINT), _since_start(page, "login")


def _chat(page: Page, scene: Scene) -> Sequence[float]:
    page.goto(f"{scene.owner.base_url}/#/assistants/{scene.assistant}/chat")
    return page.evaluate(FIRST_PAINT), _since_start(page, "chat")


def _bare(page: Page, scene: Scene) -> Sequence[float]:
    page.goto(f"{scene.site}/bare")
    return (page.evaluate(FIRST_PAINT),)


def _widget(page: Page, scene: Scene) -> Sequence[float]:
    page.goto(scene.site)
    paint = page.evaluate(FIRST_PAINT)
    button = _since_start(page, "button") - page.evaluate(LOADED)
    clicked = page.locator(BUTTON).evaluate(
        "(button) => { button.click(); return performance.timeOrigin + performance.now(); }"
    )
    frame = next(one for one in page.frames if "/embed/" in one.url)
    return paint, button, _when(frame, "frame") - clicked


def _since_start(page: Page, name: str) -> float:
    origin: float = page.evaluate("() => performance.timeOrigin")
    return _when(page.main_frame, name) - origin


def _when(frame: Frame, name: str) -> float:
    """When something could be used first, waited for; ms since 1970."""
    found: float = frame.wait_for_function(f"() => window.benchmark.{name}").json_value()
    return found
