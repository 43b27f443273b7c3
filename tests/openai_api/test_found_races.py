"""What was found where two do something at once on the OpenAI wire: it stays mended."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import openai
import psycopg
import pytest

from fake_model.server import FakeModel
from openai_api.stores import put
from support.databases import clone
from support.official import official
from support.server import running_server
from support.waiting import eventually

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

ROUNDS = 10
BUSY, FAULT = 503, 500
LONG = "word " * 400
"""With `SLOW` two minutes: longer than anybody here waits."""
SLOW = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.3"}


def outcome(call: Callable[[], object]) -> int:
    """The status that a call ends in, with `FAULT` for a 503 that is not that of a busy server."""
    try:
        call()
    except openai.APIStatusError as error:
        is_other = error.status_code == BUSY and error.code != "server_busy"
        return FAULT if is_other else error.status_code
    return 200


def at_once(*calls: Callable[[], object]) -> list[int]:
    """What calls end in that begin together."""
    barrier = threading.Barrier(len(calls))

    def begun(call: Callable[[], object]) -> int:
        barrier.wait()
        return outcome(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begun, calls))


def asked(client: openai.OpenAI, text: str = "How many people does Northwind employ?") -> str:
    return client.beta.threads.create(messages=[{"role": "user", "content": text}]).id


def test_threads_are_made_while_their_store_goes(anns: openai.OpenAI) -> None:
    files = [put(anns, f"{number}.txt", os.urandom(50).hex()) for number in range(6)]
    attached: Any = [{"file_id": files[5], "tools": [{"type": "file_search"}]}]
    message: Any = {"role": "user", "content": "Who?", "attachments": attached}
    for _ in range(ROUNDS):
        store = anns.vector_stores.create(file_ids=files[:4]).id
        resources: Any = {"file_search": {"vector_store_ids": [store]}}
        statuses = at_once(
            lambda: anns.beta.threads.create(messages=[message], tool_resources=resources),  # noqa: B023  # ends in this round
            lambda: anns.beta.threads.create(messages=[message], tool_resources=resources),  # noqa: B023  # so does this
            lambda: anns.vector_stores.files.create(store, file_id=files[4]),  # noqa: B023  # so does this
            lambda: anns.vector_stores.delete(store),  # noqa: B023  # so does this
        )
        assert set(statuses[:3]) <= {200, 404, 409, BUSY}
        assert statuses[3] in {200, BUSY}


def test_an_assistant_goes_while_runs_begin(anns: openai.OpenAI) -> None:
    for _ in range(ROUNDS):
        made, threads = anns.beta.assistants.create(model="m").id, [asked(anns) for _ in range(2)]
        *begun, deleted = at_once(
            lambda: anns.beta.threads.runs.create(thread_id=threads[0], assistant_id=made),  # noqa: B023  # ends in this round
            lambda: anns.beta.threads.runs.create(thread_id=threads[1], assistant_id=made),  # noqa: B023  # so does this
            lambda: anns.beta.assistants.delete(made),  # noqa: B023  # so does this
        )
        assert set(begun) <= {200, 404}
        assert deleted == 200


def test_an_assistant_goes_just_before_a_run_begins(anns: openai.OpenAI, database: str) -> None:
    made, thread_id = anns.beta.assistants.create(model="m").id, asked(anns)
    runs = anns.beta.threads.runs
    with psycopg.connect(database) as connection, ThreadPoolExecutor(1) as pool:
        connection.execute("SELECT FROM assistant WHERE openai_id = %s FOR UPDATE", [made])
        begun = pool.submit(outcome, lambda: runs.create(thread_id=thread_id, assistant_id=made))
        try:
            eventually(lambda: begun.done() or waits(database))
            connection.execute("DELETE FROM assistant WHERE openai_id = %s", [made])
        finally:
            connection.commit()
        assert begun.result() == 404


def waits(database: str) -> bool:
    """Whether somebody waits for a lock in a database."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return found.fetchone() is not None


@contextmanager
def talking(cluster_url: str, fake: FakeModel) -> Iterator[tuple[openai.OpenAI, str, str]]:
    """A user of a server whose model does not come to an end; an assistant, and a thread."""
    fake.script(LONG)
    with (
        running_server(clone(cluster_url), fake.base_url, environment=SLOW) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        yield client, str(ann.assistant()["openai_id"]), asked(client)


def test_nothing_is_deleted_while_a_run_is_in_work(cluster_url: str, fake: FakeModel) -> None:
    with talking(cluster_url, fake) as (client, assistant_id, thread_id):
        messages = client.beta.threads.messages
        (question,) = messages.list(thread_id).data
        run = client.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)
        eventually(lambda: len(fake.chats()) == 1)
        before = messages.list(thread_id).data
        for one in before:
            with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
                messages.delete(one.id, thread_id=thread_id)
        left = [one.id for one in messages.list(thread_id).data]
        assert left == [one.id for one in before]
        client.beta.threads.runs.cancel(run.id, thread_id=thread_id)
        assert messages.delete(question.id, thread_id=thread_id).deleted
        assert question.id not in [one.id for one in messages.list(thread_id).data]


