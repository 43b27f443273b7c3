"""Functions of the caller's program in responses: called, answered, gone on from."""

import json
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from fake_model.server import FakeModel
from openai_api.stores import store_of

CHATS = "/chat/completions"
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a place.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    "strict": False,
}
CLOCK: Any = {"type": "function", "name": "clock", "parameters": None, "strict": None}
ASKED = "What is the weather in Brasov?"


@pytest.fixture
def calling(anns: openai.OpenAI, fake: FakeModel) -> openai.OpenAI:
    """Ann's client; the model calls all that is offered, once."""
    fake.spoil(CHATS, "calls")
    return anns


def ask(client: openai.OpenAI, *functions: dict[str, Any], **more: Any) -> Response:
    made: Response = client.responses.create(
        **{"model": "fake", "input": ASKED, "tools": functions or (WEATHER,), **more}
    )
    return made


def calls(response: Response) -> list[Any]:
    return [one for one in response.output if one.type == "function_call"]


def outputs(response: Response, *said: str) -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": text}
        for call, text in zip(calls(response), said, strict=True)
    ]


def sent(fake: FakeModel) -> list[Any]:
    """The messages that the model was sent last, without the system's."""
    return [one for one in fake.chats()[-1].body["messages"] if one["role"] != "system"]


def test_calls_are_answered_by_the_next_response(calling: openai.OpenAI, fake: FakeModel) -> None:
    first = ask(calling, WEATHER, CLOCK)
    assert first.status == "completed"
    assert [(one.name, one.status) for one in calls(first)] == [
        ("weather", "completed"),
        ("clock", "completed"),
    ]
    assert json.loads(calls(first)[0].arguments)["round"] == 0
    told = fake.chats()[-1].body["tools"][0]
    assert told["function"]["description"] == "The weather of a place."
    assert calling.responses.retrieve(first.id) == first
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call"):
        ask(calling, previous_response_id=first.id, input="And now?")
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call"):
        ask(calling, previous_response_id=first.id, input=outputs(first, "Sun.", "Noon.")[:1])
    fake.script("Sun, at noon.")
    second = ask(
        calling,
        WEATHER,
        CLOCK,
        previous_response_id=first.id,
        input=outputs(first, "Sun.", "Noon.")[::-1],
    )
    assert second.output_text == "Sun, at noon."
    question, made, *came = sent(fake)
    assert question == {"role": "user", "content": ASKED}
    assert [one["function"]["name"] for one in made["tool_calls"]] == ["weather", "clock"]
    assert [(one["tool_call_id"], one["content"]) for one in came] == [
        (calls(first)[0].call_id, "Sun."),
        (calls(first)[1].call_id, "Noon."),
    ]
    listed: list[Any] = list(calling.responses.input_items.list(second.id, order="asc"))
    assert [(one.type, one.output) for one in listed] == [
        ("function_call_output", "Noon."),
        ("function_call_output", "Sun."),
    ]
    ask(calling, previous_response_id=second.id, input="Thanks.", tool_choice="none")
    assert [one["content"] for one in sent(fake)] == [ASKED, "Sun, at noon.", "Thanks."]


def test_a_conversation_holds_calls_and_outputs(calling: openai.OpenAI, fake: FakeModel) -> None:
    fake.spoil(CHATS, "calls=2")
    made = calling.conversations.create().id
    first = ask(calling, conversation=made)
    second = ask(calling, conversation=made, input=outputs(first, "Sun."))
    assert json.loads(calls(second)[0].arguments)["round"] == 1
    fake.script("Sun twice.")
    third = ask(calling, conversation=made, input=outputs(second, "Sun again."))
    assert third.output_text == "Sun twice."
    assert [one["role"] for one in sent(fake)] == ["user", *("assistant", "tool") * 2]
    listed: list[Any] = list(calling.conversations.items.list(made, order="asc"))
    assert [one.type for one in listed] == [
        "message",
        *("function_call", "function_call_output") * 2,
        "message",
    ]
    assert (calls(first)[0].id, calls(first)[0].call_id) == (listed[1].id, listed[1].call_id)
    calling.conversations.items.create(made, items=[output_of("call_none")])
    ask(calling, conversation=made, input="And?")
    assert [one["content"] for one in sent(fake)] == [ASKED, "Sun twice.", "And?"]
    with pytest.raises(openai.BadRequestError, match="No tool call found"):
        ask(calling, conversation=made, input=[output_of("call_none")])


def output_of(call_id: str) -> Any:
    return {"type": "function_call_output", "call_id": call_id, "output": "Nothing."}


