"""`/v1/vector_stores/{id}/file_batches`: files that are attached with one call."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.idempotency import Once
from aiconvokit.errors import InvalidFields
from aiconvokit.files.attaching import Attachment
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.bodies import NoBody, convert, read, read_json
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.repeats import Made
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
from ingestion.attributes import Attributes

BATCHES = "/vector_stores/{vector_store_id:str}/file_batches"
ONE = f"{BATCHES}/{{batch_id:str}}"


@post(
    BATCHES,
    status_code=200,
    operation_class=describe(NewBatch, errors=(403, *repeats.ERRORS)),
    partly=CAPPED,
)
async def create_batch(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    vector_store_id: FromPath[str],
) -> Response[BatchOut]:
    """Attach up to 2,000 files with one call: all of them, or none."""
    body = await read_json(request, services)
    wanted = _wanted(convert(body.values, NewBatch))
    said = [_said(one, f"files[{index}]") for index, one in enumerate(wanted)]
    attempt = await once.take(body)
    async with attempt, services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        if (made := repeats.made(attempt)) is not None:
            batch = await work.batch_in(session, collection, made.id)
        else:
            work.check_alive(collection)
            found = await lookup.files(session, user_id, [one.file_id for one in wanted])
            files = {one.public_id: one for one in found}
            new = [
                Attachment(files[one.file_id], *told)
                for one, told in zip(wanted, said, strict=True)
            ]
            batch = await work.make_batch(services, session, collection, new)
            await repeats.keep(attempt, session, Made(batch.public_id))
        shown = await show_batch(session, collection, batch)
    return repeats.answer(attempt, shown)


def _said(one: NewStoreFile, place: str) -> tuple[Attributes | None, Mapping[str, int] | None]:
    """What is said of a file of a batch, checked."""
    return (
        attributes_of(one.attributes, f"{place}.attributes"),
        chunking_of(one.chunking_strategy, f"{place}.chunking_strategy"),
    )


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
