"""Data of every schema that was released comes along: it is there, answered from, and whole.

One database goes from one migration to the next; at each stop somebody comes who uses what there
was then. A backup of an older schema goes the same way.
"""

import asyncio
import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory

from aiconvokit import schema
from aiconvokit.accounts import tokens
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.db import driver_url
from aiconvokit.errors import ConfigurationError
from aiconvokit.llm.remember import host_and_port
from aiconvokit.operations.backup import making
from aiconvokit.operations.backup.making import Place
from aiconvokit.storage import FolderStorage
from deletion.everywhere import told_to
from fake_model.server import FakeModel
from fake_model.vectors import bag_of_words
from support.databases import database as named
from support.server import API, PASSWORD, Server, running_server, server_environment
from support.starter import run, start
from support.waiting import eventually

OLD = "0008"
"""From here it is migrated by the command, killed, and locked out."""
BACKED_UP = "0009"
READ_ALL = {"0001", "0007"}
"""Who came then reads all that there is: with them came what is read."""
TOLD = 10
"""Answers at least that have what somebody wrote."""
DIMENSIONS = 256
"""Of the fake model."""

# What somebody had in the first version; the columns are there to this day. Everybody has one of
# each, so all their ids are the same.
FIRST = """
INSERT INTO "user" (username, email, password_hash) VALUES ('user_{n}', '', '{password}');
INSERT INTO token (user_id, digest, hint) VALUES ({n}, '{token}', 'hint');
INSERT INTO deletion (owner_id, kind, object_id, removed)
    VALUES ({n}, 'chat', 1000, '{{"chats": [1000]}}');
INSERT INTO rate_bucket (key, level) VALUES ('{n}', 1);
INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type)
    VALUES ('file_{n}', {n}, sha256('{text}'), {length}, 'lease.md', 'text/markdown');
INSERT INTO collection (public_id, owner_id, name, space_id, language, chunk_count)
    VALUES ('vs_{n}', {n}, 'Leases', 1, 'english', 1);
INSERT INTO document (public_id, collection_id, file_id, filename, media_type, title, status,
                      ready_version, page_count, chunk_count)
    VALUES ('doc_{n}', {n}, {n}, 'lease.md', 'text/markdown', 'Lease', 'ready', 1, 1, 1);
INSERT INTO page (document_id, version, number, text) VALUES ({n}, 1, 1, '{text}');
INSERT INTO chunk (collection_id, document_id, version, ordinal, page, start_offset, end_offset,
                   heading, context, content, number_density, tsv)
    VALUES ({n}, {n}, 1, 0, 1, 0, {length}, '', '', '{text}', 0, to_tsvector('english', '{text}'));
INSERT INTO vec_1 (collection_id, chunk_id, document_id, embedding)
    VALUES ({n}, {n}, {n}, '{vector}');
INSERT INTO assistant (openai_id, owner_id, name, company_name, instructions)
    VALUES ('asst_{n}', {n}, 'Leases', 'Acme', 'Be brief.');
INSERT INTO assistant_collection (assistant_id, collection_id) VALUES ({n}, {n});
INSERT INTO thread (public_id, owner_id) VALUES ('thread_{n}', {n});
INSERT INTO chat (thread_id, assistant_id) VALUES ({n}, {n});
INSERT INTO message (public_id, thread_id, role, status, content)
    VALUES ('msg_q{n}', {n}, 'user', 'complete', '{question}');
INSERT INTO message (public_id, thread_id, role, status, content, model, finish_reason, citations)
    VALUES ('msg_a{n}', {n}, 'assistant', 'complete', '{text} [1]', 'fake', 'stop',
            jsonb_build_array(jsonb_build_object(
                'index', 1, 'document_id', {n}, 'version', 1, 'filename', 'lease.md', 'page', 1,
                'quote', '{text}', 'start', 0, 'end', {length})));
"""
# What each version brought: rows of those who came with it or later.
LATER = {
    "0001": "",
    "0002": """
INSERT INTO bm25 (collection_id, chunk_id, document_id, weights)
    SELECT collection_id, id, document_id, bm25_weights(tsv) FROM chunk WHERE id = {n};
INSERT INTO lexeme (collection_id, lexeme, chunks)
    SELECT collection_id, word.lexeme, 1 FROM chunk, unnest(tsv) AS word WHERE id = {n};
INSERT INTO receipt (message_id, document_ids, content)
    VALUES ({n} * 2, '{{{n}}}', jsonb_build_object(
        'message_id', 'msg_a{n}', 'redacted', false, 'rewritten', NULL, 'space', NULL,
        'passages', CAST('[]' AS jsonb), 'messages', jsonb_build_array(jsonb_build_object(
            'role', 'user', 'content', '{text}')), 'model', 'fake', 'usage', NULL,
        'parameters', jsonb_build_object('model', 'fake', 'chat_deadline_seconds', 60,
            'prompt_passages', 12, 'passage_tokens', 3500, 'history_tokens', 2000),
        'milliseconds', jsonb_build_object('search', 1.5)));
""",
    "0003": """
INSERT INTO usage_day (owner_id, day, assistant_id, questions, prompt_tokens, completion_tokens)
    VALUES ({n}, current_date, {n}, 3, 20, 10);
INSERT INTO idempotency (owner_id, key, fingerprint, status, body) VALUES ({n}, 'k', '', 200, '1');
INSERT INTO endpoint (kind, address, model, traits) VALUES ('chat', '{n}', 'x', '{{}}');
""",
    "0004": "",
    "0005": "UPDATE chunk SET tokens = 12 WHERE id = {n};",
    "0006": """
UPDATE thread SET title = 'The rent' WHERE id = {n};
UPDATE message SET rating = 1 WHERE public_id = 'msg_a{n}';
INSERT INTO widget (key, owner_id, assistant_id, title, color, greeting, suggestions, language,
    origins, shows_pictures, is_paused, messages_per_day, tokens_per_day,
    visitor_messages_per_day, visitor_tokens_per_day)
    VALUES ('wk_{n}', {n}, {n}, 'Ask', '#123456', 'Hello', '{{}}', 'en', '{{https://example.org}}',
            true, false, 9, 9, 9, 9);
""",
    "0007": """
INSERT INTO file_batch (public_id, collection_id) VALUES ('vsfb_{n}', {n});
INSERT INTO file_batch_document (batch_id, document_id)
    SELECT id, {n} FROM file_batch WHERE public_id = 'vsfb_{n}';
INSERT INTO run (public_id, thread_id, assistant_id, message_id, parameters)
    VALUES ('run_{n}', {n}, 'asst_{n}', {n} * 2, '{{"model": "fake", "instructions": "Be brief.",
        "tools": [], "temperature": 1.0, "top_p": 1.0, "max_prompt_tokens": null,
        "max_completion_tokens": null, "truncation_strategy": {{"type": "auto"}},
        "tool_choice": "auto", "parallel_tool_calls": true, "response_format": "auto",
        "searches": false}}');
""",
    "0008": """
UPDATE chunk SET digest = CAST(md5(content) AS uuid) WHERE id = {n};
""",
    "0009": "",
    "0010": """
INSERT INTO audit_event (actor_id, actor, action) VALUES ({n}, 'user_{n}', 'login');
INSERT INTO invitation (digest, hint, invited_by, expires_at)
    VALUES ('{token}', 'hint', 'user_{n}', now());
""",
}
EVERYBODYS = {
    "user": "id",
    "token": "id",
    "deletion": "id",
    "file": "id",
    "collection": "id",
    "document": "id",
    "page": "document_id",
    "chunk": "id",
    "vec_1": "chunk_id",
    "bm25": "chunk_id",
    "assistant": "id",
    "assistant_collection": "assistant_id",
    "thread": "id",
    "chat": "id",
    "message": "thread_id",
}
"""Tables of which everybody has the same, from whatever version, with what says whose it is."""


