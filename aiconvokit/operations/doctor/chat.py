"""The chat model: whether it answers, and how it wants to be asked."""

import msgspec

from aiconvokit.config import Settings
from aiconvokit.llm.chat_model import ChatMessage, OpenAIChatModel
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.remember import address_of
from aiconvokit.llm.traits import Traits
from aiconvokit.operations.doctor import calling, window
from aiconvokit.operations.doctor.asking import Heard, ask
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.operations.doctor.model_server import (
    Listing,
    ModelServer,
    explain,
    fault_of_address,
    status_of,
    with_v1,
)
from ingestion.tokens import count_tokens

ANSWER_SECONDS = 60.0
"""For the first answer: a local server loads the model before it."""
ANSWER_ROOM = 1_024
"""Tokens; a few for the answer, the others for a model that thinks before it."""
THINKS_FROM = 4
"""Times the tokens of the answer itself."""
SHORT_ANSWER = 40
"""Tokens; below, what templates add weighs too much to tell thinking from answering."""
BUFFERED_SECONDS = 2.0
"""An answer that takes longer and comes in one piece was held back on its way."""

QUESTION = (
    ChatMessage("system", "You answer with numbers and commas only."),
    ChatMessage("user", "Count from 1 to 9."),
)


async def examine(settings: Settings, known: Traits, findings: Findings) -> Traits | None:
    """Look at the configured chat model.

    Args:
        settings: which one, and what our prompts are made of.
        known: what is stored about it.
        findings: where to note what is found.

    Returns:
        what it is like, to be stored; None: none is configured, or it does not answer.
    """
    if settings.chat_model is None:
        findings.ok(
            "chat model",
            "None is configured (AICONVOKIT_CHAT_MODEL): answers are passages, word for word.",
        )
        return None
    url, key = settings.openai_base_url, settings.chat_api_key
    if fault := fault_of_address(url):
        findings.fail("chat server", f"OPENAI_BASE_URL {fault}", "Often it ends in /v1.")
        return None
    server = ModelServer(url, key)
    model = OpenAIChatModel(url, key, settings.chat_model, deadline_s=ANSWER_SECONDS)
    try:
        return await _examine(server, model, settings, known, findings)
    finally:
        await model.close()
        await server.close()


async def _examine(
    server: ModelServer,
    model: OpenAIChatModel,
    settings: Settings,
    known: Traits,
    findings: Findings,
) -> Traits | None:
    listing = await server.models()
    address = address_of(settings.openai_base_url)
    if listing.problem == "unreachable":
        findings.fail("chat server", f"{address}: {listing.said}.", START)
        return None
    try:
        heard = await _first_answer(model)
    except ModelError as error:
        advice = await _advice(error, settings, listing)
        findings.fail("chat model", f"{model.name} at {address}: {explain(error)}", advice)
        return None
    _answered(findings, heard, model.name, address, listing)
    _streams(findings, heard, model.traits)
    _usage(findings, heard, model.traits)
    _system(findings, model.traits)
    thinking_room = _thinking(findings, heard, model.traits)
    await calling.examine(model, ANSWER_ROOM, findings)
    claim = await server.window(model.name, listing.entry(model.name))
    found = await window.measure(model, settings.limits, thinking_room=thinking_room)
    window.report(found, claim, settings.limits, findings)
    window.report_speed(found, settings.limits, findings)
    learnt = window.lessons(found, claim, known.context_window)
    if found.ratio is None and known.tokens_ratio is not None:
        learnt["tokens_ratio"] = known.tokens_ratio
    if model.traits.calls_tools is None:
        learnt["calls_tools"] = known.calls_tools
    return msgspec.structs.replace(model.traits, **learnt)


START = "Start the server, or correct OPENAI_BASE_URL; from a container 127.0.0.1 is itself."


async def _first_answer(model: OpenAIChatModel) -> Heard:
    """Bounded; a model that only thought within the bound is asked again without one."""
    try:
        return await ask(model, QUESTION, ANSWER_ROOM)
    except ModelError as error:
        if error.code != "model_empty_answer":
            raise
    return await ask(model, QUESTION, None)


async def _advice(error: ModelError, settings: Settings, listing: Listing) -> str:
    """Which variable to set to what."""
    status, name = status_of(error), settings.chat_model or ""
    if status in {401, 403}:
        return "Set OPENAI_API_KEY to a key of this server."
    if listing.problem == "no_api":
        fixed = with_v1(settings.openai_base_url)
        is_there = fixed is not None and await has_models(fixed, settings.chat_api_key)
        return f"Set OPENAI_BASE_URL={fixed}" if is_there else NO_API
    if status in {400, 404, 422} and error.code not in _ADVICE and name not in listing.names:
        return f"Set AICONVOKIT_CHAT_MODEL to a name it knows. {listing.suggestion(name)}".strip()
    code = "model_rate_limited" if status == 429 else error.code  # also when a quota is used up
    return _ADVICE.get(code, _CHECK if status else "Look at the server's log.")


