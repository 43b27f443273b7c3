"""A web site of somebody else's, which carries a widget, and what a visitor does there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import FrameLocator, Page, ViewportSize
from typing_extensions import override

BUTTON = "aiconvokit-widget button"
FRAME = "aiconvokit-widget iframe"
WIDE = ViewportSize(width=1100, height=800)
PHONE = ViewportSize(width=390, height=844)


@dataclass(slots=True)
class Site:
    """A server of HTML pages: what it serves by path, and what it was asked for."""

    origin: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: str, **headers: str) -> str:
        """Serve a page; header names with _ for -. Returns its address."""
        text = f'<!doctype html><html lang="en"><title>Shop</title><body>{body}</body></html>'
        self.pages[path] = (text, {name.replace("_", "-"): one for name, one in headers.items()})
        return self.origin + path


def snippet(widget: dict[str, Any], **attributes: str) -> str:
    """The line that an owner pastes, with attributes of one's own."""
    more = "".join(f' data-{name}="{value}"' for name, value in attributes.items())
    line: str = widget["snippet"]
    return line.replace(" async>", f"{more} async>")


@contextmanager
def running_site() -> Iterator[Site]:
    """A site on a free port, another origin than the server's."""
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            body, headers = site.pages.get(urlsplit(self.path).path, ("", {}))
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def chat(page: Page, number: int = 0) -> FrameLocator:
    """Inside the widget's frame."""
    return page.locator(FRAME).nth(number).content_frame


def open_chat(page: Page, number: int = 0) -> FrameLocator:
    """Open a widget as a visitor does, and wait until one can write."""
    page.locator(BUTTON).nth(number).click()
    inside = chat(page, number)
    inside.get_by_role("textbox").wait_for()
    return inside


def ask(inside: FrameLocator, question: str) -> None:
    """Ask, without waiting for the answer."""
    inside.get_by_role("textbox").fill(question)
    inside.get_by_role("textbox").press("Enter")


def answered(inside: FrameLocator, number: int = 1) -> None:
    """Wait for so many whole answers."""
    inside.locator(".thumbs").nth(number - 1).wait_for()
