"""`/v1/vector_stores/{id}/file_batches`: files that are attached with one call."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import InvalidFields
from aiconvokit.files.attaching import Attachment
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.bodies import NoBody, read
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.vector_stores import queries, work
from aiconvokit.openai_api.vector_stores.schemas import (
    CAPPED,
    BatchOut,
    NewBatch,
    NewStoreFile,
    StoreFileOut,
    attributes_of,
    chunking_of,
)
from aiconvokit.openai_api.vector_stores.show import (
    STATUS_FILTER,
    read_status,
    show_batch,
    show_store_file,
)
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

BATCHES = "/vector_stores/{vector_store_id:str}/file_batches"
ONE = f"{BATCHES}/{{batch_id:str}}"


@post(
    BATCHES,
    status_code=200,
    operation_class=describe(NewBatch, errors=(409,)),
    partly=CAPPED,
)
async def create_batch(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> BatchOut:
    """Attach up to 2,000 files with one call: all of them, or none."""
    wanted = _wanted(await read(request, services, NewBatch))
    checked = [
        (
            attributes_of(one.attributes, f"files[{index}].attributes"),
            chunking_of(one.chunking_strategy, f"files[{index}].chunking_strategy"),
        )
        for index, one in enumerate(wanted)
    ]
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        work.check_alive(collection)
        found = await lookup.files(session, user_id, [one.file_id for one in wanted])
        files = {one.public_id: one for one in found}
        new = [
            Attachment(files[one.file_id], *said) for one, said in zip(wanted, checked, strict=True)
        ]
        batch = await work.make_batch(services, session, collection, new)
        return await show_batch(session, collection, batch)


def _wanted(body: NewBatch) -> list[NewStoreFile]:
    """The files of a batch, each with what is said of it."""
    if body.file_ids is None and body.files is None:
        raise InvalidFields({"file_ids": ["it is required, unless there are files."]})
    if body.file_ids is not None and body.files is not None:
        raise InvalidFields({"file_ids": ["it cannot stand beside files."]})
    if body.files is not None:
        return body.files
    return [
        NewStoreFile(one, body.attributes, body.chunking_strategy) for one in body.file_ids or []
    ]


@get(ONE)
async def get_batch(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    batch_id: FromPath[str],
) -> Response[BatchOut]:
    """One batch and how its files stand."""
    collection = await work.store(session, user_id, vector_store_id)
    batch = await work.batch_in(session, collection, batch_id)
    return Response(await show_batch(session, collection, batch), headers=POLL)


@post(f"{ONE}/cancel", status_code=200, operation_class=describe(NoBody))
async def cancel_batch(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    batch_id: FromPath[str],
) -> BatchOut:
    """Take the files of a batch that are not read yet out of work; the others stay."""
    await read(request, services, NoBody)
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        batch = await work.batch_in(session, collection, batch_id)
        await work.cancel_batch(session, batch)
        return await show_batch(session, collection, batch)


@get(f"{ONE}/files", operation_class=describe(query={**CURSOR, **STATUS_FILTER}))
async def list_batch_files(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    batch_id: FromPath[str],
) -> Page[StoreFileOut]:
    """The files of a batch, newest first."""
    status, wanted = read_status(request), read_cursor(request)
    collection = await work.store(session, user_id, vector_store_id)
    batch = await work.batch_in(session, collection, batch_id)
    found = await queries.batch_files(session, collection, batch.id, status, wanted)
    shown = [show_store_file(collection, one) for one in found.rows]
    return page(shown, has_more=found.has_more)


HANDLERS: list[Any] = [create_batch, get_batch, cancel_batch, list_batch_files]
