"""Our token counts beside the server's: how they compare, and whether a prompt was cut in silence.

Ollama drops what does not fit its context and answers as if nothing had happened; only the
`usage` of the answer shows it.
"""

import logging
import time
from collections.abc import Sequence

from aiconvokit.llm.chat_events import ChatMessage
from aiconvokit.llm.text import token_counts
from aiconvokit.llm.traits import Memory

MESSAGE_OVERHEAD = 4
"""Tokens that a chat template adds around a message."""
CALIBRATED_AFTER = 5
"""Answers that are all counted; counting 4,000 tokens costs a millisecond or two."""
CHECKED_EVERY = 20
"""Of the answers after those."""
MOST_CHARACTERS_A_TOKEN = 6
"""More is rare in any language (prose has four to five), so the prompt may have been cut."""
CUT_BELOW = 0.6
"""Of the tokens we expect; two honest tokenizers may differ by a third."""
SMALLEST_PROMPT = 100
"""Tokens; what a chat template adds weighs too much in a shorter one."""
SMOOTHING = 0.3
MOVED = 0.1
TOLD_EVERY_SECONDS = 60.0

logger = logging.getLogger(__name__)


def was_truncated(counted: int, usage_prompt_tokens: int, ratio: float | None) -> bool:
    """Whether a server read less of a prompt than it was sent.

    Args:
        counted: our count of the prompt.
        usage_prompt_tokens: the server's.
        ratio: its tokens for one of ours where that is known.
    """
    return usage_prompt_tokens < CUT_BELOW * counted * (ratio or 1.0)


class Calibration:
    """Compares counts now and then, and says once when a prompt was cut."""

    def __init__(self, memory: Memory, model: str) -> None:
        self._memory = memory
        self._model = model
        self._answers = 0
        self._counted = 0 if memory.traits.tokens_ratio is None else CALIBRATED_AFTER
        self._told_at = float("-inf")
        self._has_warned = False

    async def compare(self, messages: Sequence[ChatMessage], prompt_tokens: int) -> None:
        """Learn from one answer; most cost nothing.

        Args:
            messages: the prompt.
            prompt_tokens: its `usage`; 0 of servers that do not count what they have cached.
        """
        self._answers += 1
        characters = sum(len(message.content) for message in messages)
        if prompt_tokens <= 0 or not self._is_due(characters, prompt_tokens):
            return
        counts = await token_counts([message.content for message in messages])
        counted = sum(counts) + MESSAGE_OVERHEAD * len(counts)
        if counted < SMALLEST_PROMPT:
            return
        if was_truncated(counted, prompt_tokens, self._memory.traits.tokens_ratio):
            self._warn(counted, prompt_tokens)
        else:
            self._counted += 1
            self._take(prompt_tokens / counted)

    def _is_due(self, characters: int, prompt_tokens: int) -> bool:
        is_suspicious = characters > MOST_CHARACTERS_A_TOKEN * prompt_tokens
        return (
            self._counted < CALIBRATED_AFTER
            or self._answers % CHECKED_EVERY == 0
            or (is_suspicious and not self._has_warned)
        )

    def _take(self, ratio: float) -> None:
        known = self._memory.traits.tokens_ratio
        if known is not None:
            ratio = known + SMOOTHING * (ratio - known)
        ratio = round(ratio, 3)
        told, now = self._memory.told.tokens_ratio, time.monotonic()
        has_moved = told is None or abs(ratio - told) > MOVED * told
        if has_moved and now - self._told_at >= TOLD_EVERY_SECONDS:
            self._told_at = now
            self._memory.learn(tokens_ratio=ratio)
        else:
            self._memory.keep(tokens_ratio=ratio)

    def _warn(self, counted: int, prompt_tokens: int) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        logger.warning(
            "The server of %s read %d tokens of a prompt of about %d: it cuts what does not fit "
            "into its context, and answers without it. Give the model a longer context (Ollama: "
            "OLLAMA_CONTEXT_LENGTH, or num_ctx in its Modelfile).",
            self._model,
            prompt_tokens,
            counted,
        )
