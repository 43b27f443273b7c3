"""Debian's Chromium, for pictures, timings and tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
PATIENCE_MS = 60_000
FRAME = "aiconvokit-widget iframe"
BUTTON = "aiconvokit-widget button"


def executable() -> str:
    """The path of a Chromium.

    Raises:
        FileNotFoundError: none is installed.
    """
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError(f"No browser: none of {', '.join(NAMES)} is installed.")
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser.

    Raises:
        FileNotFoundError: none is installed.
    """
    path = executable()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield launched
        finally:
            launched.close()


@contextmanager
def tab(
    browser: Browser, viewport: ViewportSize = DESKTOP, token: str | None = None
) -> Iterator[Page]:
    """A tab of a browser that has been nowhere; with a token its person is logged in."""
    is_phone = viewport == PHONE
    context = browser.new_context(
        viewport=viewport,
        is_mobile=is_phone,
        has_touch=is_phone,
        locale="en-US",
        reduced_motion="reduce",  # pictures of things that stand still
    )
    context.set_default_timeout(PATIENCE_MS)
    if token:
        _log_in(context, token)
    try:
        yield context.new_page()
    finally:
        context.close()


def _log_in(context: BrowserContext, token: str) -> None:
    """As if the person had logged in before; frames without an origin have no storage."""
    context.add_init_script(
        f"if (location.protocol === 'http:') localStorage.setItem('aiconvokit.token', '{token}')"
    )
