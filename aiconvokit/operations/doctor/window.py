"""The context window as it really is: prompts of growing length, until one is refused or cut."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiconvokit.chat.prompt import ANSWER_TOKENS
from aiconvokit.config import Limits
from aiconvokit.llm.calibration import was_truncated
from aiconvokit.llm.chat_model import ChatMessage, ChatModel
from aiconvokit.llm.errors import InputTooLong, ModelError
from aiconvokit.operations.doctor.asking import Heard, ask
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.operations.doctor.model_server import Claim, explain
from ingestion.tokens import count_tokens

FIXED_TOKENS = 1_000
"""Of a prompt beside passages and history: instructions, rules, the question."""
FIRST_TOKENS = 500
PROBE_SECONDS = 30.0
SLOW_SECONDS = 15.0
"""A probe that took this long is the last: the next one has twice the length."""
CUT_BELOW = 0.9
"""Of what the first probe lets expect: all are made of the same words."""
MOST_OF_DEADLINE = 0.5
"""For reading the prompt; the answer has to be written, too."""
TOO_SMALL = 1_024
"""Tokens; a passage or two, and no room for an answer."""
ANSWER_ROOM = 24
"""Tokens; the answer is one word."""
WORDS = (
    *("report", "company", "quarter", "higher", "year", "before", "costs", "energy", "wages"),
    *("margins", "stayed", "about", "where", "they", "been", "board", "expects", "little"),
    *("change", "until", "plants", "open", "next", "spring", "near", "both", "harbours", "sales"),
)


@dataclass(slots=True)
class Measured:
    """What the probes told, in the server's tokens unless it says otherwise.

    `taken` is the longest prompt that was read whole, `taken_ours` the same as we count it. `limit`
    is where longer ones were refused or cut; None: none was. `speed` is how many of our tokens it
    read a second, at most.
    """

    ratio: float | None = None
    taken: int = 0
    taken_ours: int = 0
    speed: float = 0.0
    limit: int | None = None
    is_cut: bool = False
    lost_word: bool = False
    stopped: str = ""


def goal(limits: Limits) -> int:
    """The longest prompt of ours, in our tokens."""
    return limits.history_tokens + limits.passage_tokens + FIXED_TOKENS


async def measure(model: ChatModel, limits: Limits, *, thinking_room: int) -> Measured:
    """Send prompts of growing length, no longer than ours.

    Args:
        model: whose window.
        limits: what our prompts are made of.
        thinking_room: tokens that the model may think before its word; 0: it does not.
    """
    found = Measured()
    for size in _sizes(goal(limits)):
        word, prompt = _prompt(size)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                heard = await ask(model, [ChatMessage("user", prompt)], ANSWER_ROOM + thinking_room)
        except InputTooLong as error:
            found.limit = error.window or found.taken or None
            found.stopped = "refused" if found.limit else explain(error)
        except TimeoutError:
            found.stopped = f"a prompt of {size:,} tokens was not read in {PROBE_SECONDS:.0f} s"
            found.speed = size / PROBE_SECONDS
        except ModelError as error:
            found.stopped = explain(error).rstrip(".")
        else:
            counted = count_tokens(prompt)
            _judge(found, heard, word, counted)
            found.speed = counted / (heard.first_seconds or heard.seconds)
            if heard.first_seconds > SLOW_SECONDS:
                found.stopped = f"{size:,} tokens took {heard.first_seconds:.0f} s"
        if found.stopped or found.limit or found.lost_word:
            break
    return found


def report(found: Measured, claim: Claim | None, limits: Limits, findings: Findings) -> None:
    """Say whether our prompts fit, and what to change if they do not."""
    window = decided(found, claim)
    ratio = found.ratio or 1.0
    needed = round((goal(limits) + ANSWER_TOKENS) * ratio)
    said = _sentence(found, claim)
    if found.lost_word:
        findings.warn("chat window", said, _larger(needed))
    elif window is None and found.stopped:
        findings.warn("chat window", said, f"Give the model {needed:,} tokens, if you can set it.")
    elif window is None or window >= needed:
        findings.ok("chat window", said)
    elif window < TOO_SMALL:
        findings.fail("chat window", said, _larger(needed))
    else:
        findings.warn("chat window", said, f"{_larger(needed)} {_lower(limits, window, ratio)}")


def report_speed(found: Measured, limits: Limits, findings: Findings) -> None:
    """Say so when a full prompt is not read before a turn is over."""
    if not found.speed:
        return
    seconds, deadline = goal(limits) / found.speed, limits.chat_deadline_seconds
    said = f"{found.speed:,.0f} tokens/s are read: our longest prompts take {seconds:,.0f} s."
    if seconds > deadline * MOST_OF_DEADLINE:
        findings.warn(
            "chat speed",
            f"{said} A turn ends after {deadline}.",
            "Lower AICONVOKIT_PASSAGE_TOKENS and AICONVOKIT_HISTORY_TOKENS, raise "
            "AICONVOKIT_CHAT_DEADLINE_SECONDS, or take a faster machine.",
        )
    else:
        findings.ok("chat speed", said)


def decided(found: Measured, claim: Claim | None) -> int | None:
    """The window to go by: what was met counts more than what is said."""
    said = claim.tokens if claim else None
    return found.limit if found.limit is not None else said


def lessons(found: Measured, claim: Claim | None, known: int | None) -> dict[str, Any]:
    """Fields of `Traits`; a window that was met earlier is forgotten only if it was passed."""
    window = decided(found, claim)
    if window is None and (found.stopped or found.lost_word):
        window = known
    learnt: dict[str, Any] = {"context_window": window}
    if found.ratio is not None:
        learnt["tokens_ratio"] = round(found.ratio, 3)
    return learnt


def _sizes(most: int) -> Iterator[int]:
    size = FIRST_TOKENS
    while size < most:
        yield size
        size *= 2
    yield most


def _prompt(tokens: int) -> tuple[str, str]:
    """A word that nobody guesses, and a prompt of about so many tokens that begins with it."""
    chance = random.SystemRandom()
    word = "".join(chance.choices("BCDFGHJKLMNPQRSTVWXZ", k=6))
    task = "Answer with the very first word of this message, and nothing else."
    count = max(1, tokens - count_tokens(f"{word}\n\n{task}"))
    filler = " ".join(chance.choices(WORDS, k=count))
    return word, f"{word} {filler}\n\n{task}"


def _judge(found: Measured, heard: Heard, word: str, counted: int) -> None:
    usage = heard.completed.usage
    if usage is None or not usage.prompt_tokens:
        found.lost_word = found.taken_ours > 0 and word not in heard.completed.text
        if not found.lost_word and word not in heard.completed.text:
            found.stopped = "it counts no tokens and does not repeat a word, so nothing shows a cut"
        elif not found.lost_word:
            found.taken = found.taken_ours = counted
        return
    read = usage.prompt_tokens
    if found.ratio is None:
        is_cut = was_truncated(counted, read, None)
    else:
        is_cut = read < CUT_BELOW * counted * found.ratio
    if is_cut:
        found.limit, found.is_cut = read, True
        return
    found.ratio = read / counted
    found.taken, found.taken_ours = read, counted


def _sentence(found: Measured, claim: Claim | None) -> str:
    if found.is_cut:
        said = f"Prompts are cut at {found.limit:,} tokens, and nothing tells."
    elif found.lost_word:
        said = f"Prompts longer than {found.taken:,} tokens seem to lose their beginning."
    elif found.limit is not None:
        said = f"Prompts longer than {found.limit:,} tokens are refused."
    elif found.stopped and not found.taken:
        said = f"It was not measured: {found.stopped}."
    elif found.stopped:
        said = f"{found.taken:,} tokens were read whole; longer was not tried: {found.stopped}."
    else:
        said = f"{found.taken:,} tokens were read whole, as long as our prompts get."
    return f"{said} Its server says {claim.tokens:,} ({claim.source})." if claim else said


def _larger(needed: int) -> str:
    return (
        f"Give the model {needed:,} tokens (Ollama: OLLAMA_CONTEXT_LENGTH, or num_ctx in the "
        "Modelfile; llama.cpp: -c; vLLM: --max-model-len) and run this again."
    )


def _lower(limits: Limits, window: int, ratio: float) -> str:
    """What fits now, as `prompt.Budget.within` shares it out."""
    ours = int(window / ratio)
    left = max(0, ours - min(ANSWER_TOKENS, ours // 4) - FIXED_TOKENS)
    passages = min(limits.passage_tokens, left)
    history = min(limits.history_tokens, left - passages)
    return (
        "Until then prompts are shortened to fit, as with AICONVOKIT_PASSAGE_TOKENS="
        f"{passages} and AICONVOKIT_HISTORY_TOKENS={history}."
    )
