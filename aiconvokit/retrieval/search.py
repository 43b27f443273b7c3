"""A search: embed the question (no transaction), all legs in SQL, fuse, fetch the passages."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from aiconvokit.db import Pool, Transaction, reach
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
from aiconvokit.retrieval.types import Found, Passage, Ranked, Searchable, Space
from aiconvokit.services import Services
from ingestion.errors import EmbeddingFailed, ModelChanged
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

    collection: Searchable
    space: Space
    vector: str


Timed = Callable[[str], AbstractContextManager[None]]


def _untimed(_part: str) -> AbstractContextManager[None]:
    return nullcontext()


async def search(
    services: Services,
    collections: Sequence[Searchable],
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

    Each collection is asked with the vector of its own space, however many there are. Their
    cosines never meet: a score says how good a passage is among the candidates of its collection.

    Raises:
        UpstreamFailed: an embedder is away.
        Conflict: `embedding_model_changed`: the model of a collection cannot be reached any more.
    """
    filled = [
        (one, one.space_id) for one in collections if one.chunk_count and one.space_id is not None
    ]
    if not filled:
        return Found([], {})
    known = await _spaces(services, {space_id for _, space_id in filled})
    with timed("embed"):
        asked = await _embed(services, known, question, scope.recipe.history_share)
    found: list[Passage] = []
    spaces: dict[int, Space] = {}
    async with services.pool.lend() as transaction:
        for collection, space_id in filled:
            await reach(transaction, collection.id)
            space = await _measured(services, transaction, known[space_id])
            place = _Place(collection, space, asked[space.id])
            async with plans.planned(transaction, collection, scope.where):
                best = await _rank(transaction, place, question, scope, limit)
                passages = await queries.passages(transaction, collection, scope.where, best)
            found += passages
            spaces |= {passage.document_id: space for passage in passages}
    return Found(sorted(found, key=lambda passage: -passage.score)[:limit], spaces)


_SPACES: WeakKeyDictionary[Pool, dict[int, Space]] = WeakKeyDictionary()
"""Of each database, by id. A space stays as it is, but that its spread is measured once."""


async def _spaces(services: Services, ids: Collection[int]) -> dict[int, Space]:
    """The spaces of these ids; asked of the database when they are first met."""
    known = _SPACES.setdefault(services.pool, {})
    if missing := [one for one in ids if one not in known]:
        async with services.pool.lend() as transaction:
            known |= {one.id: one for one in await queries.spaces(transaction, missing)}
    return {one: known[one] for one in ids}


async def _measured(services: Services, transaction: Transaction, space: Space) -> Space:
    """The space as it is now: its spread may have been measured since it was first met."""
    if space.cosine_sd is not None:
        return space
    (space,) = await queries.spaces(transaction, [space.id])
    _SPACES[services.pool][space.id] = space
    return space


async def _rank(
    transaction: Transaction,
    found_in: _Place,
    question: Question,
    scope: Scope,
    limit: int,
) -> list[Ranked]:
    """The best of one collection."""
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
    return fuse(candidates, signals, recipe, limit)


async def _embed(
    services: Services,
    spaces: Mapping[int, Space],
    question: Question,
    share: float,
) -> dict[int, str]:
    """The question's vector in each space, by its id; several are asked side by side."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                space_id: group.create_task(_vector(services, space, question, share))
                for space_id, space in spaces.items()
            }
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return {space_id: task.result() for space_id, task in tasks.items()}


async def _vector(services: Services, space: Space, question: Question, share: float) -> str:
    """The question's vector in pgvector's text form, mixed with the conversation's."""
    texts = [question.text]
    if question.earlier and share:
        texts.append("\n".join(question.turns))  # newest first: what is cut off is the oldest
    try:
        embedder = await services.embedders.of(space.provider, space.model)
    except EmbeddingFailed as error:
        raise Conflict(error.detail, code=error.code) from error
    vectors = await embedder.embed_queries(texts)
    if vectors.shape[1] != space.dim:
        raise _other_dimensions(space, vectors.shape[1])
    mixed = vectors[0]
    if len(texts) > 1:
        mixed = (1 - share) * vectors[0] + share * vectors[1]
        mixed = mixed / np.linalg.norm(mixed)
    # Numbers as JSON has them are pgvector's, too, and this writes them fastest.
    return msgspec.json.encode(np.asarray(mixed, dtype=np.float32).tolist()).decode()


def _other_dimensions(space: Space, dimensions: int) -> Conflict:
    changed = ModelChanged(space.model, dimensions=dimensions, former=space.dim)
    return Conflict(changed.detail, code=changed.code)
