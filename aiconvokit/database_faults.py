"""What the database's faults mean."""

import psycopg
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# SQLSTATE classes: none at all (no connection came to be), connection, resources, shutdown.
_AWAY = ("08", "53", "57P")


def is_database_away(error: BaseException) -> bool:
    """Whether a fault is the database's absence: no connection, a lost one, or a shutdown.

    One that is asked too much at once is away, too, for whoever tries again later.
    """
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_database_away(error.orig or Exception())
    if isinstance(error, ConnectorException):  # the queue's wrapping
        return is_database_away(error.__cause__ or Exception())
    if not isinstance(error, psycopg.OperationalError):
        return False
    return not error.sqlstate or error.sqlstate.startswith(_AWAY)