def test_without_a_store_the_program_keeps_all(calling: openai.OpenAI, fake: FakeModel) -> None:
    first = ask(calling, store=False)
    kept: list[Any] = [{"role": "user", "content": ASKED}, *first.output]
    fake.script("Sun.")
    second = ask(calling, store=False, input=[*kept, *outputs(first, "It shines.")])
    assert second.output_text == "Sun."
    assert [one["role"] for one in sent(fake)] == ["user", "assistant", "tool"]
    with pytest.raises(openai.BadRequestError, match="No tool call found for function call output"):
        ask(calling, input=outputs(first, "It shines."))


@pytest.mark.parametrize("store", [True, False])
def test_the_helper_follows_calls(calling: openai.OpenAI, *, store: bool) -> None:
    with calling.responses.stream(
        model="fake", input=ASKED, tools=[WEATHER, CLOCK], store=store
    ) as stream:
        events = [one.type.removeprefix("response.") for one in stream]
        final: Any = stream.get_final_response()
    of_a_call = [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert events == ["created", "in_progress", *of_a_call * 2, "completed"]
    assert [one.name for one in final.output] == ["weather", "clock"]
    assert json.loads(final.output[0].arguments)["round"] == 0


def test_documents_are_searched_beside(calling: openai.OpenAI, fake: FakeModel) -> None:
    fake.spoil(CHATS, "calls_aside")
    store = store_of(calling, note="The weather station of Brasov was built in 1911.")
    tools = [WEATHER, {"type": "file_search", "vector_store_ids": [store.id]}]
    first = ask(calling, *tools)
    assert [one.type for one in first.output] == ["file_search_call", "message", "function_call"]
    assert calling.responses.retrieve(first.id) == first
    fake.script("Built in 1911 [1].")
    second = ask(calling, *tools, previous_response_id=first.id, input=outputs(first, "Sun."))
    assert [one.type for one in second.output] == ["file_search_call", "message"]
    assert "1911" in sent(fake)[0]["content"]
    assert first.output_text
    assert sent(fake)[1]["content"] == first.output_text


def test_calls_lose_the_words_of_a_deleted_document(
    calling: openai.OpenAI, fake: FakeModel
) -> None:
    store = store_of(calling, secret="The weather station of Brasov was built in 1911.")
    search = {"type": "file_search", "vector_store_ids": [store.id]}
    first = ask(calling, WEATHER, search)
    assert "Brasov" in calls(first)[0].arguments
    [file] = calling.vector_stores.files.list(store.id)
    calling.files.delete(file.id)
    [left] = calls(calling.responses.retrieve(first.id))
    assert left.call_id == calls(first)[0].call_id
    assert left.arguments == "[redacted: a cited document was deleted]"
    fake.script("Sun.")
    second = ask(calling, previous_response_id=first.id, input=outputs(first, "It shines."))
    assert second.output_text == "Sun."
    assert sent(fake)[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_what_came_of_calls_outlives_an_answer_that_broke_off(
    calling: openai.OpenAI, fake: FakeModel
) -> None:
    first = ask(calling)
    fake.spoil(CHATS, "cut_clean")
    failed: Any = list(
        ask(calling, previous_response_id=first.id, input=outputs(first, "It shines."), stream=True)
    )[-1]
    assert failed.type == "response.failed"
    assert failed.response.output_text
    fake.spoil(CHATS, "calls")
    ask(calling, previous_response_id=failed.response.id, input="Try again.")
    assert [one["role"] for one in sent(fake)] == ["user", "assistant", "tool"]
    assert sent(fake)[0]["content"] == f"{ASKED}\n\nTry again."
    assert sent(fake)[2]["content"] == "It shines."


def test_what_cannot_be_called_is_refused(anns: openai.OpenAI, fake: FakeModel) -> None:
    for wrong, match in (
        ([{"type": "function", "name": "no spaces"}], r"tools\[0\]\.name"),
        ([WEATHER, WEATHER], "two functions 'weather'"),
        ([{"type": "function", "name": "break\n"}], r"tools\[0\]\.name"),
        ([{"type": "function", "name": "f", "parameters": "x"}], r"tools\[0\]\.parameters"),
        ([{**CLOCK, "parameters": {"type": "string"}}], r"tools\[0\]\.parameters"),
        (
            [WEATHER, {**CLOCK, "parameters": {"type": "object", "title": "x" * 33_000}}],
            r"tools\[1\]\.parameters': it has at most 32768 bytes",
        ),
        ([{**CLOCK, "description": "x" * 4_097}], r"tools\[0\]\.description"),
    ):
        with pytest.raises(openai.BadRequestError, match=match):
            ask(anns, *wrong)
    with pytest.raises(openai.BadRequestError, match="tool_choice"):
        ask(anns, tool_choice={"type": "function", "name": "other"})
    fake.spoil(CHATS, "no_tools")
    with pytest.raises(openai.BadRequestError) as refused:
        ask(anns)
    assert refused.value.code == "model_without_tools"
