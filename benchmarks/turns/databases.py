"""Databases of the benchmark: filled once and kept, cloned for a run and dropped after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import uvloop
from psycopg import sql
from sqlalchemy.engine import make_url

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.db import driver_url, libpq_url
from aiconvokit.embedded_postgres import EmbeddedPostgres
from aiconvokit.evals.home import code_sha256, home, index_dir, remove_old_indexes
from benchmarks.turns.fill import Shape, Tell, fill, settle, tidy

_PREFIX = "ackbench_"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Postgres server; `postmaster` is its process id where it runs on this machine as ours."""

    url: str
    postmaster: int | None

    def database(self, name: str) -> str:
        """The address of one of its databases."""
        changed = make_url(driver_url(self.url)).set(database=name)
        return libpq_url(changed.render_as_string(hide_password=False))

    def execute(self, statement: sql.Composed) -> None:
        """Run one statement outside of the databases that it is about."""
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            connection.execute(statement)

    def names(self) -> list[str]:
        """The benchmark's databases."""
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1"
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            return [row[0] for row in connection.execute(query, [_PREFIX + "%"])]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """The server of DATABASE_URL, else an embedded one with its data among the caches."""
    settings = Settings()
    if settings.database_url is not None:
        yield Cluster(settings.database_url.get_secret_value(), None)
        return
    folder = home(settings.data_dir).parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    remove_old_indexes(folder)
    data_dir = index_dir(folder)
    with EmbeddedPostgres(data_dir) as url:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        yield Cluster(url, int(pid_file.read_text("ascii").split("\n", 1)[0]))


@contextmanager
def cloned(found: Cluster, shape: Shape, provider: str, tell: Tell) -> Iterator[str]:
    """A database of one's own of that shape, as good as new; its address."""
    template = _filled(found, shape, tell)
    name = f"{_PREFIX}run_{shape.name}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    found.execute(drop)
    found.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    try:
        url = found.database(name)
        uvloop.run(settle(url, provider))
        yield url
    finally:
        found.execute(drop)


def _filled(found: Cluster, shape: Shape, tell: Tell) -> str:
    """The name of a filled database; made when there is none of this code."""
    sources = [_HERE / "documents.py", _HERE / "fill.py", _HERE / "vectors.py"]
    name = f"{_PREFIX}{code_sha256(sources)[:8]}_{shape.name}"
    known = found.names()
    if name in known:
        return name
    new = f"{_PREFIX}new_{shape.name}"
    for stale in known:
        if stale == new or stale.endswith(f"_{shape.name}"):
            found.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(stale))
            )
    found.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(new)))
    url = found.database(new)
    schema.upgrade(url)
    tell(f"filling a database of {shape.assistants:,} x {shape.passages:,} passages (once)")
    uvloop.run(fill(url, shape, tell))
    uvloop.run(tidy(url))
    found.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(new), sql.Identifier(name))
    )
    return name
