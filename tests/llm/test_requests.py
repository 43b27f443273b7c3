import pytest

from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.llm.requests import chat_request, lesson, wire_messages
from aiconvokit.llm.traits import Traits

SYSTEM, USER = ChatMessage("system", "S"), ChatMessage("user", "U")
SAID = ChatMessage("assistant", "A")


def roles(messages: list[ChatMessage], traits: Traits) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in wire_messages(messages, traits)]


def test_neighbours_become_one_message() -> None:
    mixed = [SYSTEM, USER, USER, SAID, SAID, SYSTEM, USER]
    expected = [("system", "S\n\nS"), ("user", "U\n\nU"), ("assistant", "A\n\nA"), ("user", "U")]
    assert roles(mixed, Traits()) == expected


def test_a_folded_system_message_is_part_of_the_first_question() -> None:
    expected = [("user", "S\n\nU"), ("assistant", "A"), ("user", "U")]
    assert roles([SYSTEM, USER, SAID, USER], Traits(folds_system=True)) == expected
    assert roles([USER], Traits(folds_system=True)) == [("user", "U")]


ASKED = chat_request("m", [SYSTEM, USER], Traits(), 9)


@pytest.mark.parametrize(
    ("status", "message", "learnt"),
    [
        (400, "Unrecognized request argument supplied: stream_options", "stream_options"),
        (422, "[{'loc': ['body', 'max_tokens'], 'msg': 'Extra inputs'}]", "max_tokens"),
        (
            400,
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        (400, "Streaming is not supported", "stream"),
        (400, "Unsupported value: 'stream' does not support true", "stream"),
        (401, "stream_options", None),
        (400, "The upstream service is not available", None),
        (400, "max_tokens is too large. This model's maximum context length is 10 tokens.", None),
    ],
)
def test_a_refused_parameter(status: int, message: str, learnt: str | None) -> None:
    expected = {"refuses": (learnt,)} if learnt else None
    assert lesson(status, message, ASKED, Traits()) == expected


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Only user, assistant and tool roles are supported, with the exception of ...",
        "Jinja Exception: System role not supported",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "system messages are not supported",
    ],
)
def test_a_refused_system_role(message: str) -> None:
    assert lesson(400, message, ASKED, Traits()) == {"folds_system": True}
    folded = chat_request("m", [SYSTEM, USER], Traits(folds_system=True), None)
    assert lesson(400, message, folded, Traits(folds_system=True)) is None, "asked once more only"
