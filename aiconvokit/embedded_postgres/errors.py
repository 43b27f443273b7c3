"""The one error of the embedded Postgres."""


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot be made, started or stopped; the text says what to do."""
