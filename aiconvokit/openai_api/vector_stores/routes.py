"""`/v1/vector_stores`."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.files import documents
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.bodies import read
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.vector_stores import queries, work
from aiconvokit.openai_api.vector_stores.schemas import (
    CAPPED,
    NewVectorStore,
    VectorStoreDeleted,
    VectorStoreOut,
    VectorStoreUpdate,
)
from aiconvokit.openai_api.vector_stores.search import SearchPage, VectorStoreSearch, find
from aiconvokit.openai_api.vector_stores.show import show_stores
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import MODEL_ERRORS, describe
from aiconvokit.services import Services


@post(
    "/vector_stores",
    status_code=200,
    operation_class=describe(NewVectorStore, errors=(403, 404, *repeats.ERRORS)),
    partly=f"description is ignored; {CAPPED}",
)
async def create_vector_store(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[VectorStoreOut]:
    """Make a vector store, with files or without."""
    wanted, attempt = await repeats.read(request, services, once, NewVectorStore)
    async with attempt, services.sessions.begin() as session:
        if (made := repeats.made(attempt)) is not None:
            collection = await work.store(session, user_id, made.id)
        else:
            collection = await work.make(services, session, user_id, wanted)
            await repeats.keep(attempt, session, Made(collection.public_id))
        shown = (await show_stores(session, [collection]))[0]
    return repeats.answer(attempt, shown)


@get("/vector_stores", operation_class=describe(query=CURSOR))
async def list_vector_stores(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Page[VectorStoreOut]:
    """One's own vector stores, newest first; those of assistants are among them."""
    found = await queries.stores_of(session, user_id, read_cursor(request))
    return page(await show_stores(session, found.rows), has_more=found.has_more)


@get("/vector_stores/{vector_store_id:str}")
async def get_vector_store(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> Response[VectorStoreOut]:
    """One vector store and how its files stand."""
    collection = await work.store(session, user_id, vector_store_id)
    return Response((await show_stores(session, [collection]))[0], headers=POLL)


@post(
    "/vector_stores/{vector_store_id:str}",
    status_code=200,
    operation_class=describe(VectorStoreUpdate),
)
async def change_vector_store(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> VectorStoreOut:
    """Change a vector store's name, metadata or expiry; days count from now."""
    wanted = await read(request, services, VectorStoreUpdate)
    async with services.sessions.begin() as session:
        found = await work.store(session, user_id, vector_store_id)
        collection = await work.change(session, found.id, wanted)
        if collection is None:
            raise lookup.unknown("vector store", vector_store_id)
        return (await show_stores(session, [collection]))[0]


@delete("/vector_stores/{vector_store_id:str}", status_code=200)
async def delete_vector_store(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> VectorStoreDeleted:
    """Delete a vector store; files that were uploaded by themselves stay."""
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        unused = await work.remove(session, collection, Removed())
    await documents.discard(services, unused)
    return VectorStoreDeleted(vector_store_id)


@post(
    "/vector_stores/{vector_store_id:str}/search",
    status_code=200,
    operation_class=describe(VectorStoreSearch, errors=(*MODEL_ERRORS, 409)),
    partly="one ranking for every ranker; rewrite_query changes nothing",
)
async def search_vector_store(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> SearchPage:
    """The passages that fit a question best; no model is called."""
    wanted = await read(request, services, VectorStoreSearch)
    return await find(services, user_id, vector_store_id, wanted)


HANDLERS: list[Any] = [
    create_vector_store,
    list_vector_stores,
    get_vector_store,
    change_vector_store,
    delete_vector_store,
    search_vector_store,
]
