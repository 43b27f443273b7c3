"""A loaded set's questions, asked of the real search, without HTTP between."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from aiconvokit.evals import queries
from aiconvokit.evals.gold import Target, targets, unit
from aiconvokit.evals.load import Desk, LoadedSet
from aiconvokit.evals.sets import Said, SetQuestion
from aiconvokit.evals.vector_cache import CachedEmbedder
from aiconvokit.retrieval.recipe import RECIPE, Recipe
from aiconvokit.retrieval.search import Question, Scope, search
from aiconvokit.retrieval.types import Passage
from aiconvokit.services import Services

T = TypeVar("T")
LIMIT = 50
"""Passages a search; their distinct pages reach beyond 10 in all sets."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search came to.

    `ranks` has one entry for each thing to be found: its place among the distinct pages, documents
    or passages, from 1; None when it is not among them. It is empty for a question without an
    answer. `ms` is the search's time without the embedding of the question. `nearest` is the best
    cosine among the passages that a prompt would take; None: nothing was found.
    """

    id: str
    text: str
    ranks: Sequence[int | None]
    ms: float
    nearest: float | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before a question: user turns (oldest first), and the last answer ("")."""

    earlier: Sequence[str]
    last_answer: str

    @classmethod
    def of(cls, history: Sequence[Said]) -> "Conversation":
        """Answers after the last user turn belong together: data has them cut in pieces."""
        last: list[str] = []
        for one in history:
            last = [] if one.role == "user" else [*last, one.content]
        return cls([one.content for one in history if one.role == "user"], "\n".join(last))


Documents = Callable[[], Awaitable[Sequence[int]]]
"""The documents that the turn before would have cited: that of its best passage."""


async def make_question(text: str, before: Conversation, last_documents: Documents) -> Question:
    """The search's question, from all that a chat would know at this turn."""
    return Question(text, before.earlier, before.last_answer, await last_documents())


@dataclass(frozen=True, slots=True)
class _Asker:
    services: Services
    loaded: LoadedSet
    recipe: Recipe
    last_documents: dict[tuple[int, tuple[Said, ...]], Sequence[int]]
    """(assistant id, history up to a user turn) -> what that turn found."""

    async def question(self, desk: Desk, text: str, history: Sequence[Said]) -> Question:
        """A question after a history."""
        return await make_question(
            text, Conversation.of(history), lambda: self._documents_before(desk, history)
        )

    async def search(self, desk: Desk, question: Question) -> list[Passage]:
        """The passages for a question."""
        scope = Scope(recipe=self.recipe)
        return (await search(self.services, desk.collections, question, LIMIT, scope)).passages

    async def _documents_before(self, desk: Desk, history: Sequence[Said]) -> Sequence[int]:
        """The document of the best passage for the user's turn before, as that turn saw it."""
        turns = [index for index, one in enumerate(history) if one.role == "user"]
        if not turns:
            return ()
        key = (desk.assistant_id, tuple(history[: turns[-1] + 1]))
        if key not in self.last_documents:
            question = await self.question(desk, history[turns[-1]].content, history[: turns[-1]])
            found = await self.search(desk, question)
            self.last_documents[key] = [found[0].document_id] if found else []
        return self.last_documents[key]


async def ask(
    services: Services, loaded: LoadedSet, recipe: Recipe = RECIPE, *, limit: int | None = None
) -> list[Asked]:
    """Ask all questions that have a gold, and those without an answer, one after the other.

    Args:
        services: with the database that the set was loaded into.
        loaded: the set.
        recipe: the weights; others than the product's show what an ingredient gives.
        limit: how many questions of each kind at most, spread evenly over the set.
    """
    asker = _Asker(services, loaded, recipe, {})
    absent: list[tuple[SetQuestion, Sequence[Target]]] = [(one, ()) for one in loaded.unanswerable]
    asked = sample(await measured(services, loaded), limit) + sample(absent, limit)
    return [await _ask(asker, question, wanted) for question, wanted in asked]


async def measured(
    services: Services, loaded: LoadedSet
) -> list[tuple[SetQuestion, Sequence[Target]]]:
    """The questions that say where their answer stands, with that."""
    level = loaded.set.level
    async with services.sessions.begin() as session:
        ids = [one.id for desk in loaded.desks.values() for one in desk.collections]
        pages = await queries.page_texts(session, ids) if level == "span" else {}
    found = [(one, targets(level, one, pages)) for one in loaded.questions]
    return [(one, wanted) for one, wanted in found if wanted]


def sample(items: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` of them, evenly spread and always the same ones."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, limit).astype(int)]


async def _ask(asker: _Asker, question: SetQuestion, wanted: Sequence[Target]) -> Asked:
    desk, text = asker.loaded.desk(question), asker.loaded.text(question)
    asked = await asker.question(desk, text, question.history)
    embedder = asker.services.embedder
    embedded = embedder.query_seconds if isinstance(embedder, CachedEmbedder) else 0.0
    began = time.perf_counter()
    passages = await asker.search(desk, asked)
    seconds = time.perf_counter() - began
    if isinstance(embedder, CachedEmbedder):
        seconds -= embedder.query_seconds - embedded
    ranks = _ranks(asker.loaded, passages, wanted)
    in_prompt = passages[: asker.services.settings.limits.prompt_passages]
    nearest = max((one.dense for one in in_prompt), default=None)
    return Asked(question.id, text, ranks, round(1000 * seconds, 2), nearest)


def _ranks(
    loaded: LoadedSet, passages: Sequence[Passage], wanted: Sequence[Target]
) -> list[int | None]:
    level = loaded.set.level
    first: dict[tuple[object, ...], tuple[str, Passage]] = {}
    for passage in passages:
        document = loaded.document(passage.filename)
        first.setdefault(unit(level, document, passage), (document, passage))
    results = list(first.values())
    return [
        next((rank for rank, one in enumerate(results, start=1) if target.is_hit(*one)), None)
        for target in wanted
    ]
