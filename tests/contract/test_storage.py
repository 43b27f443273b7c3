"""Bytes of uploads: none stay behind, and none go that somebody else has."""

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract.rows import row
from contract.wire import stored_files
from support.server import API, Client, Server

SMALL = 100_000
"""Bytes of a file that the server may write, as on a disk that is full but for them."""
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


def test_an_upload_without_room_leaves_nothing(server: Server, ann: Client) -> None:
    assistant = ann.assistant()["id"]
    before = stored_files(server)
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (SMALL, -1))
    path, files = f"{API}/assistants/{assistant}/documents/", {"files": os.urandom(10 * SMALL)}
    try:
        refused = ann.post(path, files=files)
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    told = {"detail": "This server has no room left.", "code": "storage_full"}
    assert (refused.status_code, refused.json()) == (507, told)
    assert stored_files(server) == before
    assert ann.get(path).json() == []


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