def test_a_run_that_is_refused_for_another_brings_no_files(
    cluster_url: str, fake: FakeModel
) -> None:
    with talking(cluster_url, fake) as (client, assistant_id, thread_id):
        file = put(client, "attached.txt", "The cat sat on the mat.")
        runs = client.beta.threads.runs
        run = runs.create(thread_id=thread_id, assistant_id=assistant_id)
        attached: Any = [{"file_id": file, "tools": [{"type": "file_search"}]}]
        with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
            runs.create(
                thread_id=thread_id,
                assistant_id=assistant_id,
                additional_messages=[{"role": "user", "content": "Who?", "attachments": attached}],
            )
        resources = client.beta.threads.retrieve(thread_id).tool_resources
        assert not (resources and resources.file_search and resources.file_search.vector_store_ids)
        assert runs.cancel(run.id, thread_id=thread_id).status == "cancelled"


def listen(client: openai.OpenAI, thread_id: str, assistant_id: str, told: list[str]) -> None:
    """Put the names of a run's events into `told` until its stream ends."""
    with client.beta.threads.runs.create(
        thread_id=thread_id, assistant_id=assistant_id, stream=True
    ) as events:
        told.extend(one.event for one in events)


def test_a_run_is_cancelled_through_another_process(cluster_url: str, fake: FakeModel) -> None:
    fake.script(LONG)
    database = clone(cluster_url)
    with (
        running_server(database, fake.base_url, environment=SLOW) as first,
        first.login("ann") as ann,
        running_server(database, fake.base_url, environment=SLOW) as second,
        official(first, ann) as near,
        official(second, ann) as far,
    ):
        assistant_id, thread_id = str(ann.assistant()["openai_id"]), asked(near)
        told = list[str]()
        listener = threading.Thread(target=listen, args=(near, thread_id, assistant_id, told))
        listener.start()
        eventually(lambda: "thread.message.delta" in told)
        (run,) = far.beta.threads.runs.list(thread_id).data
        assert run.status == "in_progress"
        assert far.beta.threads.runs.cancel(run.id, thread_id=thread_id).status == "cancelled"
        (kept,) = far.beta.threads.messages.list(thread_id, run_id=run.id).data
        assert kept.status == "incomplete"
        assert kept.incomplete_details
        assert kept.incomplete_details.reason == "run_cancelled"
        assert kept.content[0].type == "text"
        assert kept.content[0].text.value.startswith("word")

        fake.script("Short.")  # what is in work goes on as it began
        far.beta.threads.messages.create(thread_id, role="user", content="Again.")
        again = far.beta.threads.runs.create_and_poll(
            thread_id=thread_id, assistant_id=assistant_id
        )
        assert again.status == "completed"
        eventually(lambda: fake.chats()[0].outcome == "client_gone")
        eventually(lambda: not listener.is_alive())
        assert "thread.run.completed" not in told
        assert near.beta.threads.runs.retrieve(run.id, thread_id=thread_id).status == "cancelled"
        said = near.beta.threads.messages.list(thread_id, order="asc").data
        assert "in_progress" not in {one.status for one in said}
        answers = [one for one in said if one.role == "assistant" and one.status == "completed"]
        assert [one.run_id for one in answers] == [again.id]

        fake.script(LONG)
        gone = asked(near)
        near.beta.threads.runs.create(thread_id=gone, assistant_id=assistant_id)
        eventually(lambda: len(fake.chats()) == 3)
        far.beta.threads.delete(gone)
        eventually(lambda: fake.chats()[2].outcome == "client_gone")


def test_a_batch_is_cancelled_while_its_store_goes(anns: openai.OpenAI) -> None:
    files = [put(anns, f"{number}.txt", os.urandom(50).hex()) for number in range(6)]
    batches = anns.vector_stores.file_batches
    for _ in range(ROUNDS):
        store = anns.vector_stores.create().id
        first, second = (batches.create(store, file_ids=files).id for _ in range(2))
        *cancelled, deleted = at_once(
            lambda: batches.cancel(first, vector_store_id=store),  # noqa: B023  # ends in this round
            lambda: batches.cancel(second, vector_store_id=store),  # noqa: B023  # so does this
            lambda: anns.vector_stores.delete(store),  # noqa: B023  # so does this
        )
        assert set(cancelled) <= {200, 404, BUSY}
        assert deleted in {200, BUSY}


def test_a_batch_goes_just_before_it_is_cancelled(anns: openai.OpenAI, database: str) -> None:
    store = anns.vector_stores.create().id
    file = put(anns, "batched.txt", os.urandom(50).hex())
    batches = anns.vector_stores.file_batches
    batch = batches.create_and_poll(store, file_ids=[file]).id
    with psycopg.connect(database) as connection, ThreadPoolExecutor(1) as pool:
        connection.execute("SELECT FROM file_batch WHERE public_id = %s FOR UPDATE", [batch])
        begun = pool.submit(outcome, lambda: batches.cancel(batch, vector_store_id=store))
        try:
            eventually(lambda: begun.done() or waits(database))
            connection.execute("DELETE FROM collection WHERE public_id = %s", [store])
        finally:
            connection.commit()
        assert begun.result() == 404
