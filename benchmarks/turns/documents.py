"""Documents that nobody wrote: words by Zipf's law, English function words, figures.

Everything comes from a seed, so that two runs search the same passages and ask the same questions.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingestion.documents import Page, ParsedDocument
from ingestion.load import TEXT

PAGES = 50
"""Of a document."""
PAGE_CHARACTERS = 3_000
VOCABULARY = 20_000
SENTENCE_WORDS = (12, 26)
FIGURE_SHARE = 0.06
"""Of the words: about what stands in the prose of an annual report."""
QUESTION_WORDS = 8

_FUNCTION_WORDS = [
    *["the", "of", "and", "to", "in", "for", "a", "on", "with", "is", "that", "as", "by", "from"],
    *["are", "or", "at", "this", "be", "which", "its", "was", "were", "has", "not"],
]
_ONSETS = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pr", "pl"]
_VOWELS = ["a", "e", "i", "o", "u"]
_CODAS = ["", "", "l", "m", "n", "r", "s", "t", "nd", "nt", "st"]


@dataclass(frozen=True, slots=True)
class Words:
    """Words with the sums of their weights, most frequent first."""

    words: Sequence[str]
    sums: Sequence[float]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """Draw words; every now and then one is a figure."""
        drawn = chance.choices(self.words, cum_weights=self.sums, k=count)
        return [_figure(chance) if chance.random() < FIGURE_SHARE else word for word in drawn]


def vocabulary() -> Words:
    """The words of all documents: word of rank r is drawn with weight 1/r."""
    chance = random.Random(1)  # noqa: S311  # the same words each time, no secret
    words = dict.fromkeys(_FUNCTION_WORDS)
    while len(words) < VOCABULARY:
        words[_word(chance)] = None
    sums = itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1))
    return Words(list(words), list(sums))


def documents(words: Words, pages: int = PAGES) -> Iterator[ParsedDocument]:
    """Documents without end, of so many pages; the n-th is always the same."""
    for number in itertools.count():
        chance = random.Random(number + 2)  # noqa: S311  # as above
        title = " ".join(chance.choices(words.words[30:2_000], k=3)).title()
        texts = (_page(words, chance) for _ in range(pages))
        numbered = tuple(Page(page, None, text) for page, text in enumerate(texts, start=1))
        yield ParsedDocument(TEXT, title, numbered)


def questions(words: Words, count: int) -> list[str]:
    """Questions on what stands in the first documents: words of one of their sentences each."""
    chance = random.Random(0)  # noqa: S311  # as above
    asked: list[str] = []
    for document in itertools.islice(documents(words), 5):
        for page in document.pages:
            sentence = chance.choice(page.text.split(". ")).split()
            about = " ".join(sentence[2 : 2 + QUESTION_WORDS]).strip(".").lower()
            asked.append(f"What is said about {about}?")
    return list(itertools.islice(itertools.cycle(asked), count))


def _page(words: Words, chance: random.Random) -> str:
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < PAGE_CHARACTERS:
        paragraphs.append(" ".join(_sentence(words, chance) for _ in range(4)))
    return "\n\n".join(paragraphs)


def _sentence(words: Words, chance: random.Random) -> str:
    text = " ".join(words.some(chance, chance.randint(*SENTENCE_WORDS)))
    return f"{text[0].upper()}{text[1:]}."


def _word(chance: random.Random) -> str:
    parts = (
        chance.choice(_ONSETS) + chance.choice(_VOWELS) + chance.choice(_CODAS)
        for _ in range(chance.choice((1, 2, 2)))
    )
    return "".join(parts)


def _figure(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return str(chance.randint(1995, 2025))
    return f"{chance.randint(1, 99_999):,}"
