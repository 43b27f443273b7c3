"""Bytes of uploads: none stay behind, and none go that somebody else has."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract.rows import row
from contract.wire import stored_files
from support.server import API, Client, Server

ROUNDS = 15


def upload(client: Client, assistant: int, content: bytes) -> dict[str, Any]:
    answer = client.post(
        f"{API}/assistants/{assistant}/documents/", files=[("files", ("same.md", content))]
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()[0]
    return found


@row("deletion", "known_filename")
def test_no_version_of_a_deleted_document_stays(server: Server, ann: Client) -> None:
    before = stored_files(server)
    assistant = ann.assistant()["id"]
    versions = [upload(ann, assistant, os.urandom(500).hex().encode()) for _ in range(3)]
    assert [one["version"] for one in versions] == [1, 2, 3]
    assert len(stored_files(server) - before) == 1
    ann.delete(versions[-1]["url"])
    assert stored_files(server) == before


@row("ownership")
def test_content_that_two_users_have_survives_the_deletion_of_one(ann: Client, bob: Client) -> None:
    """One deletes while the other uploads the same bytes: the upload must keep them."""
    hers, his = ann.assistant()["id"], bob.assistant()["id"]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            content = os.urandom(500).hex().encode()
            doomed = upload(ann, hers, content)["url"]
            gone = pool.submit(ann.delete, doomed)
            kept = pool.submit(upload, bob, his, content).result()
            assert gone.result().status_code == 204
            assert bob.get(f"{kept['url']}content/").content == content


def test_a_deletion_and_uploads_at_once_end_in_answers(ann: Client) -> None:
    """Whoever comes late is told 404; nobody gets a fault."""
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assistant = ann.assistant(first_md=b"# First\n\nText.\n")["id"]
            path = f"{API}/assistants/{assistant}/"
            files = [("files", (f"{number}.md", b"x%d" % number)) for number in range(5)]
            begun = [
                pool.submit(ann.post, f"{path}documents/", files=files),
                pool.submit(ann.post, f"{path}documents/", files=files[::-1]),
                pool.submit(ann.post, f"{API}/chat/", json={"assistant_id": assistant}),
                pool.submit(ann.delete, path),
            ]
            statuses = {one.result().status_code for one in begun}
            assert statuses <= {201, 204, 404}
            assert ann.get(path).status_code == 404
