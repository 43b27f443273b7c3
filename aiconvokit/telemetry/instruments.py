"""The instruments of this process; docs/operations.md says what each is for.

What is read at the moment of a scrape stands in `operations.metrics.gauges`.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from aiconvokit import __version__

# They are a second series to each, of when the process began, which process_ has once.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's

REGISTRY = CollectorRegistry()
"""Ours alone: nothing that a library registers comes in unasked."""

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Seconds: from a lookup to the longest that a chat model is waited for."""
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_DOCUMENT = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600)

PROCESS = ProcessCollector(registry=REGISTRY)

INFO = Gauge("aiconvokit_info", "Always 1; which version runs.", ["version"], registry=REGISTRY)
INFO.labels(__version__).set(1)

REQUESTS = Counter(
    "aiconvokit_http_requests",
    "Requests that ended, by route, method and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "aiconvokit_http_request_duration_seconds",
    "From a request to the end of its answer; of a stream, to its last event.",
    ["route", "method"],
    buckets=_REQUEST,
    registry=REGISTRY,
)
OPEN_STREAMS = Gauge(
    "aiconvokit_open_streams", "Answers that are being streamed now.", registry=REGISTRY
)
THROTTLED = Counter(
    "aiconvokit_throttled",
    "Requests that were refused with 429: a rate, a quota, or too many at once.",
    registry=REGISTRY,
)

TURNS = Counter(
    "aiconvokit_turns",
    "Questions that came to an end, by outcome: a finish reason, interrupted or failed.",
    ["outcome"],
    registry=REGISTRY,
)
TURN_PHASE_SECONDS = Histogram(
    "aiconvokit_turn_phase_seconds",
    "How long the parts of a turn took: rewrite, embed, search (with embed), first_token, model, "
    "attribution, extract, total.",
    ["phase"],
    buckets=_FAST,
    registry=REGISTRY,
)
MODEL_TOKENS = Counter(
    "aiconvokit_model_tokens",
    "Tokens as the chat model counted them, by its configured name; prompt or completion.",
    ["model", "kind"],
    registry=REGISTRY,
)
MODEL_FAULTS = Counter(
    "aiconvokit_model_faults",
    "Calls of a chat model (each try) or an embedder (each batch) that failed, by code.",
    ["kind", "code"],
    registry=REGISTRY,
)
EMBEDDER_BATCH_SECONDS = Histogram(
    "aiconvokit_embedder_batch_seconds",
    "How long the embedder took for a batch that it answered.",
    buckets=_FAST,
    registry=REGISTRY,
)
EMBEDDER_TEXTS = Counter(
    "aiconvokit_embedder_texts", "Texts that were embedded.", registry=REGISTRY
)

DOCUMENT_PHASE_SECONDS = Histogram(
    "aiconvokit_document_phase_seconds",
    "How long the parts of reading a document took: parse, embed, store.",
    ["phase"],
    buckets=_DOCUMENT,
    registry=REGISTRY,
)
INDEX_STEPS = Counter(
    "aiconvokit_index_steps",
    "Vector indexes of large collections that were made (promote), made anew (rebuild) or dropped "
    "(demote).",
    ["step"],
    registry=REGISTRY,
)
