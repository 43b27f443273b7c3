"""What the command does: to a model, back, how far, and away with what is left behind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from aiconvokit.db import create_engine, create_sessions
from aiconvokit.errors import ConfigurationError
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.local_embedder import LOCAL_MODEL, LOCAL_PROVIDER
from aiconvokit.llm.remember import host_and_port
from aiconvokit.operations.reindex import queries
from aiconvokit.operations.reindex.filling import Filling, Progress, patiently
from aiconvokit.operations.reindex.queries import Selected, Selection
from aiconvokit.services import Services
from ingestion import space_store, store, vector_index
from ingestion.errors import EmbeddingFailed
from ingestion.tables import EmbeddingSpace

CHASED = "New documents came faster than the model embeds. Try again when they are read."


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a person names it; no provider: the one that the settings suggest."""

    name: str
    provider: str | None = None


@dataclass(slots=True)
class Report:
    """What a reindexing came to; collections by their public ids.

    `already` were in the space before; `called_off` are those of them that were on their way to
    another one, and stay now. `failed` says why, the others went on.
    """

    model: str
    switched: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    embedded: int = 0
    reused: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """A collection, the names of its spaces, and how many vectors the next one has already."""

    collection: Selected
    space: str
    next: str | None
    filled: int
    previous: str | None


async def to_model(
    services: Services, selection: Selection, model: Model, progress: Progress
) -> Report:
    """Move collections to a model's space; those that are leaving it stay there.

    Raises:
        ConfigurationError: there is no such model, user or assistant; nothing is changed.
    """
    async with _engine(services) as engine:
        space = await _target(services, model, progress)
        collections = await _collections(services, selection)
        report = Report(f"{space.model} ({space.provider})")
        todo = [one for one in collections if one.space_id != space.id]
        there = [one for one in collections if one.space_id == space.id]
        leaving = [one for one in there if one.next_space_id is not None]
        report.already = [one.public_id for one in there]
        report.called_off = [one.public_id for one in leaving]
        async with services.owner_sessions.begin() as session:
            await space_store.head_for(session, [one.id for one in collections], space.id)
        await _forget_rests(services, engine, [one.id for one in leaving], way_back=True)
        await _move(services, engine, [(one, space) for one in todo], report, progress)
        return report


async def back(services: Services, selection: Selection, progress: Progress) -> Report:
    """Move collections to the space that they were in before."""
    async with _engine(services) as engine:
        collections = await _collections(services, selection)
        async with services.owner_sessions() as session:
            spaces = await space_store.spaces(session)
        report = Report("the one before")
        todo: list[tuple[Selected, EmbeddingSpace]] = []
        for one in collections:
            if one.previous_space_id is None:
                report.already.append(one.public_id)
            else:
                todo.append((one, spaces[one.previous_space_id]))
        await _move(services, engine, todo, report, progress)
        return report


async def status(services: Services, selection: Selection) -> list[State]:
    """How far every collection is."""
    collections = await _collections(services, selection)
    found = []
    async with services.owner_sessions() as session:
        names = {
            id_: f"{one.model} ({one.provider})"
            for id_, one in (await space_store.spaces(session)).items()
        }
        for one in collections:
            following, previous = one.next_space_id, one.previous_space_id
            filled = await space_store.how_many(session, one.id, following) if following else 0
            found.append(
                State(
                    one,
                    names[one.space_id],
                    names[following] if following else None,
                    filled,
                    names[previous] if previous else None,
                )
            )
    return found


async def forget_old(services: Services, selection: Selection) -> int:
    """Delete the vectors that collections left behind; how many went. There is no way back then."""
    async with _engine(services) as engine:
        ids = [one.id for one in await _collections(services, selection)]
        gone = await _empty_unused(services) if selection.is_everything else 0
        return gone + await _forget_rests(services, engine, ids, way_back=False)


