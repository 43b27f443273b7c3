"""What others do by default: windows of fixed length, ranked by the cosine to the question alone.

On the same documents, as our parsers read them, and with the same embedder, so that what differs is
the search. In memory; nothing of it is in the product.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from aiconvokit.evals import queries
from aiconvokit.evals.ask import Asked, measured
from aiconvokit.evals.gold import PageTarget
from aiconvokit.evals.load import LoadedSet
from aiconvokit.services import Services
from ingestion.tokens import count_each
from ingestion.types import Vectors

CHARACTERS, CHARACTERS_SHARED = 1_000, 200
TOKENS, TOKENS_SHARED = 800, 400
AT_ONCE = 32
"""Windows between two writes to the cache of vectors: a stop loses no more."""

Cut = Callable[[str], Iterator[tuple[int, int]]]
"""A document's text -> [start, end) of its windows."""
_WORD = re.compile(r"\s*\S+")


def by_characters(text: str) -> Iterator[tuple[int, int]]:
    """Windows of 1,000 characters, each 200 into the one before."""
    step = CHARACTERS - CHARACTERS_SHARED
    for start in range(0, max(1, len(text) - CHARACTERS_SHARED), step):
        yield start, min(len(text), start + CHARACTERS)


def by_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Windows of about 800 tokens, each 400 into the one before; no word is cut."""
    words = list(_WORD.finditer(text))
    total = [0, *accumulate(count_each(word.group() for word in words))]
    step = TOKENS - TOKENS_SHARED
    for start in range(0, max(1, total[-1] - TOKENS_SHARED), step):
        first, last = np.searchsorted(total, [start, start + TOKENS], side="left")
        chosen = words[first:last]
        if chosen:
            yield chosen[0].start(), chosen[-1].end()


CUTS: Mapping[str, Cut] = {
    "dense, windows of 1,000 characters (200 shared)": by_characters,
    "dense, windows of 800 tokens (400 shared)": by_tokens,
}


@dataclass(frozen=True, slots=True)
class _Windows:
    """All windows of a set; `places` has document and page of each one's beginning."""

    places: Sequence[tuple[str, int]]
    vectors: Vectors


async def ask_windows(services: Services, loaded: LoadedSet, cut: Cut) -> list[Asked]:
    """A set with pages, asked in this way."""
    windows = await _windows(services, loaded, cut)
    answers = []
    for question, wanted in await measured(services, loaded):
        text = loaded.text(question)
        cosines = windows.vectors @ (await services.embedder.embed_queries([text]))[0]
        order = np.argsort(-cosines, kind="stable")
        documents = {question.document} if loaded.mode == "own" else None
        pages = list(
            dict.fromkeys(
                place
                for place in (windows.places[index] for index in order)
                if documents is None or place[0] in documents
            )
        )
        ranks = [
            pages.index((one.document, one.page)) + 1
            if isinstance(one, PageTarget) and (one.document, one.page) in pages
            else None
            for one in wanted
        ]
        answers.append(Asked(question.id, text, ranks, 0.0, None))
    return answers


async def _windows(services: Services, loaded: LoadedSet, cut: Cut) -> _Windows:
    ids = [one.id for desk in loaded.desks.values() for one in desk.collections]
    async with services.sessions.begin() as session:
        texts = await queries.page_texts(session, ids)
    places: list[tuple[str, int]] = []
    passages: list[str] = []
    for document, pages in texts.items():
        whole = "\n".join(pages.values())
        ends = np.cumsum([len(page) + 1 for page in pages.values()])
        numbers = list(pages)
        for start, end in cut(whole):
            places.append((document, numbers[int(np.searchsorted(ends, start, side="right"))]))
            passages.append(whole[start:end])
    cuts = [*range(0, len(passages), AT_ONCE), len(passages)]
    parts = [await services.embedder.embed_passages(passages[a:b]) for a, b in pairwise(cuts)]
    return _Windows(places, np.concatenate(parts))
