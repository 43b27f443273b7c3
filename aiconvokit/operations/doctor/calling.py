"""Whether the chat model calls functions, for programs that bring their own."""

from aiconvokit.llm.chat_model import ChatMessage, ChatModel
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.functions import Function, Offered
from aiconvokit.operations.doctor.asking import ask
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.operations.doctor.model_server import explain

NAME = "chat functions"
WEATHER = Function(
    "get_weather",
    "The weather of a city now.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
QUESTION = (
    ChatMessage("system", "You answer with the functions that you have."),
    ChatMessage("user", "What is the weather in Oslo now? Call get_weather."),
)
FLAGS = (
    "Answers from documents need none. For programs with functions of their own start llama.cpp "
    "with --jinja, vLLM with --enable-auto-tool-choice and --tool-call-parser, or take a model "
    "that calls tools."
)


async def examine(model: ChatModel, room: int, findings: Findings) -> None:
    """Offer a function; what the server makes of it stands in the model's traits.

    Args:
        model: that of the server, which answers.
        room: most tokens of its answer.
        findings: where to note what is found.
    """
    try:
        heard = await ask(model, QUESTION, room, Offered((WEATHER,)))
    except ModelError as error:
        is_refused = error.code == "model_without_tools"
        findings.warn(NAME, f"{'Refused' if is_refused else 'No answer'}: {explain(error)}", FLAGS)
        return
    if heard.completed.calls:
        findings.ok(NAME, "Called: programs may bring functions of their own.")
    else:
        findings.warn(NAME, "Taken, and not called.", FLAGS)
