"""Whether a search found anything at all; a threshold belongs to its embedding space."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from aiconvokit.retrieval.types import Passage

RELEVANT_FROM: Mapping[str, float] = MappingProxyType({"multilingual-e5-small-q4": 0.79})
"""Best cosine below which nothing fits the question, by embedding model.

`aiconvokit eval` prints the cosines: of questions that have an answer, 99 % lie above .79 in every
development set; of questions on other subjects a tenth to a half lie below. A model without a
figure here has no such rule.
"""


def anything_relevant(passages: Sequence[Passage], model: str) -> bool:
    """Whether any passage is near enough to the question."""
    threshold = RELEVANT_FROM.get(model)
    return bool(passages) and (
        threshold is None or max(passage.dense for passage in passages) >= threshold
    )
