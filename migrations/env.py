"""How Alembic runs our migrations: on one connection, under an advisory lock, with time-outs.

`aiconvokit.schema` hands the connection in; the `alembic` command itself is not needed.
"""

from alembic import context
from sqlalchemy import text

from aiconvokit.schema import LOCK_SECONDS, MIGRATION_LOCK, is_ours, metadata

connection = context.config.attributes["connection"]
# A migration that cannot get its lock must not queue every reader behind it.
connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
connection.execute(text("SET statement_timeout = '30min'"))
connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
connection.commit()
try:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=is_ours,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
finally:
    connection.rollback()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()
