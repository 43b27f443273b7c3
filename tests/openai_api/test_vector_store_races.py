"""Attaching, uploading, deleting and cancelling at once: whoever comes late is told so."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import openai
import psycopg

from contract.wire import stored_files
from openai_api.stores import STATIC, put
from support.server import Client, Server
from support.waiting import eventually

ROUNDS = 6
LATE = {404, 409}


def outcome(call: Callable[[], object]) -> int:
    """The status that a call ends in."""
    try:
        call()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def test_a_file_goes_while_it_is_attached(
    server: Server, database: str, anns: openai.OpenAI
) -> None:
    before = stored_files(server)
    stores = [anns.vector_stores.create().id for _ in range(2)]
    attach = anns.vector_stores.files.create
    batch = anns.vector_stores.file_batches.create
    with ThreadPoolExecutor(6) as pool:
        for _ in range(ROUNDS):
            files = [put(anns, "same.txt", os.urandom(50).hex()) for _ in range(2)]
            first, second = stores
            begun = [
                pool.submit(outcome, lambda: attach(first, file_id=files[0])),  # noqa: B023  # ends in this round
                pool.submit(outcome, lambda: batch(second, file_ids=files)),  # noqa: B023  # so does this
                pool.submit(outcome, lambda: batch(first, file_ids=files[::-1])),  # noqa: B023  # so does this
                pool.submit(outcome, lambda: anns.files.delete(files[0])),  # noqa: B023  # so does this
                pool.submit(outcome, lambda: anns.files.delete(files[1])),  # noqa: B023  # so does this
            ]
            assert {one.result() for one in begun} <= {200, *LATE}
            for file in files:
                assert outcome(lambda: anns.files.retrieve(file)) == 404  # noqa: B023  # at once
    for store in stores:
        assert anns.vector_stores.files.list(store).data == []
    assert stored_files(server) == before
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone() == (0,)


def test_a_store_goes_while_it_is_filled(
    server: Server, database: str, anns: openai.OpenAI, ann: Client
) -> None:
    before = stored_files(server)
    own = [put(anns, f"{number}.txt", os.urandom(50).hex()) for number in range(3)]
    kept = stored_files(server)
    with ThreadPoolExecutor(6) as pool:
        for number in range(ROUNDS):
            assistant = ann.assistant(name=f"Filled {number}")
            (store,) = [
                one.id for one in anns.vector_stores.list() if one.name == f"Filled {number}"
            ]
            path = f"{assistant['absolute_url']}documents/"
            files = [("files", (f"{one}.txt", os.urandom(50).hex())) for one in range(3)]
            batches = anns.vector_stores.file_batches
            begun = [
                pool.submit(outcome, lambda: batches.create(store, file_ids=own)),  # noqa: B023  # ends in this round
                pool.submit(outcome, lambda: batches.create(store, file_ids=own[::-1])),  # noqa: B023  # so does this
                pool.submit(lambda: ann.post(path, files=files).status_code),  # noqa: B023  # so does this
                pool.submit(outcome, lambda: anns.vector_stores.delete(store)),  # noqa: B023  # so does this
                pool.submit(outcome, lambda: anns.vector_stores.delete(store)),  # noqa: B023  # so does this
            ]
            statuses = [one.result() for one in begun]
            assert set(statuses) <= {200, 201, *LATE}
            assert sorted(statuses[3:]) == [200, 404]
            assert ann.delete(assistant["absolute_url"]).status_code == 204
    assert stored_files(server) == kept
    for file in own:
        anns.files.delete(file)
    assert stored_files(server) == before
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM file").fetchone() == (0,)


def test_cancelling_and_attaching_while_it_is_read(anns: openai.OpenAI, database: str) -> None:
    store = anns.vector_stores.create().id
    files = [put(anns, f"{number}.txt", f"Text {number}. " * 500) for number in range(4)]
    batches = anns.vector_stores.file_batches
    with ThreadPoolExecutor(4) as pool:
        for _ in range(ROUNDS):
            batch = batches.create(store, file_ids=files, chunking_strategy=STATIC).id  # type: ignore[arg-type]  # a plain dict
            begun = [
                pool.submit(outcome, lambda: batches.cancel(batch, vector_store_id=store)),  # noqa: B023  # ends in this round
                pool.submit(outcome, lambda: batches.create(store, file_ids=files)),
                pool.submit(
                    outcome,
                    lambda: batches.create(
                        store, file_ids=files, chunking_strategy={"type": "auto"}
                    ),
                ),
            ]
            assert {one.result() for one in begun} == {200}
    last = batches.create_and_poll(store, file_ids=files)
    assert last.file_counts.completed == 4

    def is_quiet() -> bool:
        with psycopg.connect(database) as connection:
            return connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)

    eventually(is_quiet)
    with psycopg.connect(database) as connection:
        wrong = connection.execute(
            "SELECT count(*) FROM document d WHERE status <> 'ready' OR ready_version <> version"
            " OR chunk_count <> (SELECT count(*) FROM chunk c WHERE c.document_id = d.id)"
        )
        assert wrong.fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM chunk_stage").fetchone() == (0,)