async def _forget_rests(
    services: Services, engine: AsyncEngine, ids: Sequence[int], *, way_back: bool
) -> int:
    """Delete what collections left in other spaces; how many vectors went."""
    async with services.owner_sessions() as session:
        kept = await space_store.kept_spaces(session, ids, way_back=way_back)
    for index in await vector_index.indexes(engine):
        # Before the vectors: vacuuming would repair it around each of them.
        if index.collection_id in ids and (index.space_id, index.collection_id) not in kept:
            await vector_index.drop(engine, index)
    gone = 0
    for collection_id in ids:
        async with services.owner_sessions.begin() as session:
            gone += await space_store.forget_rests(session, collection_id, way_back=way_back)
    return gone


async def _empty_unused(services: Services) -> int:
    """Empty the spaces that nobody is searched in, which gives their disk back at once."""
    gone = 0
    async with services.owner_sessions() as session:
        spaces = await space_store.with_vectors(session)
    for space_id in spaces:
        try:
            async with services.owner_sessions.begin() as session:
                gone += await space_store.empty_unused(session, space_id)
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            # A search that began before the switch reads it: its rows are deleted then.
    return gone


async def _collections(services: Services, selection: Selection) -> list[Selected]:
    async with services.owner_sessions() as session:
        if unknown := await queries.unknown_assistants(session, selection.assistants):
            raise ConfigurationError(f"There is no assistant {unknown[0]}.")
        name = selection.username
        if name is not None and not await queries.is_user(session, name):
            raise ConfigurationError(f"There is no user {name}.")
        return await queries.selected(session, selection)


async def _target(services: Services, model: Model, progress: Progress) -> EmbeddingSpace:
    """The space of a model, made when it is new; the model is asked before anything changes."""
    provider = model.provider or _provider(services, model.name)
    try:
        embedder = await services.embedders.of(provider, model.name)
        vectors = await patiently(lambda: embedder.embed_passages(["ready"]), progress)
    except EmbeddingFailed as error:
        raise ConfigurationError(
            f"{model.name} ({provider}) cannot be reached with the present settings. The embedding "
            "server is AICONVOKIT_EMBEDDING_BASE_URL, else OPENAI_BASE_URL; "
            f"the model on this machine is {LOCAL_MODEL}."
        ) from error
    except ModelError as error:
        raise ConfigurationError(f"{model.name} ({provider}): {error.detail}") from error
    async with services.owner_sessions.begin() as session:
        space_id = await store.ensure_space(
            session, embedder.provider, embedder.model, vectors.shape[1]
        )
        return (await space_store.spaces(session))[space_id]


def _provider(services: Services, name: str) -> str:
    configured = services.embedders.configured
    if name == configured.model:
        return configured.provider
    if name == LOCAL_MODEL:
        return LOCAL_PROVIDER
    return host_and_port(services.settings.embedder_base_url)


async def _move(
    services: Services,
    engine: AsyncEngine,
    todo: Sequence[tuple[Selected, EmbeddingSpace]],
    report: Report,
    progress: Progress,
) -> None:
    """One collection after the other; one that fails does not stop the others."""
    progress.passages = sum(one.chunk_count for one, _ in todo)
    for one, space in todo:
        async with services.owner_sessions() as session:
            progress.ready += await space_store.how_many(session, one.id, space.id)
    for one, space in todo:
        filling = Filling(services, engine, space, progress)
        try:
            await filling.move(one.id, one.name or one.public_id)
        except (ModelError, EmbeddingFailed) as error:
            report.failed[one.public_id] = error.detail
        except TimeoutError:
            report.failed[one.public_id] = CHASED
        else:
            report.switched.append(one.public_id)
        # It may have left something in the space before the last one, or on its way to another.
        await _forget_rests(services, engine, [one.id], way_back=True)
    report.embedded, report.reused = progress.embedded, progress.reused


@asynccontextmanager
async def _engine(services: Services) -> AsyncIterator[AsyncEngine]:
    """An engine of the owner's, as long as nobody else reindexes this database.

    Raises:
        ConfigurationError: somebody does.
    """
    engine = create_engine(services.database_url, pool_size=2)
    waiting = engine.execution_options(isolation_level="AUTOCOMMIT")  # it holds no snapshot
    try:
        async with create_sessions(waiting)() as session:
            if not await queries.take_turn(session):
                raise ConfigurationError(
                    "Another reindexing of this database is running; aiconvokit reindex --status "
                    "shows how far it is."
                )
            yield engine
    finally:
        await engine.dispose()
