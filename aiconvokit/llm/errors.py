"""What can go wrong with a model, as a code that stays and a sentence for a person.

ModelError           is an UpstreamFailed: the surfaces draw it without knowing this package
├── InputTooLong     knows the limit where the server named it
└── BadEmbeddings    is also the ingestion's EmbeddingFailed: the Embedder protocol promises it
"""

from typing import Literal

from aiconvokit.errors import UpstreamFailed
from ingestion.errors import EmbeddingFailed

LONGEST_RETRY_AFTER_SECONDS = 600
"""Of what is waited for in the background: a Retry-After of a day is not believed, since quotas are
raised meanwhile."""

ModelErrorCode = Literal[
    "model_unreachable",
    "model_timeout",
    "model_misconfigured",
    "model_bad_response",
    "model_empty_answer",
    "model_rate_limited",
    "model_without_tools",
    "embedder_unreachable",
    "embedder_timeout",
    "embedder_misconfigured",
    "embedder_rate_limited",
    "embedder_unavailable",
    "bad_embeddings",
    "input_too_long",
]

_STATUS = {
    "model_timeout": 504,
    "embedder_timeout": 504,
    # 503 and not 429: the caller did nothing wrong, we have used up our share of the server
    "model_rate_limited": 503,
    "embedder_rate_limited": 503,
    "embedder_unavailable": 503,
    "input_too_long": 422,
    "model_without_tools": 400,
}
_OTHER_STATUS = 502


class ModelError(UpstreamFailed):
    """A model did not give a usable answer.

    `status` is what we answer over HTTP: 502, 503, 504, 422 or 400. `retry_after` is in seconds,
    None when the server did not say. `detail` never holds a key, an address or the server's own
    words.
    """

    def __init__(
        self, detail: str, *, code: ModelErrorCode, retry_after: float | None = None
    ) -> None:
        status = _STATUS.get(code, _OTHER_STATUS)
        super().__init__(detail, code=code, status=status, retry_after=retry_after)


class InputTooLong(ModelError):
    """The server takes less than it was sent.

    Attributes:
        window: the context window it named, in its tokens; None: it named none.
        too_many: it is the number of texts in one request that it refuses.
        most_items: how many it takes, where it said so.
    """

    def __init__(
        self,
        detail: str,
        *,
        window: int | None = None,
        too_many: bool = False,
        most_items: int | None = None,
    ) -> None:
        super().__init__(detail, code="input_too_long")
        self.window = window
        self.too_many = too_many
        self.most_items = most_items


class BadEmbeddings(ModelError, EmbeddingFailed):
    """The vectors cannot be trusted: wrong count or dimension, not finite, zero."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code="bad_embeddings")
