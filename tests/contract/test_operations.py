"""Health, the reference page, and our own faults."""

import re
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from contract.rows import row
from contract.wire import exactly
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, running_server

ASSISTANTS = f"{API}/assistants/"
_MODELS = '"chat_model":"not configured","embedder":"{}"'
READY = f'{{"status":"ok","checks":{{"database":"ok","storage":"ok","worker":"ok",{_MODELS}}}}}'
UNREADY = (
    '{"status":"unavailable",'
    '"checks":{"database":"unavailable","storage":"ok","worker":"unavailable",'
    '"chat_model":"not configured","embedder":"unknown"}}'
)
DATABASE_AWAY = '{"detail":"The database is not available.","code":"database_unavailable"}'


@row("health", "slashes")
@pytest.mark.parametrize("slash", ["", "/"])
def test_health(nobody: Client, slash: str) -> None:
    exactly(nobody.get(f"/health/live{slash}"), 200, '{"status":"ok"}')
    answer = nobody.get(f"/health/ready{slash}")
    embedder = answer.json()["checks"]["embedder"]  # of what other tests asked before
    assert embedder in {"ok", "unknown"}
    exactly(answer, 200, READY.replace("{}", embedder))


def test_the_reference_needs_no_network(nobody: Client) -> None:
    page = nobody.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "/api/v1/assistants/{assistant_id}/search/" in page.text
    assert not re.search(r"<script|<link|src=|https?://", page.text)
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )


@row("error.our_fault", "health", "codes")
def test_our_faults_are_told_without_a_traceback(cluster_url: str, fake_server: FakeModel) -> None:
    url = clone(cluster_url)
    answers: list[httpx.Response] = []
    # The server's log holds the tracebacks: its own check at the end says so.
    with pytest.raises(AssertionError, match="Traceback"):
        answers_of_a_broken_server(cluster_url, url, fake_server, answers)
    fault, list_away, body_away, live, unready, back = answers
    exactly(fault, 500, '{"detail":"Internal server error."}')
    for away in (list_away, body_away):
        exactly(away, 503, DATABASE_AWAY)
        assert int(away.headers["retry-after"]) > 0
    exactly(live, 200, '{"status":"ok"}')
    exactly(unready, 503, UNREADY)
    exactly(back, 200, "[]")


def answers_of_a_broken_server(
    cluster_url: str, url: str, fake_server: FakeModel, answers: list[httpx.Response]
) -> None:
    """First a table is missing, then the whole database is away, then all is well again."""
    name = urlsplit(url).path.removeprefix("/")
    closing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with (
        running_server(url, fake_server.base_url) as server,
        server.login("ann") as client,
        psycopg.connect(cluster_url, autocommit=True) as admin,
    ):
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE assistant RENAME TO elsewhere")
        answers.append(client.get(ASSISTANTS))
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO assistant")
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(closing, [name])
        paths = (ASSISTANTS, f"{ASSISTANTS}1/", "/health/live", "/health/ready")
        answers.extend(client.get(path) for path in paths)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        answers.append(client.get(ASSISTANTS))
