"""Statements as text with `:name`, and those that every turn runs.

A cursor of psycopg is made anew for each statement, looks up what it was prepared as, and waits
behind a lock that nobody else asks for: half of the CPU of a small statement
(docs/decisions/0015). What every turn runs is prepared under a name of its own instead.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute
from psycopg.pq import Format, PipelineStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from aiconvokit.db import Transaction

MOST_PREPARED = 100
"""A connection's; each keeps a plan in the server. Those used longest ago go first."""
_PARAMETER = re.compile(r"(?<![:\w\\]):([a-z]\w*)")
_NUMBER = count()


def statement(sql: str) -> str:
    """A text with `:name` for its parameters, as SQLAlchemy has it, in psycopg's form."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).replace(r"\:", ":")


class Prepared:
    """A text with `:name` for its parameters, prepared once a connection.

    Parameters go as text without a type, so the server must be able to tell each one's from where
    it stands; `CAST` where it cannot. What is found comes in binary form.
    """

    def __init__(self, sql: str) -> None:
        self._names = list(dict.fromkeys(_PARAMETER.findall(sql)))
        self._formats = [PyFormat.TEXT] * len(self._names)
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        text = _PARAMETER.sub(lambda found: numbers[found[1]], sql)
        self._text = text.replace(r"\:", ":").encode()
        self._name = f"aiconvokit_{next(_NUMBER)}".encode()

    async def row(self, transaction: Transaction, values: Mapping[str, Any]) -> TupleRow | None:
        """Run it in no transaction, or in a pipeline; its first row, None: there is none.

        `values` may have more names than the text.

        Raises:
            psycopg.Error: it failed.
        """
        return next(iter(await self.rows(transaction, values)), None)

    async def rows(self, transaction: Transaction, values: Mapping[str, Any]) -> Sequence[TupleRow]:
        """All of its rows, as `row`."""
        parameters = [values[name] for name in self._names]
        if transaction.pgconn.pipeline_status != PipelineStatus.OFF:  # others' answers come first
            cursor = psycopg.AsyncRawCursor(transaction)
            await cursor.execute(self._text, parameters, binary=True)
            return await cursor.fetchall()
        try:
            return await transaction.wait(self._run(transaction, parameters))
        except errors.InvalidSqlStatementName:  # a rollback makes psycopg forget all, also ours
            _prepared[transaction].pop(self._name, None)
            return await transaction.wait(self._run(transaction, parameters))

    def _run(self, transaction: Transaction, parameters: Sequence[Any]) -> PQGen[list[TupleRow]]:
        yield from self._prepare(transaction)
        transformer = Transformer(transaction)  # one that is kept would keep its connection
        dumped = transformer.dump_sequence(parameters, self._formats)
        transaction.pgconn.send_query_prepared(self._name, dumped, result_format=Format.BINARY)
        result = _last(transaction, (yield from execute(transaction.pgconn)))
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def _prepare(self, transaction: Transaction) -> PQGen[None]:
        names = _prepared.setdefault(transaction, OrderedDict())
        if self._name in names:
            names.move_to_end(self._name)
            return
        pgconn = transaction.pgconn
        if len(names) >= MOST_PREPARED:
            oldest = next(iter(names))
            pgconn.send_query(b"DEALLOCATE " + oldest)
            with suppress(errors.InvalidSqlStatementName):  # gone already
                _last(transaction, (yield from execute(pgconn)))
            del names[oldest]
        pgconn.send_prepare(self._name, self._text)
        _last(transaction, (yield from execute(pgconn)))
        names[self._name] = None


_prepared: WeakKeyDictionary[Transaction, OrderedDict[bytes, None]] = WeakKeyDictionary()
"""Names of what each connection has prepared, those used last at the end."""


def _last(transaction: Transaction, results: Sequence[PGresult]) -> PGresult:
    result = results[-1]
    if result.error_message:
        raise errors.error_from_result(result, encoding=transaction.info.encoding)
    return result
