"""A patch for a server: its statements look at everybody's rows, as if no query had a filter.

Whatever compares an owner, a user or a collection with a value comes out true. What the database
shows then is what its own walls let through.
"""

import re
from typing import Any

import psycopg
from psycopg.sql import Composable

VALUE = r"(?:%\(\w+\)s(?:::\w+)?|\$\d+(?:::\w+)?|\d+)"
FILTER = re.compile(
    rf'(?<![\w.])((?:"?\w+"?\.)?(?:owner_id|user_id|collection_id|thread_id|chat_id|assistant_id)'
    rf" = {VALUE})(?!\w)"
)


def unfiltered(query: Any) -> Any:
    """The statement without its filters; what sets values stays as it is."""
    text = query.decode() if isinstance(query, bytes) else query
    if isinstance(text, Composable) or not isinstance(text, str):
        return query
    if re.search(r"\bSET\s+\w+ = ", text) and "SELECT" not in text:
        return query
    changed = FILTER.sub(r"(\1 OR true)", text)
    return changed.encode() if isinstance(query, bytes) else changed


def patch(kind: Any) -> None:
    """Have a kind of cursor run statements without their filters."""
    run = kind.execute

    async def execute(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        return await run(self, unfiltered(query), *arguments, **named)

    kind.execute = execute


patch(psycopg.AsyncCursor)
patch(psycopg.AsyncRawCursor)
