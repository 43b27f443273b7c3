"""Debian's Chromium for tests; who has none is told so, and only CI must have it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

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
NONE = f"no browser: none of {', '.join(NAMES)} is installed"


def executable() -> str:
    """The path of a Chromium; without one the test is skipped, and in CI it fails."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    if os.environ.get("CI"):  # noqa: TID251  # a test asks where it runs
        pytest.fail(NONE)
    pytest.skip(NONE)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser. Of one module only: its event loop stands in the way of other tests."""
    path = executable()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield launched
        finally:
            launched.close()
