"""Debian's Chromium for tests; who has none is told so, and only CI must have it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from benchmarks.web.browser import chromium, executable


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser. Of one module only: its event loop stands in the way of other tests.

    Without one the test is skipped, and in CI it fails.
    """
    try:
        executable()
    except FileNotFoundError as error:
        if os.environ.get("CI"):  # noqa: TID251  # a test asks where it runs
            pytest.fail(str(error))
        pytest.skip(str(error))
    with chromium() as launched:
        yield launched
