"""An embedded Postgres with pgvector: its programs come from a wheel, its life is managed here."""

from aiconvokit.embedded_postgres.errors import EmbeddedPostgresError
from aiconvokit.embedded_postgres.server import EmbeddedPostgres, default_data_dir

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "default_data_dir"]