NO_API = "Check OPENAI_BASE_URL: it is the address of the API and often ends in /v1."
_CHECK = "Check OPENAI_BASE_URL, OPENAI_API_KEY and AICONVOKIT_CHAT_MODEL."
_ADVICE = {
    "model_timeout": "Take a smaller model or a faster machine; a turn has "
    "AICONVOKIT_CHAT_DEADLINE_SECONDS.",
    "model_rate_limited": "Wait, or look at the account's limits and balance.",
    "model_empty_answer": "Take another model, or switch its thinking off.",
    "model_bad_response": "Check OPENAI_BASE_URL: it is the address of the API, and a proxy or a "
    "sign-in page may stand before it.",
    "model_unreachable": "Look at the server's log.",
    "input_too_long": "Give the model a longer context: this was a prompt of 30 tokens.",
}


async def has_models(url: str, key: str | None) -> bool:
    """Whether an address has a list of models."""
    server = ModelServer(url, key)
    try:
        return bool((await server.models()).names)
    finally:
        await server.close()


def _answered(findings: Findings, heard: Heard, name: str, address: str, listing: Listing) -> None:
    names = listing.names
    listed = {name, f"{name}:latest"} & set(names)
    note = "" if listed or not names else f" (The server's list has {', '.join(names[:3])}.)"
    usage = heard.completed.usage
    written = heard.seconds - heard.first_seconds
    speed = ""
    if usage and usage.completion_tokens > 1 and written > 0 and heard.arrivals > 1:
        speed = f", then {usage.completion_tokens / written:,.3g} tokens/s"
    findings.ok(
        "chat model",
        f"{name} at {address}: first words after {heard.first_seconds:.1f} s{speed}.{note}",
    )


def _streams(findings: Findings, heard: Heard, traits: Traits) -> None:
    wait = "Answers come as a whole at the end; that works."
    reason = heard.completed.finish_reason
    if not traits.asks_to_stream:
        findings.warn("chat streaming", f"The server refuses to stream. {wait}", NO_STREAM)
    elif not traits.streams:
        findings.warn("chat streaming", f"The server does not stream. {wait}", NO_STREAM)
    elif heard.arrivals == 1 and heard.first_seconds > BUFFERED_SECONDS:
        findings.warn(
            "chat streaming",
            f"All of an answer came at once, after {heard.first_seconds:.1f} s.",
            "Something in between collects it: switch off buffering in the proxy.",
        )
    elif reason == "length":
        findings.warn(
            "chat streaming",
            f"The answer was cut off after {ANSWER_ROOM:,} tokens.",
            "Take a model that thinks less, or switch its thinking off.",
        )
    else:
        ended = f'ends with "{reason}"' if reason else "its end gives no reason"
        pieces = "piece" if heard.arrivals == 1 else "pieces"
        findings.ok("chat streaming", f"{heard.arrivals} {pieces}; {ended}.")


NO_STREAM = "For words as they are written, take a server that streams."


def _usage(findings: Findings, heard: Heard, traits: Traits) -> None:
    usage = heard.completed.usage
    if usage is not None and usage.prompt_tokens:
        read, written = usage.prompt_tokens, usage.completion_tokens
        findings.ok("chat usage", f"Counted: {read} tokens read, {written} written.")
        return
    why = "" if traits.asks_usage else ", and refuses to be asked for it"
    findings.warn(
        "chat usage",
        f"The server counts no tokens{why}.",
        "Usage sums stay 0, and a prompt that is cut is not noticed: watch its window.",
    )


def _system(findings: Findings, traits: Traits) -> None:
    if traits.folds_system:
        findings.warn(
            "chat system role",
            "Refused: instructions are folded into the first question. It works.",
            "Take a model with a system role if instructions are ignored.",
        )
    else:
        findings.ok("chat system role", "Taken.")
    left_out = [name for name in traits.refuses if name not in {"stream", "stream_options"}]
    if left_out:
        findings.ok("chat parameters", f"Left out, since refused: {', '.join(left_out)}.")


def _thinking(findings: Findings, heard: Heard, traits: Traits) -> int:
    """Tokens of room for thinking: 0 for a model that just answers."""
    answered = max(SHORT_ANSWER, count_tokens(heard.completed.text))
    usage = heard.completed.usage
    written = usage.completion_tokens if usage else 0
    if not traits.opens_reasoning and written <= THINKS_FROM * answered:
        return 0
    spent = f"{written} tokens for an answer of {count_tokens(heard.completed.text)}"
    findings.ok("chat reasoning", f"It thinks first ({spent}); that is neither shown nor stored.")
    return ANSWER_ROOM
