"""The interface's words: every language has each, and each is used."""

import json
import re
from typing import Any

import pytest

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
