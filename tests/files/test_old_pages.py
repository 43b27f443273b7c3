"""Text of a replaced version stays while an answer cites it, and goes when none does."""

from typing import Any

import pytest
from sqlalchemy import text

from aiconvokit.files import old_pages
from aiconvokit.services import Services
from support.reading import collection, column, owner, read, upload

CITING = """
WITH one AS (INSERT INTO thread (public_id, owner_id) SELECT 'thread_x', id FROM "user"
             RETURNING id)
INSERT INTO message (public_id, thread_id, role, status, content, citations)
SELECT 'msg_x', id, 'assistant', 'complete', 'x',
       jsonb_build_array(jsonb_build_object('document_id', CAST(:id AS bigint), 'version', 1))
FROM one
"""
LATER = "UPDATE document SET updated_at = now() - interval '2 hours'"


async def run(services: Services, statement: str, **keys: Any) -> None:
    async with services.owner_sessions.begin() as session:
        await session.execute(text(statement), keys)


async def versions(services: Services) -> list[int]:
    return await column(services, "SELECT DISTINCT version FROM page ORDER BY 1")


@pytest.fixture
async def document(services: Services) -> int:
    """One that was replaced twice, and of which the fourth version is not read yet."""
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    made = 0
    for number in range(4):
        content = b"The rent is EUR %d a month." % (900 + number)
        (made,) = await upload(services, ann, house, {"a.txt": content})
        if number < 3:
            await read(services, made)
    return made


async def test_text_goes_with_the_last_answer_that_cites_it(
    services: Services, document: int
) -> None:
    await run(services, CITING, id=document)
    await old_pages.sweep(services)
    assert await versions(services) == [1, 2, 3]  # a turn may be reading them still
    await run(services, LATER)
    await old_pages.sweep(services)
    assert await versions(services) == [1, 3]  # the third is searched until the fourth is there
    await run(services, "DELETE FROM thread")
    await old_pages.sweep(services)
    assert await versions(services) == [3]


def test_it_is_time_once_in_a_while() -> None:
    due = old_pages.Due(600.0)
    assert [due.is_now(), due.is_now()] == [True, False]
    assert old_pages.Due(0.0).is_now()
