"""What the fake does, chosen by the model's name: `fake[:mode[=value]][-once][@delay_ms]`.

`-once` makes the fault happen to the first request of that name only.

Of every request: html200, error200, badjson, hang, 400, 401, 403, 404, 500, 429[=Retry-After],
quota, context_length.
Of chats: cut_clean, cut_chunked, cut_at_once, slow_drip[=seconds], no_choices, empty_choices,
bad_event, stream_error, stream_too_long, null_content, think, close_think, only_think, reasoning,
no_usage,
bare_done, endless, length, content_filter, dirty, raw_utf8, at_once, parts; and those that refuse
or count in their own way: minimal, no_stream_options, no_max_tokens, no_limits, no_stream,
ignores_stream, calls[=rounds] and its styles (`calls.STYLES`), no_tools, no_tools_llama,
no_tools_vllm, no_parallel, no_schema, no_system_role, jinja, strict_alternation,
reports_context[=words], truncates[=words], counts[=tokens a word].
Of embeddings: wrong_count, shuffled, no_index, bad_index, dims_change, nan, overflow, zero,
too_large[=characters], too_large_500[=characters], batch_limit[=texts],
batch_limit_unsaid[=texts], cuts[=words], minimal.
"""

import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(
    r"(?P<base>[^:@]+)(:(?P<mode>[\w]+)(=(?P<value>[\d.]+))?(?P<once>-once)?)?(@(?P<delay>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Mode:
    """A parsed model name."""

    name: str = ""
    value: float | None = None
    once: bool = False
    delay_s: float = 0.0

    @classmethod
    def of(cls, model: str) -> "Mode":
        """Any other name behaves well."""
        found = _NAME.fullmatch(model)
        if found is None:
            return cls()
        value = found["value"]
        return cls(
            name=found["mode"] or "",
            value=float(value) if value else None,
            once=found["once"] is not None,
            delay_s=int(found["delay"] or 0) / 1000,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is the same for chats and embeddings."""

    status: int
    body: str | dict[str, Any]
    media_type: str = "application/json"
    retry_after: str | None = None


def refusal(mode: Mode, api_key: str) -> Refusal | None:
    """The refusal a mode asks for, if it is one of every request."""
    wrong_key = error(f"Incorrect API key provided: {api_key}.")
    retry_after = None if mode.value is None else f"{mode.value:g}"
    refusals = {
        "html200": Refusal(200, "<html><body>Sign in</body></html>", "text/html"),
        "error200": Refusal(200, error("Something went wrong.")),
        "badjson": Refusal(200, '{"choices": ['),
        "400": Refusal(400, error("stream error: unexpected EOF, the content was filtered")),
        "401": Refusal(401, wrong_key),
        "403": Refusal(403, wrong_key),
        "404": Refusal(404, error("The model does not exist.")),
        "500": Refusal(500, "Internal Server Error", "text/plain"),
        "429": Refusal(429, error("Rate limit reached."), retry_after=retry_after),
        "quota": Refusal(429, error("You exceeded your quota.", code="insufficient_quota")),
        "context_length": Refusal(
            400, error("This model's maximum context length is 8192 tokens.")
        ),
    }
    return refusals.get(mode.name)


def error(message: str, *, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": "error", "param": None, "code": code}}
