"""Migrations make what the models say, and a schema that does not fit refuses to start."""

import psycopg
import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from aiconvokit import schema
from aiconvokit.db import driver_url, refusal
from aiconvokit.errors import ConfigurationError
from ingestion.tables import PARTITIONS

FIRST_VERSION = """
INSERT INTO "user" (username, email, password_hash) VALUES ('ann', '', 'x');
INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type)
    VALUES ('file_1', 1, '\\x00', 1, 'ACME_lease.txt', 'text/plain');
INSERT INTO collection (public_id, owner_id, name, language) VALUES ('vs_1', 1, 'a', 'english');
INSERT INTO document (public_id, collection_id, file_id, filename, media_type, title, ready_version)
    VALUES ('doc_1', 1, 1, 'ACME_lease.txt', 'text/plain', 'ACME lease', 1);
INSERT INTO page VALUES (1, 1, 1, NULL, 'Tenants pay rent.');
INSERT INTO chunk (collection_id, document_id, version, ordinal, page, start_offset, end_offset,
                   heading, context, content, number_density, tsv)
    VALUES (1, 1, 1, 0, 1, 8, 17, '', '', 'pay rent.', 0, to_tsvector('english', 'pay rent.'));
"""
VECTOR_SPACE = "SELECT ensure_embedding_space('local', 'e5', 384)"


def test_the_files_names_tell_their_order() -> None:
    scripts = ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()
    assert schema.revisions() == [one.revision for one in scripts][::-1]


def test_the_models_and_the_migrations_agree(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(VECTOR_SPACE)  # vector tables are not Alembic's business
    engine = sqlalchemy.create_engine(driver_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": schema.is_ours, "compare_type": True}
        )
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_documents_of_the_first_version_stay_searchable(cluster_url: str) -> None:
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE first")
    url = cluster_url.replace("/aiconvokit?", "/first?")
    engine = sqlalchemy.create_engine(driver_url(url))
    with engine.connect() as connection:
        command.upgrade(schema.alembic_config(connection), "0001")  # no user goes back
    engine.dispose()
    with psycopg.connect(url) as connection:
        connection.execute(FIRST_VERSION)
    schema.upgrade(url)
    with psycopg.connect(url) as connection:
        lexemes = connection.execute("SELECT lexeme, chunks FROM lexeme ORDER BY 1").fetchall()
        assert lexemes == [("pay", 1), ("rent", 1)]
        asked = "bm25_weights(to_tsvector('english', 'rents'))"
        scores = connection.execute(f"SELECT -(weights <#> {asked}) > 0 FROM bm25").fetchall()  # noqa: S608  # ours
        assert scores == [(True,)]
        names = "names @@ 'acme:A'::tsquery AND names @@ 'tenants'::tsquery"
        assert connection.execute(f"SELECT {names} FROM document").fetchone() == (True,)  # noqa: S608  # ours


def test_a_second_run_changes_nothing(database_url: str) -> None:
    assert schema.upgrade(database_url) == schema.upgrade(database_url)
    schema.require_current(database_url)


def test_an_empty_database_is_told_from_a_current_one(cluster_url: str) -> None:
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    with pytest.raises(ConfigurationError, match=r"empty.*Run: aiconvokit migrate"):
        schema.require_current(cluster_url.replace("/aiconvokit?", "/bare?"))


def test_a_newer_schema_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for refused in (schema.upgrade, schema.require_current):
        with pytest.raises(ConfigurationError, match="9999, newer than this program knows"):
            refused(database_url)


def test_an_unreachable_server_is_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        schema.upgrade("postgresql://nobody:secret@127.0.0.1:1/none")


def test_a_space_is_made_once_and_partitioned(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        first = connection.execute(VECTOR_SPACE).fetchone()
        second = connection.execute(VECTOR_SPACE).fetchone()
        assert first == second
        leaves = connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'vec_1'::regclass"
        ).fetchone()
        storage = connection.execute(
            "SELECT DISTINCT attstorage FROM pg_attribute WHERE attname = 'embedding'"
            " AND attrelid IN (SELECT inhrelid FROM pg_inherits"
            " WHERE inhparent = 'vec_1'::regclass)"
        ).fetchall()
    assert leaves == (PARTITIONS,)
    assert storage == [("p",)], "vectors in TOAST cost a scan three to four times as much"


def test_the_app_role_reads_rows_and_makes_no_tables(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(VECTOR_SPACE)
        connection.execute("SET LOCAL ROLE aiconvokit_app")
        connection.execute("SELECT * FROM vec_1")
        for forbidden in (
            "CREATE TABLE mine (n int)",
            "DROP TABLE chunk",
            "INSERT INTO page VALUES (1, 1, 1, NULL, 'x')",
            VECTOR_SPACE,
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(forbidden)


@pytest.mark.parametrize(
    ("postgres", "pgvector", "sentence"),
    [
        (15, "0.8.5", "Postgres 15; AIConvoKit needs 16"),
        (16, "0.8.3", "pgvector 0.8.3; AIConvoKit needs 0.8.4"),
        (18, None, "no pgvector"),
    ],
)
def test_old_servers_are_refused(postgres: int, pgvector: str | None, sentence: str) -> None:
    assert sentence in (refusal(postgres, pgvector) or "")


def test_servers_that_are_new_enough_are_taken() -> None:
    assert refusal(16, "0.8.4") is None
    assert refusal(18, "0.8.10") is None


def test_the_words_of_any_passage_fit_into_a_row(database_url: str) -> None:
    words = " ".join(f"word{number}" for number in range(5_000))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO bm25 SELECT 1, 1, 1, bm25_weights(to_tsvector('simple', %s))", [words]
        )
        connection.execute("INSERT INTO bm25 SELECT 1, 2, 1, bm25_weights('')")
