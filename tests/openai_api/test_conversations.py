"""Conversations through the official client: responses go on in them, items come and go."""

from typing import Any

import openai
import pytest

from fake_model.server import FakeModel
from support.server import API, Client


def sent(fake: FakeModel) -> list[tuple[str, str]]:
    """What the model was sent last."""
    return [(one["role"], one["content"]) for one in fake.chats()[-1].body["messages"]]


def texts(client: openai.OpenAI, conversation_id: str) -> list[tuple[str, str]]:
    """Who says what in a conversation, from the beginning."""
    listed: list[Any] = list(client.conversations.items.list(conversation_id, order="asc", limit=2))
    return [(one.role, one.content[0].text) for one in listed]


def test_a_conversation_goes_on(anns: openai.OpenAI, fake: FakeModel) -> None:
    made = anns.conversations.create(
        metadata={"topic": "colours"},
        items=[
            {"type": "message", "role": "developer", "content": "Answer in verse."},
            {"type": "message", "role": "user", "content": "I like blue."},
        ],
    )
    assert made.id.startswith("conv_")
    assert made.metadata == {"topic": "colours"}
    fake.script("So do I.")
    first = anns.responses.create(model="fake", conversation=made.id, input="And you?")
    assert first.conversation
    assert first.conversation.id == made.id
    assert sent(fake) == [("system", "Answer in verse."), ("user", "I like blue.\n\nAnd you?")]
    fake.script("Why not.")
    second = anns.responses.create(model="fake", conversation={"id": made.id}, input="Why?")
    said = [
        ("developer", "Answer in verse."),
        ("user", "I like blue."),
        ("user", "And you?"),
        ("assistant", "So do I."),
        ("user", "Why?"),
        ("assistant", "Why not."),
    ]
    assert texts(anns, made.id) == said
    anns.responses.delete(second.id)
    assert texts(anns, made.id) == said
    aside = anns.responses.create(model="fake", previous_response_id=first.id, input="And red?")
    assert sent(fake)[-1] == ("user", "And red?")
    assert sent(fake)[-2] == ("assistant", "So do I.")
    assert aside.conversation is None
    unstored = anns.responses.create(
        model="fake", conversation=made.id, input="Pardon?", store=False
    )
    assert unstored.output_text == "Why not."
    assert ("assistant", "Why not.") in sent(fake)
    assert texts(anns, made.id) == said


def test_items_come_and_go(anns: openai.OpenAI, fake: FakeModel) -> None:
    made = anns.conversations.create().id
    items = anns.conversations.items
    added = items.create(
        made,
        items=[
            {"role": "user", "content": [{"type": "input_text", "text": "What is it called?"}]},
            {"role": "assistant", "content": "Northwind."},
        ],
    )
    assert (added.has_more, added.first_id) == (False, added.data[0].id)
    question, answer = added.data
    assert items.retrieve(question.id or "", conversation_id=made) == question
    assert answer.type == "message"
    assert answer.content[0].type == "output_text"
    assert items.delete(answer.id, conversation_id=made).id == made
    with pytest.raises(openai.NotFoundError, match="Item with id"):
        items.retrieve(answer.id, conversation_id=made)
    anns.responses.create(model="fake", conversation=made)
    assert sent(fake) == [("user", "What is it called?")]
    assert [one[0] for one in texts(anns, made)] == ["user", "assistant"]
    changed = anns.conversations.update(made, metadata={"a": "b"})
    assert changed.metadata == {"a": "b"}
    assert anns.conversations.retrieve(made) == changed
    assert anns.conversations.delete(made).deleted
    with pytest.raises(openai.NotFoundError, match="Conversation with id"):
        anns.conversations.retrieve(made)


@pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning")
def test_threads_and_conversations_are_not_each_other(anns: openai.OpenAI) -> None:
    conversation = anns.conversations.create().id
    thread = anns.beta.threads.create().id
    made = anns.responses.create(model="fake", input="Hello.", conversation=conversation)
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.retrieve(conversation)
    with pytest.raises(openai.NotFoundError):
        anns.conversations.retrieve(thread)
    with pytest.raises(openai.NotFoundError):
        anns.beta.threads.runs.retrieve(made.id, thread_id=conversation)


def test_with_an_assistant_it_is_a_chat(anns: openai.OpenAI, ann: Client, fake: FakeModel) -> None:
    assistant = ann.assistant("Talker")
    made = anns.conversations.create(
        items=[{"role": "developer", "content": "Answer in verse."}]
    ).id
    anns.responses.create(model="fake", input="Nobody's.", conversation=made)
    assert ann.get(f"{API}/chat/").json() == []
    anns.responses.create(model=assistant["openai_id"], input="Hello.", conversation=made)
    [chat] = ann.get(f"{API}/chat/").json()
    assert chat["thread_id"] == made
    messages = ann.get(f"{API}/chat/{chat['id']}/").json()["messages"]
    assert [one["content"] for one in messages][::2] == ["Nobody's.", "Hello."]
    fake.script("Here, too.")
    assert ann.ask(chat["id"], assistant["id"], "And here?")["output"] == "Here, too."
    assert "Answer in verse." not in str(sent(fake))
    assert texts(anns, made)[-1] == ("assistant", "Here, too.")
    anns.responses.create(model=assistant["openai_id"], input="Alone.")
    assert len(ann.get(f"{API}/chat/").json()) == 1


WRONG: dict[str, tuple[list[Any], str]] = {
    "nothing": ([], "items"),
    "too many": ([{"role": "user", "content": "x"}] * 21, "items"),
    "blank": ([{"role": "user", "content": " "}], r"items\[0\]\.content"),
    "a picture": (
        [{"role": "user", "content": [{"type": "input_image"}]}],
        r"items\[0\]\.content\[0\]\.type",
    ),
    "another": ([{"type": "mcp_call"}], r"items\[0\]\.type"),
    "no role": ([{"role": "critic", "content": "x"}], r"items\[0\]\.role"),
}


@pytest.mark.parametrize(("items", "match"), WRONG.values(), ids=WRONG.keys())
def test_other_items_are_refused(anns: openai.OpenAI, items: list[Any], match: str) -> None:
    made = anns.conversations.create().id
    with pytest.raises(openai.BadRequestError, match=match):
        anns.conversations.items.create(made, items=items)
    assert list(anns.conversations.items.list(made)) == []
