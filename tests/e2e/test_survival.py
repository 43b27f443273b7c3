"""What is left when somebody pulls a plug."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, PASSWORD, data_folder, running_server, server_environment
from support.waiting import eventually

SLOW = {"AICONVOKIT_EMBEDDING_MODEL": "fake@1500"}
QUICK = Path(__file__).with_name("quick_rescue.py")
LONG = b"\n\n".join(b"Paragraph %d: the quick brown fox jumps. " % n * 60 for n in range(60))


def status(client: httpx.Client, assistant_id: int) -> str:
    document = client.get(f"{API}/assistants/{assistant_id}/").json()["documents"][0]
    return str(document["status"])


@pytest.fixture
def data() -> Iterator[dict[str, str]]:
    """A data folder that outlives a server, as environment."""
    with data_folder() as folder:
        yield {"AICONVOKIT_DATA_DIR": f"{folder}/data"}


def test_a_killed_server_loses_nothing(
    cluster_url: str, fake: FakeModel, data: dict[str, str]
) -> None:
    url = clone(cluster_url)
    with running_server(url, fake.base_url, environment=SLOW | data) as server:
        client = server.login("ann")
        fields = {"name": "Long", "company_name": "Acme", "instructions": "Be brief."}
        parts = [("files", ("long.txt", LONG))]
        made = client.post(f"{API}/assistants/", data=fields, files=parts).json()
        eventually(lambda: staged(url) > 0)
        server.kill()
    before = staged(url)
    asked = len(embedded(fake))
    client.close()
    with (
        # How long the shipped worker waits until the dead are sure to be so, the next test shows.
        running_server(url, fake.base_url, environment=SLOW | data, patches=[QUICK]) as server,
        server.client(Authorization=client.headers["Authorization"]) as again,
    ):
        found = again.read(made["id"])["documents"][0]
        assert (found["status"], found["error"]) == ("ready", None)
        assert "Traceback" not in server.log.read_text()
    with psycopg.connect(url) as connection:
        counts = connection.execute(
            "SELECT count(*), count(DISTINCT ordinal), (SELECT count(*) FROM vec_1),"
            " (SELECT chunk_count FROM collection), (SELECT count(*) FROM chunk_stage) FROM chunk"
        ).fetchone()
    assert counts is not None
    assert len(set(counts[:4])) == 1, counts
    assert counts[4] == 0
    resumed = sum(embedded(fake)[asked:])
    assert resumed <= counts[0] - before, "what was staged is not embedded again"


def staged(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM chunk_stage").fetchone()
    return int(row[0]) if row else 0


def embedded(fake: FakeModel) -> list[int]:
    """How many texts each request brought."""
    return [len(one.body["input"]) for one in fake.requests() if one.path == "/v1/embeddings"]


def test_a_worker_of_its_own_takes_over_from_a_killed_one(
    cluster_url: str, fake: FakeModel, data: dict[str, str]
) -> None:
    url = clone(cluster_url)
    with (
        running_server(url, fake.base_url, "--no-worker", environment=SLOW | data) as server,
        server.login("ann") as client,
        tempfile.TemporaryDirectory(prefix="ack-") as folder,
    ):
        environment = server_environment(folder, url, fake.base_url) | SLOW | data
        fields = {"name": "Long", "company_name": "Acme", "instructions": "Be brief."}
        parts = [("files", ("long.txt", LONG))]
        made = client.post(f"{API}/assistants/", data=fields, files=parts).json()
        assert status(client, made["id"]) == "queued"
        command = [sys.executable, "-m", "aiconvokit", "worker"]
        with (Path(folder) / "log").open("wb") as log:
            first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  # ours
            eventually(lambda: staged(url) > 0)
            first.kill()
            first.wait()
            second = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  # ours
            found = client.read(made["id"])["documents"][0]
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0
        assert found["status"] == "ready"


def test_the_embedded_default_survives_kills_of_both_processes(
    fake: FakeModel, data: dict[str, str]
) -> None:
    environment = data | {"DATABASE_URL": ""}
    login = {"username": "ann", "password": PASSWORD}
    with running_server("", fake.base_url, environment=environment) as server:
        server.login("ann").close()
        pid_file = Path(data["AICONVOKIT_DATA_DIR"], "postgres/postmaster.pid")
        postmaster = int(pid_file.read_text().split()[0])
        server.kill()
    os.kill(postmaster, signal.SIGKILL)
    with (
        running_server("", fake.base_url, environment=environment) as server,
        server.client() as client,
    ):
        assert client.post(f"{API}/tokens/", json=login).status_code == 200
