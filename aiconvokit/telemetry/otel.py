"""Spans as OpenTelemetry has them, sent in the background over OTLP. Needs the extra `[otel]`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aiconvokit import __version__
from aiconvokit.telemetry.tracing import Attributes, RequestSpan, Told

PATH = "/v1/traces"
SECONDS = 5
"""For one batch at the collector: a server that stops waits no longer for one that is away."""
_CARRIED = frozenset([b"traceparent", b"tracestate"])


class OpenTelemetry:
    """Sends spans to a collector; where it is away they are lost, and the log says so."""

    def __init__(self, endpoint: str) -> None:
        # The operator's own OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come after ours.
        ours = Resource({"service.name": "aiconvokit", "service.version": __version__})
        self._provider = TracerProvider(
            resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH, timeout=SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("aiconvokit", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, headers: Sequence[tuple[bytes, bytes]]) -> Iterator[RequestSpan]:
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in _CARRIED
        }
        with self._tracer.start_as_current_span(
            "request",
            context=self._propagator.extract(carried),
            kind=SpanKind.SERVER,
            record_exception=False,  # its message may hold what a user wrote
            set_status_on_exception=False,
        ) as span:
            yield _Request(span)

    @contextmanager
    def step(self, name: str, attributes: Attributes) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise

    def tell(self, told: Told) -> None:
        # The wall clock of a moment that the other clock knows.
        offset = time.time_ns() - time.perf_counter_ns()
        self._tell(told, None, offset)

    def close(self) -> None:
        self._provider.shutdown()

    def _tell(self, told: Told, parent: Span | None, offset: int) -> None:
        span = self._tracer.start_span(
            told.name,
            context=None if parent is None else set_span_in_context(parent),
            attributes=told.attributes,
            start_time=_nanoseconds(told.begun, offset),
        )
        for name, at in told.events:
            span.add_event(name, timestamp=_nanoseconds(at, offset))
        for part in told.parts:
            self._tell(part, span, offset)
        if told.has_failed:
            span.set_status(StatusCode.ERROR)
        span.end(end_time=_nanoseconds(told.ended, offset))


class _Request:
    def __init__(self, span: Span) -> None:
        self._span = span

    def name(self, name: str, attributes: Attributes, status: int) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


def _nanoseconds(seconds: float, offset: int) -> int:
    return int(seconds * 1e9) + offset
