"""Jobs that chat front ends send to the model of a conversation: titles, tags, follow-ups, queries.

Nobody asks the documents anything with them. They are known by the openings of the prompts that
Open WebUI, LibreChat, LobeChat, NextChat, Chatbox and Goose come with; whoever rewrites those
prompts gets an answer with passages, as to any question.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from aiconvokit.llm.chat_model import ChatMessage

Kind = Literal[
    "title", "tags", "follow_ups", "queries", "text", "prompt", "tool_calls", "emoji", "summary"
]

_OPENINGS: tuple[tuple[Kind, str], ...] = (
    # Open WebUI; a question within its passages begins "### task: respond", and is a question
    ("title", r"### task: (?:generate|create) a concise,? .{0,60}\btitle"),
    ("title", r"create a concise, 3-5 word .{0,60}\btitle"),
    ("tags", r"### task: generate 1-3 broad tags"),
    ("follow_ups", r"### task: suggest 3-5 relevant follow-?up"),
    ("follow_ups", r"### task: predict 3-5 useful messages this user might"),
    ("summary", r"### task: summarize the conversation history that will be compacted"),
    ("queries", r"### task: analyze the chat history .{0,60}generating search queries"),
    ("text", r"### task: you are an autocompletion system"),
    ("prompt", r"### task: generate a detailed prompt for a[mn] image generation"),
    ("emoji", r"your task is to reflect the speaker's likely facial expression"),
    ("tool_calls", r"available tools: .*your task is to choose and return the correct tool"),
    # LibreChat
    ("title", r"provide a concise, 5-word-or-less title for the conversation"),
    ("title", r"analyze this conversation and provide: 1\. the detected language"),
    ("title", r"write a concise title for this conversation in the given language"),
    ("title", r"please generate a concise title \(max 40 characters\) for a conversation"),
    ("title", r"in this environment you have access to .{0,60}generate the conversation title"),
    ("summary", r"summarize the conversation by integrating new lines into the current summary"),
    ("summary", r"hold on, before you continue i need you to write me a checkpoint"),
    ("summary", r"hold on again, update your checkpoint"),
    # LobeChat
    ("title", r"you are a professional conversation summarizer\. generate a concise title"),
    ("title", r"you are an assistant skilled in conversation.{0,120}\btitle"),
    # NextChat
    ("title", r"please generate a four to five word title summarizing our conversation"),
    ("summary", r"summarize the discussion briefly in 200 words or less to use as a prompt"),
    # Chatbox, Goose
    ("title", r"based on the chat history, give this conversation a name"),
    ("title", r"generate a short title \(four words or less\)"),
)
_JOBS = [(kind, re.compile(opening)) for kind, opening in _OPENINGS]

_FIRST_SAID = re.compile(r"^\s*(?:user|human)\s*:\s*(?P<said>\S.*)$", re.IGNORECASE | re.MULTILINE)
_JSON_TITLE = re.compile(r'\{\s*"title"')
TITLE_WORDS, TITLE_CHARACTERS = 6, 60
SUMMARY_CHARACTERS = 600
NO_TITLE = "New chat"
_EMOJI = "\N{SLIGHTLY SMILING FACE}"


class Job(NamedTuple):
    """What a front end wants, and the prompt that says so."""

    kind: Kind
    prompt: str


def recognised(messages: Sequence[ChatMessage]) -> Job | None:
    """The job that a request is; None: it is somebody's question.

    Its prompt is the last message, if that is a user's, or the first one, if that is the system's.
    """
    for prompt in _prompts(messages):
        opening = " ".join(prompt.split()).casefold()
        for kind, pattern in _JOBS:
            if pattern.match(opening):
                return Job(kind, prompt)
    return None


def _prompts(messages: Sequence[ChatMessage]) -> Iterator[str]:
    if messages and messages[-1].role == "user":
        yield messages[-1].content
    if messages and messages[0].role == "system":
        yield messages[0].content


def stand_in(job: Job, messages: Sequence[ChatMessage]) -> str:
    """A job done without a model, in the form that its prompt asks for."""
    question = _first_question(job, messages)
    if job.kind == "emoji":
        return _EMOJI
    if job.kind == "summary":
        return _shortened(question, SUMMARY_CHARACTERS)
    if job.kind == "title":
        title = _shortened(question, TITLE_CHARACTERS, TITLE_WORDS)
        return _json("title", title) if _JSON_TITLE.search(job.prompt) else title
    values = {"text": "", "prompt": _shortened(question, SUMMARY_CHARACTERS)}
    return _json(job.kind, values.get(job.kind, []))


def _json(key: str, value: object) -> str:
    return msgspec.json.encode({key: value}).decode()


def _first_question(job: Job, messages: Sequence[ChatMessage]) -> str:
    """What the conversation began with: within the prompt, or in the messages around it."""
    for message in messages:
        if found := _FIRST_SAID.search(message.content):
            return found["said"]
    said = (one.content for one in messages if one.role == "user" and one.content != job.prompt)
    return next(said, NO_TITLE)


def _shortened(text: str, characters: int, words: int | None = None) -> str:
    """The first words of a text, of a very long one its first characters."""
    kept = ""
    for word in text.split()[:words]:
        if kept and len(kept) + 1 + len(word) > characters:
            break
        kept = f"{kept} {word}".strip()
    return kept[:characters] or NO_TITLE
