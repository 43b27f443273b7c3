"""How far the reading of a document is."""

from typing import Any

import psycopg
import pytest

from contract.rows import row
from support.server import API, Client

STAGE = """
INSERT INTO chunk_stage (document_id, version, ordinal, space_id, page, start_offset, end_offset,
                         heading, context, content, number_density, lexical, embedding)
SELECT %(document)s, %(version)s, %(page)s, 1, %(page)s, 0, 1, '', '', 'x', 0, 'x', '[1]'
"""
STATE = """
UPDATE document SET status = %s, page_count = %s, ready_version = %s WHERE id = %s
"""


@pytest.fixture(scope="module")
def made(ann: Client) -> dict[str, Any]:
    return ann.assistant(report_md=b"# Report\n\nThe group employed 1,204 people.\n")


def progress(client: Client, made: dict[str, Any]) -> object:
    """What the document, the list of documents, and the assistant say of it."""
    [document] = client.get(f"{API}/assistants/{made['id']}/").json()["documents"]
    address = f"{API}/assistants/{made['id']}/documents/"
    [listed] = client.get(address).json()
    one = client.get(f"{address}{document['id']}/").json()
    assert one["progress"] == listed["progress"] == document["progress"]
    return document["progress"]


@row("progress")
def test_how_far_the_reading_is(ann: Client, made: dict[str, Any], contract_database: str) -> None:
    document = made["documents"][0]["id"]
    assert progress(ann, made) is None

    def staged(page: int, version: int = 1) -> None:
        keys = {"document": document, "version": version, "page": page}
        connection.execute(STAGE, keys)

    with (
        psycopg.connect(contract_database) as holding,
        psycopg.connect(contract_database, autocommit=True) as connection,
    ):
        # Nobody takes up what is only said to be queued.
        holding.execute("LOCK TABLE procrastinate_jobs IN SHARE ROW EXCLUSIVE MODE")
        connection.execute(STATE, ["processing", 9, None, document])
        assert progress(ann, made) is None  # nothing is embedded yet
        staged(2)
        staged(3)
        staged(7, version=2)
        assert progress(ann, made) == {"page": 3, "pages": 9}
        connection.execute(STATE, ["processing", 9, 1, document])
        assert progress(ann, made) is None  # these are the former version's pages
        connection.execute(STATE, ["processing", None, None, document])
        assert progress(ann, made) is None
        for status in ("queued", "failed", "ready"):
            connection.execute(STATE, [status, 9, None, document])
            assert progress(ann, made) is None
        connection.execute("DELETE FROM chunk_stage WHERE document_id = %s", [document])
        connection.execute(STATE, ["ready", 1, 1, document])
