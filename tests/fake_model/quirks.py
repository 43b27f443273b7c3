"""How servers differ that mean well: what they refuse, and how they count."""

from itertools import pairwise
from typing import Any

from fake_model.modes import Mode, error

Refused = tuple[int, dict[str, Any]]
DEFAULT_CONTEXT = 2048


_WITHOUT_TOOLS: dict[str, Refused] = {
    "no_tools": (400, error("registry/llama:7b does not support tools")),
    "no_tools_llama": (500, error("tools param requires --jinja flag")),
    "no_tools_vllm": (
        400,
        error(
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        ),
    ),
}


def refused(body: dict[str, Any], mode: Mode) -> Refused | None:
    """The status and body with which a chat request is refused for its form."""
    return _refused_parameter(body, mode) or _refused_prompt(body, mode)


def _refused_parameter(body: dict[str, Any], mode: Mode) -> Refused | None:
    match mode.name:
        case "no_stream_options":
            unknown = {"stream_options"} & body.keys()
        case "no_limits":
            unknown = {"max_tokens", "max_completion_tokens"} & body.keys()
        case "minimal":
            unknown = body.keys() - {"model", "messages", "stream"}
        case "no_max_tokens" if "max_tokens" in body:
            return 400, error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            )
        case name if name in _WITHOUT_TOOLS and "tools" in body:
            return _WITHOUT_TOOLS[name]
        case "no_parallel":
            unknown = {"parallel_tool_calls"} & body.keys()
        case "no_schema" if "tools" in body:
            return 400, error("Invalid schema for function 'f': in tools[0].function.parameters")
        case "no_stream" if body.get("stream"):
            return 400, error("Streaming is not supported by this model.")
        case _:
            unknown = set()
    return (400, error(extra_input(min(unknown)))) if unknown else None


def _refused_prompt(body: dict[str, Any], mode: Mode) -> Refused | None:
    roles = [message["role"] for message in body["messages"]]
    window = _window(mode)
    match mode.name:
        case "no_system_role" if "system" in roles:
            return 400, error("System role not supported")
        case "jinja" if "system" in roles:
            return 500, error("Jinja Exception: System role not supported at row 1, column 40")
        case "strict_alternation" if not _alternates(roles):
            return 400, error(
                "After the optional system message, conversation roles must alternate "
                "user/assistant/user/assistant/..."
            )
        case "reports_context" if prompt_words(body) > window:
            return 400, error(f"request exceeds the available context size ({window} tokens)")
        case _:
            return None


def usage(body: dict[str, Any], text: str, mode: Mode) -> dict[str, int]:
    """Words for tokens; `truncates` has read the end of the prompt only, see `read_of`."""
    prompt, answer = prompt_words(body), len(text.split())
    if mode.name == "truncates":
        prompt = min(prompt, _window(mode))
    if mode.name == "counts":
        prompt = int(prompt * (mode.value or 1))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }


def read_of(body: dict[str, Any], mode: Mode) -> str:
    """The last question as far as it was read."""
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    text = asked[-1] if asked else ""
    if mode.name != "truncates" or prompt_words(body) <= _window(mode):
        return text
    return " ".join(text.split()[-_window(mode) :])


def _window(mode: Mode) -> int:
    return int(mode.value or DEFAULT_CONTEXT)


def prompt_words(body: dict[str, Any]) -> int:
    """The length of a prompt."""
    return sum(len(message["content"].split()) for message in body["messages"])


def _alternates(roles: list[str]) -> bool:
    turns = roles[1:] if roles[:1] == ["system"] else roles
    wanted = all(one != other for one, other in pairwise(turns)) and "system" not in turns
    return wanted and turns[:1] == ["user"]


def extra_input(name: str) -> str:
    """What a server in pydantic says to a parameter it does not know."""
    return f"[{{'loc': ('body', '{name}'), 'msg': 'Extra inputs are not permitted'}}]"
