"""Which answers go with a document that they do not cite."""

from sqlalchemy import text

from aiconvokit.files.redaction import redact_answers, runs, unproven
from aiconvokit.files.redaction_queries import Told
from aiconvokit.services import Services
from support.reading import collection, column, owner, read, upload


def test_words_in_a_row() -> None:
    assert list(runs("The rent, is *EUR* 900 a month")) == [
        "the rent is eur 900",
        "rent is eur 900 a",
        "is eur 900 a month",
    ]
    assert list(runs("one two three four")) == []
    assert list(runs("家賃は月九万円")) == ["家 賃 は 月 九", "賃 は 月 九 万", "は 月 九 万 円"]


def test_only_what_no_quote_proves_is_looked_at() -> None:
    content = "The rent is 900. [1] It was 800 before."
    claims = [
        {"start": 0, "end": 16, "supported": True},
        {"start": 21, "end": 39, "supported": False},
    ]
    assert unproven(Told(1, 1, content, claims, cites=True)) == "It was 800 before."
    assert unproven(Told(1, 1, content, [], cites=False)) == content


WRITTEN = """
WITH one AS (
    INSERT INTO message (public_id, thread_id, role, status, content, citations, claims)
    VALUES (:public_id, :thread, 'assistant', 'complete', :content, '[]', '[]') RETURNING id
)
INSERT INTO receipt (message_id, document_ids, content)
SELECT id, ARRAY[CAST(:document AS bigint)], '{"messages": [{}], "passages": []}' FROM one
"""
"""An answer that cites nothing, though a document's words stood before the model."""


async def test_an_answer_behind_one_that_repeats_the_document_goes_too(services: Services) -> None:
    ann = await owner(services, "ann")
    rent = "The monthly rent of the flat is EUR 900."
    house = await collection(services, ann)
    (document,) = await upload(services, ann, house, {"a.txt": rent.encode()})
    await read(services, document)
    answers = {
        "t1": ["Before it.", f"I think so: {rent}", "Yes, that is what I said."],
        "t2": ["Of another talk."],
    }
    async with services.owner_sessions.begin() as session:
        for name, contents in answers.items():
            thread = await session.scalar(
                text("INSERT INTO thread (public_id, owner_id) VALUES (:name, :ann) RETURNING id"),
                {"name": name, "ann": ann},
            )
            for number, content in enumerate(contents):
                keys = {"public_id": f"{name}-{number}", "thread": thread, "document": document}
                await session.execute(text(WRITTEN), {**keys, "content": content})
        assert await redact_answers(session, document) == 2
    kept = "SELECT content FROM message WHERE status = 'complete' ORDER BY id"
    assert await column(services, kept) == ["Before it.", "Of another talk."]
