"""What a server's refusal says about its limits; servers agree on no code for it."""

import re

SMALLEST_WINDOW = 512
"""No model that chats has less: a smaller number in a message means something else."""

_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|(input|prompt|text)s?\b[^.]{0,40} too (large|long)"
    r"|too many tokens|must have less than \d+ tokens|maximum number of tokens"
    r"|maximum (model|sequence) length|reduce the length|exceeds? the (token|model) limit"
    r"|tokens\b[^.]{0,60} must be <= ?\d+",
    re.IGNORECASE,
)

# OpenAI and vLLM; llama.cpp; Mistral; Gemini; LM Studio; TGI.
_WINDOW = re.compile(
    r"(?:context (?:length|window|size)|(?:model|sequence) length|n_ctx|number of tokens"
    r"(?: allowed)?)['\"]?(?: (?:is|of|only)| ?[:=(])*\s*(\d+)"
    r"|(\d+) maximum|maximum of (\d+) tokens|must be <= ?(\d+)",
    re.IGNORECASE,
)

_TOO_MANY = re.compile(
    r"batch[ _]size\b[^.]{0,60}(exceed|larger|greater|maximum|invalid|too|>)"
    r"|(too many|maximum number of|number of) (inputs|input items|items|texts|documents)"
    r"|input array\b[^.]{0,40} too (large|long)|array too long",
    re.IGNORECASE,
)
# The limit, and not what was asked for: "batch size 64 > maximum allowed batch size 32".
_MOST = re.compile(
    r"(?:maximum|limit|larger than|greater than|exceeds?|at most|up to|>)[^\d.]{0,40}(\d+)",
    re.IGNORECASE,
)


def is_too_long(message: str) -> bool:
    """Whether a refusal is about the length of what was sent."""
    return bool(_TOO_LONG.search(message))


def is_too_many(message: str) -> bool:
    """Whether a refusal is about the number of texts in one request.

    llama.cpp means tokens by its "physical batch size", and speaks of an input that is too large.
    """
    return "physical batch size" not in message and bool(_TOO_MANY.search(message))


def window_in(message: str) -> int | None:
    """The context window, in tokens, that a refusal names."""
    found = _WINDOW.search(message)
    named = next((int(group) for group in found.groups() if group), 0) if found else 0
    return named if named >= SMALLEST_WINDOW else None


def most_items_in(message: str) -> int | None:
    """The most texts of one request that a refusal names; 0 and less are no limit."""
    named = [int(number) for number in _MOST.findall(message)]
    return min((number for number in named if number > 0), default=None)
