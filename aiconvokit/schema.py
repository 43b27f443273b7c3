"""The database's schema: all tables in one metadata, and the way from one version to the next."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
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

if TYPE_CHECKING:
    from alembic.config import Config

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

_FILE = re.compile(r"\d{4}_\d\d_\d\d_(\d{4})_\w+\.py")
"""A migration: its date, its revision, what it brings. They follow one another by revision."""

# Tables that are no model of ours: leaves, vector tables (one a space) and the job queue.
_FOREIGN = re.compile(
    r"^(vec_\d+|(chunk|bm25|lexeme|lexical_block|lexical_column)_p\d+|procrastinate_)"
)


def is_ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Alembic's filter: whether an object is compared with the models."""
    return not (kind == "table" and name is not None and _FOREIGN.match(name))


def alembic_config(connection: Connection | None = None) -> "Config":
    """Alembic's configuration."""
    from alembic.config import Config  # noqa: PLC0415  # see `_migrate`

    config = Config()
    config.set_main_option("script_location", str(_scripts()))
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
        if _current(connection) != _head():
            _migrate(connection, _head())
        return _head()


def prepare(database_url: str, revision: str) -> None:
    """Bring an empty database's schema to that of a backup, from which `upgrade` goes on.

    Raises:
        ConfigurationError: as `upgrade`; or this program or the database do not fit the backup.
    """
    with _connect(database_url) as connection:
        _refuse_newer(connection)
        if revision not in revisions():
            raise ConfigurationError(
                f"The backup's schema is {revision}, newer than this program knows ({_head()}). "
                "Restore it with the program that made it, or a newer one."
            )
        current = _current(connection)
        if current is not None and current > revision:
            raise ConfigurationError(
                f"The database's schema is {current} already, and the backup's is {revision}. "
                "Restore into a database that was not migrated yet; it is migrated afterwards."
            )
        _migrate(connection, revision)


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


def revisions() -> list[str]:
    """Those that this program knows, oldest first."""
    files = (_scripts() / "versions").iterdir()
    return sorted(found[1] for one in files if (found := _FILE.fullmatch(one.name)))


def _scripts() -> Path:
    """The migrations; a wheel carries them, a checkout has them beside."""
    installed = Path(__file__).parent / "migrations"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "migrations"


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415  # 8 MB for which a fitting schema has no use

    command.upgrade(alembic_config(connection), revision)


def _current(connection: Connection) -> str | None:
    is_there = connection.scalar(text("SELECT to_regclass('alembic_version')"))
    revision = None
    if is_there:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    connection.rollback()
    return revision


def _head() -> str:
    return revisions()[-1]


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    if current is not None and current not in revisions():
        raise ConfigurationError(
            f"The database's schema is {current}, newer than this program knows ({_head()}). "
            "Start the newer program, or restore a backup made before the upgrade."
        )
