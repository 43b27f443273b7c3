"""A look at the database: all in one snapshot, so that what others change meanwhile is whole.

On one million passages a look takes the time of reading them once.
"""

from collections.abc import Mapping

from aiconvokit.db import Sessions
from aiconvokit.operations.check import looking_queries, passage_queries, row_queries
from aiconvokit.operations.check.kinds import EXAMPLES, Found

KINDS = (*row_queries.KINDS, *passage_queries.KINDS)


async def look(sessions: Sessions, before: Mapping[str, Found] | None = None) -> list[Found]:
    """What is wrong now.

    Args:
        sessions: of the owner role.
        before: what an earlier look found, by kind; only that is looked for again.
    """
    kinds = [one for one in KINDS if before is None or one.name in before]
    if not kinds:
        return []
    found = []
    async with sessions() as session:
        await looking_queries.begin(session)
        vectors = await looking_queries.every_vector(session)
        if any(passage_queries.SUMMARY_TABLE in kind.sql for kind in kinds):
            await looking_queries.summarize(session)
        for kind in kinds:
            only = None if before is None else list(before[kind.name].keys)
            statement = kind.sql.replace("{vectors}", vectors)
            one = Found(kind, *await looking_queries.look_for(session, statement, only, EXAMPLES))
            if one.count:
                found.append(one)
        await session.rollback()
    return found