@dataclass(frozen=True)
class Person:
    """Who came with a revision: what they have, and with what they log in."""

    revision: str
    token: str

    @property
    def number(self) -> int:
        return int(self.revision)

    @property
    def name(self) -> str:
        return f"user_{self.number}"

    @property
    def text(self) -> str:
        return f"The rent of flat number{self.number} is EUR 90{self.number} a month."

    @property
    def question(self) -> str:
        return f"What is the rent of flat number{self.number}?"

    def rows(self, password: str) -> bytes:
        """The statements that make all that they have."""
        steps = [FIRST, *(rows for revision, rows in LATER.items() if revision <= self.revision)]
        made = "".join(steps).format(
            n=self.number,
            password=password,
            token=f"\\x{tokens.digest(self.token).hex()}",
            length=len(self.text),
            text=self.text,
            question=self.question,
            vector=bag_of_words(self.text, DIMENSIONS),
        )
        return made.encode()


@dataclass(frozen=True)
class Journey:
    """A database that came all the way, who joined it, and a backup that was made on the way."""

    url: str
    data: Path
    people: list[Person]
    backup: Path
    before: dict[str, tuple[int, str]]
    """What those had at its end who are in the backup, too."""


def to(url: str, revision: str) -> None:
    """Migrate up to a revision."""
    engine = sqlalchemy.create_engine(driver_url(url))
    with engine.connect() as connection:
        command.upgrade(schema.alembic_config(connection), revision)
    engine.dispose()


