"""The interface's words: every language has each, and each is used."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import aiconvokit
from aiconvokit.errors import ChatBusy, NotFound, Throttled
from aiconvokit.llm.client import CHAT_MODEL, EMBEDDER
from aiconvokit.web.assets import STATIC

LANGUAGES = sorted(path.stem for path in (STATIC / "texts").glob("*.json"))
SCRIPTS = "\n".join(path.read_text() for path in sorted((STATIC / "js").rglob("*.js")))

# What scripts put together from parts: the beginning of a key, up to what is filled in.
FAMILIES = re.findall(r"`([a-z_.]+\.)\$\{", SCRIPTS)
NAMED = set(re.findall(r"\b(?:t|has)\(\s*\"([\w.]+)\"", SCRIPTS))
COUNTED = {
    f"{key}.{form}"
    for key in re.findall(r"\btn\(\s*\"([\w.]+)\"", SCRIPTS)
    for form in ("one", "other")
}
# In a choice such as t(value ? "a" : "b") the keys stand behind the question mark.
CHOSEN = {
    key
    for choice in re.findall(r"\bt\(([^()]*\?[^()]*)[,)]", SCRIPTS)
    for key in re.findall(r"\"([\w.]+\.[\w.]+)\"", choice)
}


def texts(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STATIC / "texts" / f"{language}.json").read_text())
    return found


def flat(language: str) -> dict[str, str]:
    """All texts; the server's sentences by themselves."""
    found = texts(language)
    return {**{f"sentences {key}": value for key, value in found.pop("sentences").items()}, **found}


def places(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_there_are_english_and_german() -> None:
    assert {"de", "en"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts(language: str) -> None:
    english, other = flat("en"), flat(language)
    assert set(other) == set(english)
    assert {key for key in english if places(english[key]) != places(other[key])} == set()
    assert [key for key, text in other.items() if not text.strip()] == []


def test_every_text_that_is_asked_for_is_there() -> None:
    assert (NAMED | COUNTED | CHOSEN) - set(texts("en")) == set()


def test_every_text_is_asked_for() -> None:
    used = NAMED | COUNTED | CHOSEN
    known = set(texts("en")) - {"sentences"}
    assert {key for key in known - used if not key.startswith(tuple(FAMILIES))} == set()


# Refusals that a person can meet on the page. What only a program can send (no JSON, a filter of
# the wrong shape, a key twice) is told by its status.
REFUSALS = {
    "ChatBusy",
    "Conflict",
    "FieldError",
    "Forbidden",
    "ModelError",
    "NotAuthenticated",
    "TooLarge",
    "Unavailable",
}
PACKAGE = Path(aiconvokit.__file__).parent
SPEAKERS = ("accounts", "assistants", "errors.py", "files", "llm", "rest", "retrieval")
"""Folders and files of what the page calls; a chat's own are these:"""
CHATS = ("chat/chats.py", "chat/routes.py", "chat/turn.py")
PROGRAMS_ONLY = "idempotency.py"
MANY = 20  # sentences: the test would be of no use if it found none


def test_every_refusal_is_known() -> None:
    known = [re.compile(pattern(key)) for key in texts("en")["sentences"]]
    said = set(refusals())
    assert len(said) > MANY
    assert {one for one in said if not any(key.fullmatch(one) for key in known)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_speaks_of_raw_bytes(language: str) -> None:
    assert [one for one in flat(language).values() if re.search(r"\b[Bb]ytes\b(?!\})", one)] == []


def pattern(key: str) -> str:
    """What a key of `sentences` stands for, as the page reads it."""
    return re.sub(r"\\\{\w+\\\}", ".+?", re.escape(key))


def refusals() -> Iterator[str]:
    """What the server's own code refuses with: sentences, with `{}` for what is filled in."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if path.name == PROGRAMS_ONLY or not (inside.parts[0] in SPEAKERS or str(inside) in CHATS):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in REFUSALS and node.args:
                yield from written(node.args[0])
    yield NotFound.of("Chat").detail
    yield ChatBusy().detail
    yield from (Throttled(seconds).detail for seconds in (1, 30))
    for upstream in (CHAT_MODEL, EMBEDDER):
        yield upstream.told_error("out of memory").detail
        yield upstream.told_error("maximum context length").detail


def written(argument: ast.expr) -> Iterator[str]:
    """A sentence that stands in the call itself; one that has a name is its module's to test."""
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.JoinedStr):
        parts = (one.value if isinstance(one, ast.Constant) else "{}" for one in argument.values)
        yield "".join(map(str, parts))
