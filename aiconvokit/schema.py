"""The database's schema: all tables in one metadata, and the way from one version to the next."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from aiconvokit.accounts import tables as accounts
from aiconvokit.assistants import tables as assistants
from aiconvokit.chat import tables as chat
from aiconvokit.db import CONNECT_SECONDS, check_server, driver_url
from aiconvokit.errors import ConfigurationError
from aiconvokit.files import tables as files
from aiconvokit.llm import tables as llm
from aiconvokit.openai_api import tables as openai_api
from aiconvokit.web.widget import tables as widgets
from ingestion.tables import Base

FEATURES = (accounts, assistants, chat, files, llm, openai_api, widgets)
"""Modules whose tables are in the metadata once they are imported."""

metadata = Base.metadata
MIGRATION_LOCK = 0x61636B  # "ack": two processes that start together migrate one after the other
LOCK_SECONDS = 10
"""A migration that waits for a table lets everybody wait behind it."""
LOCKED = (
    "Somebody holds a lock that the migration needs, and did not let go in time. What was finished "
    "stays, the rest is as before. End what uses the database (servers, workers, backups, sessions "
    "that were left open), and run again: aiconvokit migrate"
)
logger = logging.getLogger(__name__)

# Tables that are no model of ours: leaves, vector tables (one a space) and the job queue.
_FOREIGN = re.compile(
    r"^(vec_\d+|(chunk|bm25|lexeme|lexical_block|lexical_column)_p\d+|procrastinate_)"
)


def is_ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Alembic's filter: whether an object is compared with the models."""
    return not (kind == "table" and name is not None and _FOREIGN.match(name))


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; a wheel carries the scripts, a checkout has them beside."""
    installed = Path(__file__).parent / "migrations"
    scripts = installed if installed.is_dir() else Path(__file__).parent.parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connect(database_url: str) -> Iterator[Connection]:
    engine = sqlalchemy.create_engine(
        driver_url(database_url), connect_args={"connect_timeout": CONNECT_SECONDS}
    )
    try:
        with engine.connect() as connection:
            check_server(connection.connection.driver_connection)  # type: ignore[arg-type]  # the dialect's psycopg connection
            connection.rollback()
            yield connection
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise ConfigurationError(LOCKED) from error
        reason = str(error.orig).strip().splitlines()[0]
        raise ConfigurationError(f"The database cannot be reached: {reason}") from error
    finally:
        engine.dispose()


def upgrade(database_url: str) -> str:
    """Bring the schema to this program's version.

    Returns:
        the version reached, for example "0002".

    Raises:
        ConfigurationError: the server is unreachable or too old, or the schema is newer than us.
    """
    with _connect(database_url) as connection:
        _refuse_newer(connection)
        command.upgrade(alembic_config(connection), "head")
        return _current(connection) or ""


def prepare(database_url: str, revision: str) -> None:
    """Bring an empty database's schema to that of a backup, from which `upgrade` goes on.

    Raises:
        ConfigurationError: as `upgrade`; or this program or the database do not fit the backup.
    """
    with _connect(database_url) as connection:
        _refuse_newer(connection)
        scripts = ScriptDirectory.from_config(alembic_config())
        if revision not in _known(scripts):
            raise ConfigurationError(
                f"The backup's schema is {revision}, newer than this program knows ({_head()}). "
                "Restore it with the program that made it, or a newer one."
            )
        before = {script.revision for script in scripts.iterate_revisions(revision, "base")}
        current = _current(connection)
        if current not in {None, *before}:
            raise ConfigurationError(
                f"The database's schema is {current} already, and the backup's is {revision}. "
                "Restore into a database that was not migrated yet; it is migrated afterwards."
            )
        command.upgrade(alembic_config(connection), revision)


def require_current(database_url: str) -> None:
    """Refuse to run on a schema that does not fit this program.

    Raises:
        ConfigurationError: with the sentence that says what to do.
    """
    with _connect(database_url) as connection:
        _refuse_newer(connection)
        if _current(connection) != _head():
            raise ConfigurationError(
                f"The database's schema is {_current(connection) or 'empty'}, this program needs "
                f"{_head()}. Run: aiconvokit migrate"
            )


def _current(connection: Connection) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


def _head() -> str:
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def _known(scripts: ScriptDirectory) -> set[str]:
    return {script.revision for script in scripts.walk_revisions()}


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    known = _known(ScriptDirectory.from_config(alembic_config()))
    if current is not None and current not in known:
        raise ConfigurationError(
            f"The database's schema is {current}, newer than this program knows ({_head()}). "
            "Start the newer program, or restore a backup made before the upgrade."
        )
