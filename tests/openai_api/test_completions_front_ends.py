"""Jobs of chat front ends: known by their prompts, done without the documents, never counted."""

import json
from typing import Any

import openai
import pytest

from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.openai_api.completions.front_ends import recognised, stand_in
from fake_model.server import FakeModel
from support.server import API, Client

# As the front ends write them, shortened behind their openings.
HISTORY = (
    "\n### Chat History:\n<chat_history>\nUSER: What does one pump cost?\nASSISTANT: EUR 1,250.\n"
    "</chat_history>"
)
TITLE = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n"
    '### Output:\nJSON format: { "title": "your concise title here" }' + HISTORY
)
TAGS = "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat." + HISTORY
FOLLOW_UPS = "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that …" + HISTORY
QUERIES = (
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries,"
    " in the given language." + HISTORY
)
COMPLETION = "### Task:\nYou are an autocompletion system. Continue the text in `<text>`." + HISTORY
IMAGE = "### Task:\nGenerate a detailed prompt for am image generation task based on …" + HISTORY
LIBRECHAT = (
    "Provide a concise, 5-word-or-less title for the conversation, using its same language, with "
    "no punctuation.\n\nConversation:\nUser: What does one pump cost?\nAI: EUR 1,250."
)
LOBECHAT = "You are a professional conversation summarizer. Generate a concise title that captures"
NEXTCHAT = "Please generate a four to five word title summarizing our conversation without any …"
TOOLS = (
    'Available Tools: [{"name": "get_weather"}]\n\nYour task is to choose and return the correct '
    "tool(s) from the list of available tools based on the query."
)

PASSAGES_OF_THEIR_OWN = (
    "### Task:\nRespond to the user query using the provided context, incorporating inline "
    "citations.\n<context>A pump.</context>\n<user_query>What does one pump cost?</user_query>"
)


def user(text: str) -> list[ChatMessage]:
    return [ChatMessage("user", text)]


@pytest.mark.parametrize(
    ("messages", "kind", "answer"),
    [
        (user(TITLE), "title", '{"title":"What does one pump cost?"}'),
        (user(TAGS), "tags", '{"tags":[]}'),
        (user(FOLLOW_UPS), "follow_ups", '{"follow_ups":[]}'),
        (user(QUERIES), "queries", '{"queries":[]}'),
        (user(COMPLETION), "text", '{"text":""}'),
        (user(IMAGE), "prompt", '{"prompt":"What does one pump cost?"}'),
        (user(LIBRECHAT), "title", "What does one pump cost?"),
        (
            [
                ChatMessage("system", LOBECHAT),
                *user("user: What does one pump cost?\nassistant: 1"),
            ],
            "title",
            "What does one pump cost?",
        ),
        (
            [*user("What does a " + "very " * 40 + "good pump cost?"), *user(NEXTCHAT)],
            "title",
            "What does a very very very",
        ),
        (
            [ChatMessage("system", TOOLS), *user("Query: weather?")],
            "tool_calls",
            '{"tool_calls":[]}',
        ),
        (user(NEXTCHAT), "title", "New chat"),
        ([*user("w" * 500), *user(NEXTCHAT)], "title", "w" * 60),
    ],
    ids=range(12),
)
def test_jobs_are_known_and_done(messages: list[ChatMessage], kind: str, answer: str) -> None:
    job = recognised(messages)
    assert job is not None
    assert job.kind == kind
    assert stand_in(job, messages) == answer


@pytest.mark.parametrize(
    "messages",
    [
        user("What does one pump cost?"),
        user("Generate a concise title for our contract."),
        user("Write a title for this conversation"),
        user(PASSAGES_OF_THEIR_OWN),
        user("The prompt was:\n" + TITLE),
        [*user(TITLE), ChatMessage("assistant", "{}"), *user("And the price?")],
        [ChatMessage("system", "You are an assistant skilled in contracts."), *user("Title?")],
        [],
    ],
    ids=range(8),
)
def test_questions_are_none(messages: list[ChatMessage]) -> None:
    assert recognised(messages) is None


def sent(client: openai.OpenAI, model: str, messages: list[Any], **more: Any) -> str:
    made = client.chat.completions.create(model=model, messages=messages, **more)
    text: str = made.choices[0].message.content
    return text


@pytest.mark.parametrize("prompt", [TITLE, TAGS, FOLLOW_UPS, LIBRECHAT], ids=range(4))
def test_the_plain_model_does_them(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, prompt: str
) -> None:
    assistant = ann.assistant("Pumps", contract_md=b"# Pumps\n\nOne pump costs EUR 1,250.\n")
    fake.reset()
    fake.script('{"title": "Pumps"}')
    messages = [{"role": "user", "content": prompt}]
    found = sent(anns, assistant["openai_id"], messages, temperature=0.1, max_tokens=1000)
    assert json.loads(found) == {"title": "Pumps"}
    assert [one.path for one in fake.requests()] == ["/v1/chat/completions"]
    assert fake.chats()[0].body["messages"] == messages
    assert ann.get(f"{API}/assistants/{assistant['id']}/").json()["query_count"] == 0


def test_a_conversation_as_open_webui_sends_it(
    anns: openai.OpenAI, ann: Client, fake: FakeModel
) -> None:
    assistant = ann.assistant("Open", contract_md=b"# Pumps\n\nOne pump costs EUR 1,250.\n")
    assert "open" in [one.id for one in anns.models.list()]
    fake.script("One pump costs EUR 1,250 [1].")
    stream = anns.chat.completions.create(
        model="open",
        messages=[{"role": "user", "content": [{"type": "text", "text": "Cost of one pump?"}]}],
        stream=True,
        stream_options={"include_usage": True},
    )
    sources, text, usage = list[str](), "", None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            extra = choice.delta.model_extra or {}
            for one in extra.get("annotations", ()):
                if one["type"] == "url_citation":
                    sources.append(one["url_citation"]["title"])
    assert text == "One pump costs EUR 1,250. [1]"
    assert sources == ["contract.md, page 1"]
    assert usage is not None
    assert usage.total_tokens > 0
    for job in (TITLE, TAGS, FOLLOW_UPS):
        sent(anns, "open", [{"role": "user", "content": job}])
    assert ann.get(f"{API}/assistants/{assistant['id']}/").json()["query_count"] == 1
