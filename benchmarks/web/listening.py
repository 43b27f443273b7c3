"""HTTP servers on threads of this process: the model that is scripted, and a site of somebody's."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from typing_extensions import override


class Quiet(BaseHTTPRequestHandler):
    """A handler that keeps connections and writes no log."""

    protocol_version = "HTTP/1.1"

    def reply(self, status: int, body: bytes, media_type: str) -> None:
        """A whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def listening(handler: type[Quiet]) -> Iterator[str]:
    """A server on a free port of this machine until the end of the block: its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True  # a browser keeps its connections
    thread = threading.Thread(target=server.serve_forever, name=handler.__name__)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def site(pages: Mapping[str, str]) -> Iterator[str]:
    """A web site of HTML pages by path; another origin than the server's. Pages may come later."""

    class Site(Quiet):
        def do_GET(self) -> None:
            page = pages.get(urlsplit(self.path).path)
            self.reply(200 if page else 404, (page or "").encode(), "text/html; charset=utf-8")

    with listening(Site) as origin:
        yield origin
