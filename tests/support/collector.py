"""An OpenTelemetry collector as small as it can be: it keeps the spans that it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override


class Collector:
    """What came, by whoever sent it."""

    def __init__(self, url: str, spans: list[Span], paths: list[str]) -> None:
        self.url = url
        self.spans = spans
        self.paths = paths

    def named(self, name: str) -> list[Span]:
        """The spans of a name, oldest first."""
        return [one for one in self.spans if one.name == name]

    def inside(self, span: Span) -> list[Span]:
        """The parts of a span, by when they began."""
        found = [one for one in self.spans if one.parent_span_id == span.span_id]
        return sorted(found, key=lambda one: one.start_time_unix_nano)


@contextmanager
def running_collector() -> Iterator[Collector]:
    """One on a free port, with a thread of its own."""
    spans: list[Span] = []
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="collector")
        thread.start()
        try:
            yield Collector(f"http://127.0.0.1:{server.server_port}", spans, paths)
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Span) -> dict[str, str | int]:
    """What a span says of itself."""
    return {
        one.key: one.value.string_value
        if one.value.HasField("string_value")
        else one.value.int_value
        for one in span.attributes
    }
