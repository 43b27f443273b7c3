"""A search: embed the question (no transaction), all legs in SQL, fuse, fetch the passages."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from aiconvokit.db import Pool, Transaction
from aiconvokit.errors import Conflict
from aiconvokit.retrieval import candidate_queries, plans, queries
from aiconvokit.retrieval.candidate_queries import Query
from aiconvokit.retrieval.figures import asks_for_figures
from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.fuse import Signals, fuse
from aiconvokit.retrieval.glossary import BUILT_IN, Entry, added_words
from aiconvokit.retrieval.lexemes import lexical_gate
from aiconvokit.retrieval.naming import naming_words, priors, without_names
from aiconvokit.retrieval.recipe import RECIPE, Recipe
from aiconvokit.retrieval.terms import weighted_texts
from aiconvokit.retrieval.types import Found, Passage, Ranked
from aiconvokit.services import Services
from ingestion import tables
from ingestion.language import detect

TURNS = 6
"""Older turns weigh under 2 %."""
USUAL_COSINE_SD = 0.017
"""Where a space's own spread is not measured yet; that of multilingual-e5-small."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What limits and helps a search of one assistant: a filter on documents, its glossary."""

    where: Condition | None = None
    glossary: Sequence[Entry] = BUILT_IN
    recipe: Recipe = RECIPE
    """Other weights than the product's are for measurements only."""


ANYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what the conversation was before it.

    `earlier` are the user's turns, oldest first; `cited` are ids of documents that the last answer
    cited.
    """

    text: str
    earlier: Sequence[str] = ()
    last_answer: str = ""
    cited: Collection[int] = ()

    @property
    def turns(self) -> list[str]:
        """The user's turns, newest first."""
        return [self.text, *reversed(self.earlier)][:TURNS]


@dataclass(frozen=True, slots=True)
class _Place:
    """A collection with the question's vector in its space."""

    collection: tables.Collection
    space: tables.EmbeddingSpace
    vector: str


Timed = Callable[[str], AbstractContextManager[None]]


def _untimed(_part: str) -> AbstractContextManager[None]:
    return nullcontext()


async def search(
    services: Services,
    collections: Sequence[tables.Collection],
    question: Question,
    limit: int,
    scope: Scope = ANYWHERE,
    timed: Timed = _untimed,
) -> Found:
    """The best passages of some collections.

    Args:
        services: the embedder and the database.
        collections: where to look.
        question: what is asked.
        limit: most passages.
        scope: which documents, and whose words.
        timed: is told how long the embedding takes, as "embed".

    Raises:
        UpstreamFailed: the embedder is away.
        Conflict: a collection was embedded with another model than the configured one.
    """
    filled = [one for one in collections if one.chunk_count and one.space_id is not None]
    if not filled:
        return Found([], None)
    with timed("embed"):
        vector = await _embed(services, question, scope.recipe.history_share)
    found: list[Passage] = []
    async with services.pool.connection() as transaction:
        space = await _space(services, transaction)
        for collection in filled:
            if space is None or collection.space_id != space.id:
                raise _other_model(space)
            place = _Place(collection, space, vector)
            async with plans.planned(transaction, collection, scope.where):
                ranked = await _rank(transaction, place, question, scope)
                best = ranked[:limit]
                found += await queries.passages(transaction, collection, scope.where, best)
    return Found(sorted(found, key=lambda passage: -passage.score)[:limit], space)


_SPACES: WeakKeyDictionary[Pool, dict[tuple[str, str], tables.EmbeddingSpace]] = WeakKeyDictionary()
"""Of each database; a space stays as it is once its spread was measured."""


async def _space(services: Services, transaction: Transaction) -> tables.EmbeddingSpace | None:
    """The embedder's space, if it has one yet."""
    key = services.embedder.provider, services.embedder.model
    known = _SPACES.setdefault(services.pool, {})
    if key in known:
        return known[key]
    space = await queries.space_of(transaction, *key)
    if space is not None and space.cosine_sd is not None:
        known[key] = space
    return space


async def _rank(
    transaction: Transaction,
    found_in: _Place,
    question: Question,
    scope: Scope,
) -> list[Ranked]:
    """The candidates of one collection, best first."""
    collection, space, recipe = found_in.collection, found_in.space, scope.recipe
    language = detect(question.text)
    names = naming_words(question.text if recipe.naming else "", language)
    named = await queries.named_documents(transaction, collection, names, scope.where)
    meant = priors(named, question.cited, recipe)
    asked = without_names(question.text, named, meant)
    added = added_words(question.text, scope.glossary)
    lift = recipe.naming * (space.cosine_sd or USUAL_COSINE_SD)
    query = Query(
        texts=weighted_texts(asked, question.turns[1:], question.last_answer, added, recipe),
        vector=found_in.vector,
        space_id=space.id,
        priors=meant,
        lift=lift,
        asks_for_figures=asks_for_figures(question.text),
        where=scope.where,
    )
    candidates, known = await candidate_queries.candidates(transaction, collection, query)
    signals = Signals(
        gate=lexical_gate(language, collection.language, known),
        asks_for_figures=query.asks_for_figures,
        priors=meant,
        lift=lift,
    )
    return fuse(candidates, signals, recipe)


async def _embed(services: Services, question: Question, history_share: float) -> str:
    """The question's vector in pgvector's text form, mixed with the conversation's."""
    texts = [question.text]
    if question.earlier and history_share:
        texts.append("\n".join(question.turns))  # newest first: what is cut off is the oldest
    vectors = await services.embedder.embed_queries(texts)
    mixed = vectors[0]
    if len(texts) > 1:
        mixed = (1 - history_share) * vectors[0] + history_share * vectors[1]
        mixed = mixed / np.linalg.norm(mixed)
    # Numbers as JSON has them are pgvector's, too, and this writes them fastest.
    return msgspec.json.encode(np.asarray(mixed, dtype=np.float32).tolist()).decode()


def _other_model(space: tables.EmbeddingSpace | None) -> Conflict:
    now = f"{space.model} ({space.provider})" if space else "one that has embedded nothing yet"
    return Conflict(
        f"These documents were embedded with another model than the configured one, {now}. "
        "Configure the former embedding model again.",
        code="embedding_model_changed",
    )
