"""Whether a search found anything at all; a threshold belongs to its embedding space."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from aiconvokit.retrieval.types import Found

RELEVANT_FROM: Mapping[str, float] = MappingProxyType({"multilingual-e5-small-q4": 0.79})
"""Best cosine below which nothing fits the question, by embedding model.

`aiconvokit eval` prints the cosines: of questions that have an answer, 99 % lie above .79 in every
development set; of questions on other subjects a tenth to a half lie below. A model without a
figure here has no such rule.
"""


def anything_relevant(found: Found) -> bool:
    """Whether any passage is near enough to the question, each by the measure of its space."""
    return any(
        passage.dense >= RELEVANT_FROM.get(found.spaces[passage.document_id].model, -math.inf)
        for passage in found.passages
    )