def create(cluster_url: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return named(cluster_url, name)


@pytest.fixture(scope="module")
def journey(
    cluster_url: str, fake_server: FakeModel, tmp_path_factory: pytest.TempPathFactory
) -> Journey:
    folder = tmp_path_factory.mktemp("journey")
    storage = FolderStorage(folder / "data" / "files")
    url = create(cluster_url, "journey")
    people: list[Person] = []
    password = asyncio.run(Passwords().hash(PASSWORD))
    provider = host_and_port(fake_server.base_url)
    scripts = ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()
    assert {one.revision for one in scripts} == set(LATER), "say what the new one brings"
    for revision in LATER:
        to(url, revision)
        person = Person(revision, tokens.new_token())
        people.append(person)
        with psycopg.connect(url) as connection:
            if revision == "0001":
                connection.execute(
                    "SELECT ensure_embedding_space(%s, 'fake', %s)", [provider, DIMENSIONS]
                )
            connection.execute(person.rows(password))
        _keep(folder / "data" / "files", person.text.encode())
        if revision == OLD:
            create(cluster_url, "journey_old", "journey")
        if revision == BACKED_UP:
            tables = [table.name for table in schema.metadata.sorted_tables]
            place = Place(url, storage, tables)
            asyncio.run(making.make(place, folder / "old.tar", lambda _: None))
    before = rows(url, int(BACKED_UP))
    return Journey(url, folder / "data", people, folder / "old.tar", before)


def _keep(files: Path, content: bytes) -> None:
    name = hashlib.sha256(content).hexdigest()
    (files / name[:2]).mkdir(parents=True, exist_ok=True)
    (files / name[:2] / name).write_bytes(content)


def rows(url: str, people: int) -> dict[str, tuple[int, str]]:
    """How many rows the first of all people have in each table, and a digest of those."""
    found = {}
    with psycopg.connect(url) as connection:
        for table, key in EVERYBODYS.items():
            their = f'SELECT CAST(t AS text) AS one FROM "{table}" t WHERE {key} <= %s'  # noqa: S608  # ours
            asked = (
                f"SELECT count(*), md5(string_agg(one, ',' ORDER BY one)) FROM ({their}) AS every"  # noqa: S608  # ours
            )
            row = connection.execute(asked.encode(), [people]).fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
    return found


def answers(server: Server, person: Person) -> None:
    """Somebody reads what they had with the token that they had, and is answered from it."""
    with server.client(Authorization=f"Token {person.token}") as user:
        [assistant] = user.get(f"{API}/assistants/").json()
        if person.revision in READ_ALL:
            told = list(told_to(user, []))
            assert sum(person.text in one for one in told) >= TOLD, told
        search = {"query": person.question, "limit": 5}
        found = user.post(f"{API}/assistants/{assistant['id']}/search/", json=search).text
        assert person.text in found
        [chat] = user.get(f"{API}/chat/").json()
        said = user.ask(chat["id"], assistant["id"], person.question)
        assert person.text in said["output"], said


def test_everybody_comes_along(journey: Journey, fake_server: FakeModel) -> None:
    schema.require_current(journey.url)
    everybody = len(journey.people)
    there = {table: count for table, (count, _) in rows(journey.url, everybody).items()}
    assert there == dict.fromkeys(EVERYBODYS, everybody) | {"message": 2 * everybody}
    told = {"AICONVOKIT_DATA_DIR": str(journey.data)}
    with running_server(journey.url, fake_server.base_url, environment=told) as server:
        for person in journey.people:
            answers(server, person)
        with server.client() as door:
            login = {"username": journey.people[0].name, "password": PASSWORD}
            assert door.post(f"{API}/tokens/", json=login).status_code == 200
    environment = server_environment("", journey.url, fake_server.base_url) | told
    done = run(["check"], environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_older_backup_is_restored(
    journey: Journey, cluster_url: str, fake_server: FakeModel, tmp_path: Path
) -> None:
    url = create(cluster_url, "journey_restored")
    environment = server_environment(str(tmp_path), url, fake_server.base_url)
    done = run(["restore", str(journey.backup)], environment, timeout=60)
    assert (done.returncode, "nothing else" in done.stdout) == (0, True), done.stdout + done.stderr
    schema.require_current(url)
    assert rows(url, len(journey.people)) == journey.before


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Somebody who changed something, and does not end."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        yield
        connection.rollback()


def state(url: str) -> tuple[str, int]:
    """Revision, and how many policies are there."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT version_num, (SELECT count(*) FROM pg_policies WHERE policyname = 'own')"
            " FROM alembic_version"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def waiting(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return found.fetchone() is not None


def test_a_killed_migration_goes_on_and_a_lock_is_told(
    journey: Journey, fake_server: FakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = journey.url.replace("/journey?", "/journey_old?")
    before = rows(url, int(OLD))
    environment = server_environment(str(tmp_path), url, fake_server.base_url)
    with held(url, "widget_usage"):  # 0009 comes to it after many others
        process = start(["migrate"], environment, tmp_path / "log")
        eventually(lambda: waiting(url))
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
    eventually(lambda: not waiting(url))
    assert state(url) == (OLD, 0)
    monkeypatch.setattr(schema, "LOCK_SECONDS", 1)
    lock_needed = pytest.raises(ConfigurationError, match="holds a lock that the migration needs")
    with held(url, "widget_usage"), lock_needed:
        schema.upgrade(url)
    assert state(url) == (OLD, 0)
    done = run(["migrate"], environment, timeout=60)
    assert (done.returncode, done.stdout) == (0, "The database fits this program.\n"), done.stderr
    assert rows(url, len(journey.people)) == before
    schema.require_current(url)
