"""What the calls of chat models and embedders came to: counted, and remembered for the health page.

Nobody calls a model to learn whether it is there: its state is what its last call said.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from aiconvokit.errors import UpstreamFailed
from aiconvokit.telemetry.instruments import (
    EMBEDDER_BATCH_SECONDS,
    EMBEDDER_TEXTS,
    MODEL_FAULTS,
    MODEL_TOKENS,
)

Kind = Literal["chat", "embedder"]
State = Literal["ok", "unavailable", "unknown"]

_OF_THE_REQUEST = frozenset(["input_too_long"])
"""Faults with which a server answers: it is there."""

_last: dict[tuple[Kind, str], State] = {}
"""As many as there are configured models and embedding spaces."""


def state(kind: Kind, model: str) -> State:
    """What the last call of a model in this process said; unknown: none was made."""
    return _last.get((kind, model), "unknown")


def answered(kind: Kind, model: str) -> None:
    """A call was answered whole."""
    _last[kind, model] = "ok"


def failed(kind: Kind, model: str, code: str) -> None:
    """A try failed; `code` is one of our own."""
    MODEL_FAULTS.labels(kind, code).inc()
    _last[kind, model] = "ok" if code in _OF_THE_REQUEST else "unavailable"


def used(model: str, prompt_tokens: int, completion_tokens: int) -> None:
    """Count what an answer took, as the server said."""
    MODEL_TOKENS.labels(model, "prompt").inc(prompt_tokens)
    MODEL_TOKENS.labels(model, "completion").inc(completion_tokens)


@contextmanager
def embedding(model: str, texts: int) -> Iterator[None]:
    """A batch of texts at an embedder; who is cancelled says nothing of it."""
    begun = time.perf_counter()
    try:
        yield
    except UpstreamFailed as error:
        failed("embedder", model, error.code)
        raise
    answered("embedder", model)
    EMBEDDER_BATCH_SECONDS.observe(time.perf_counter() - begun)
    EMBEDDER_TEXTS.inc(texts)
