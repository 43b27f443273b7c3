"""Documents that are being read: how long each part takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiconvokit import request_id
from aiconvokit.telemetry import tracing
from aiconvokit.telemetry.instruments import DOCUMENT_PHASE_SECONDS


@contextmanager
def reading(document_id: int) -> Iterator[None]:
    """One try at a document: what is logged within is for it."""
    with (
        request_id.named(f"document-{document_id}"),
        tracing.step("document", {"aiconvokit.document_id": document_id}),
    ):
        yield


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A part of it, timed also when it fails: parse, embed or store."""
    begun = time.perf_counter()
    try:
        with tracing.step(name, {}):
            yield
    finally:
        DOCUMENT_PHASE_SECONDS.labels(name).observe(time.perf_counter() - begun)
