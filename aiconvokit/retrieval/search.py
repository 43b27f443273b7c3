"""A search: embed the question (no transaction), both legs in SQL, fuse, fetch the passages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pgvector import HalfVector

from aiconvokit.errors import Conflict
from aiconvokit.retrieval import queries
from aiconvokit.retrieval.fuse import fuse
from aiconvokit.retrieval.lexemes import lexical_gate
from aiconvokit.retrieval.queries import Query
from aiconvokit.retrieval.types import Candidate, Passage
from aiconvokit.services import Services
from ingestion.language import detect
from ingestion.store import find_space
from ingestion.tables import Collection, EmbeddingSpace

TURN_DECAY = 0.5
"""Weight of the words of a user's turn against the turn after it (doc2dial recall@5 +.067)."""
HISTORY_SHARE = 0.5
"""Share of the conversation in the question's vector."""
TURNS = 6
"""Older turns weigh under 2 %."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the user's earlier turns in the conversation, oldest first."""

    text: str
    earlier: Sequence[str] = ()

    @property
    def turns(self) -> list[str]:
        """The user's turns, newest first."""
        return [self.text, *reversed(self.earlier)][:TURNS]


async def search(
    services: Services, collections: Sequence[Collection], question: Question, limit: int
) -> list[Passage]:
    """The best passages of some collections.

    Raises:
        UpstreamFailed: the embedder is away.
        Conflict: a collection was embedded with another model than the configured one.
    """
    filled = [one for one in collections if one.chunk_count and one.space_id is not None]
    if not filled:
        return []
    vector = await _embed(services, question)
    found: list[Passage] = []
    async with services.sessions.begin() as session:
        embedder = services.embedder
        space = await find_space(session, embedder.provider, embedder.model)
        for collection in filled:
            if space is None or collection.space_id != space.id:
                raise _other_model(space)
            query = Query(
                texts=question.turns,
                weights=[TURN_DECAY**age for age in range(len(question.turns))],
                vector=vector,
                space_id=space.id,
                dim=space.dim,
            )
            candidates, known = await queries.candidates(session, collection, query)
            ranked = _rank(candidates, question, collection, known)[:limit]
            found += await queries.passages(session, collection.id, ranked)
    return sorted(found, key=lambda passage: -passage.score)[:limit]


def _rank(
    candidates: Sequence[Candidate], question: Question, collection: Collection, known: float
) -> list[tuple[Candidate, float]]:
    gate = lexical_gate(detect(question.text), collection.language, known)
    by_id = {candidate.chunk_id: candidate for candidate in candidates}
    return [(by_id[chunk_id], score) for chunk_id, score in fuse(candidates, gate)]


async def _embed(services: Services, question: Question) -> str:
    """The question's vector in pgvector's text form: half itself, half the conversation."""
    texts = [question.text]
    if question.earlier:
        texts.append("\n".join(question.turns))  # newest first: what is cut off is the oldest
    vectors = await services.embedder.embed_queries(texts)
    mixed = vectors[0]
    if len(texts) > 1:
        mixed = (1 - HISTORY_SHARE) * vectors[0] + HISTORY_SHARE * vectors[1]
        mixed = mixed / np.linalg.norm(mixed)
    return str(HalfVector(mixed).to_text())


def _other_model(space: EmbeddingSpace | None) -> Conflict:
    now = f"{space.model} ({space.provider})" if space else "one that has embedded nothing yet"
    return Conflict(
        f"These documents were embedded with another model than the configured one, {now}. "
        "Configure the former embedding model again.",
        code="embedding_model_changed",
    )
