"""A search in one vector store."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aiconvokit.errors import InvalidFields
from aiconvokit.files import expiry_queries
from aiconvokit.openai_api.tools import Ranking
from aiconvokit.openai_api.vector_stores import queries, work
from aiconvokit.openai_api.vector_stores.queries import Labels
from aiconvokit.openai_api.vector_stores.schemas import TextOut, Values
from aiconvokit.rest.fields import LONG_TEXT, JsonBody
from aiconvokit.retrieval.filters import BadFilter, Condition, compile_filter, parse_filter
from aiconvokit.retrieval.search import Question, Scope, search
from aiconvokit.retrieval.types import Passage
from aiconvokit.services import Services
from ingestion.attributes import loaded
from ingestion.tables import Collection

MAX_QUERIES = 16
"""Of one call: each is embedded and searched by itself."""

Query = Annotated[str, Meta(min_length=1, max_length=LONG_TEXT)]


class VectorStoreSearch(JsonBody):
    """What is searched for."""

    query: Query | Annotated[list[Query], Meta(min_length=1, max_length=MAX_QUERIES)]
    filters: dict[str, Any] | None = None
    max_num_results: Annotated[int, Meta(ge=1, le=50)] = 10
    ranking_options: Ranking | None = None
    rewrite_query: bool | None = None


class SearchHit(Struct):
    """A passage that was found; `page` and `heading` are ours."""

    file_id: str
    filename: str
    score: float
    attributes: Values
    content: list[TextOut]
    page: int
    heading: str


class SearchPage(Struct):
    """What a search came to, best first."""

    search_query: list[str]
    data: list[SearchHit]
    has_more: Literal[False] = False
    next_page: None = None
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"


async def find(
    services: Services, user_id: int, store_id: str, wanted: VectorStoreSearch
) -> SearchPage:
    """Search a user's own vector store.

    Raises:
        InvalidFields: a query is blank, or the filter is none.
        NotFound: there is no such vector store for them.
        BadRequest: it has expired.
        UpstreamFailed: the embedder is away.
        Conflict: the store was embedded with another model than the configured one.
    """
    asked = [wanted.query] if isinstance(wanted.query, str) else wanted.query
    if not all(one.strip() for one in asked):
        raise InvalidFields({"query": ["it may not be blank."]})
    where = _condition(wanted.filters)
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, store_id)
        work.check_alive(collection)
        await expiry_queries.touch(session, collection.id)
    passages = await _search(services, collection, asked, wanted.max_num_results, where)
    least = wanted.ranking_options.score_threshold if wanted.ranking_options else 0.0
    async with services.sessions.begin() as session:
        labels = await queries.labels_of(session, {one.document_id for one in passages})
    hits = [
        _show(one, labels[one.document_id])
        for one in passages
        if one.score >= least and one.document_id in labels
    ]
    return SearchPage(list(asked), hits)


def _condition(given: dict[str, Any] | None) -> Condition | None:
    if given is None:
        return None
    try:
        return compile_filter(parse_filter(given))
    except BadFilter as error:
        raise InvalidFields({"filters": [str(error)]}) from error


async def _search(
    services: Services,
    collection: Collection,
    asked: Sequence[str],
    limit: int,
    where: Condition | None,
) -> list[Passage]:
    """The best passages for any of some questions; one that several find has its best score."""
    best: dict[int, Passage] = {}
    for one in asked:
        found, _ = await search(services, [collection], Question(one), limit, Scope(where))
        for passage in found:
            known = best.get(passage.chunk_id)
            if known is None or known.score < passage.score:
                best[passage.chunk_id] = passage
    return sorted(best.values(), key=lambda passage: -passage.score)[:limit]


def _show(passage: Passage, labels: Labels) -> SearchHit:
    return SearchHit(
        file_id=labels.file_id,
        filename=passage.filename,
        score=round(passage.score, 4),
        attributes=loaded(labels.attributes),
        content=[TextOut(passage.text)],
        page=passage.page,
        heading=passage.heading,
    )
