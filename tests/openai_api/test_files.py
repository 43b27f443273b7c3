"""Files with the unmodified official client: uploaded, listed, read and deleted."""

import os

import httpx
import openai
import pytest

from contract.wire import stored_files
from support.server import Client, Server


def put(client: openai.OpenAI, name: str = "a.txt", data: bytes = b"Anvils are heavy.\n") -> str:
    return client.files.create(file=(name, data), purpose="assistants").id


def post(server: Server, client: openai.OpenAI, **parts: object) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/v1/files",
        headers={"Authorization": f"Bearer {client.api_key}"},
        files=list(parts.items()),  # type: ignore[arg-type]  # wrong ones, too
        trust_env=False,
    )


def test_a_file_is_what_was_uploaded(anns: openai.OpenAI) -> None:
    content = os.urandom(70_000)
    made = anns.files.create(file=("../dir/Report (final).bin", content), purpose="user_data")
    assert made.id.startswith("file_")
    assert made.object == "file"
    assert made.bytes == 70_000
    assert made.filename == "Report (final).bin"
    assert made.purpose == "user_data"
    assert made.status == "processed"
    assert made.expires_at is None
    assert anns.files.retrieve(made.id) == made
    assert anns.files.content(made.id).read() == content
    assert anns.files.wait_for_processing(made.id) == made


def test_the_same_content_twice_is_two_files(server: Server, anns: openai.OpenAI) -> None:
    content = os.urandom(100)
    before = stored_files(server)
    first, second = put(anns, "a.txt", content), put(anns, "a.txt", content)
    assert first != second
    assert len(stored_files(server) - before) == 1
    anns.files.delete(first)
    assert anns.files.content(second).read() == content
    deleted = anns.files.delete(second)
    assert (deleted.id, deleted.deleted, deleted.object) == (second, True, "file")
    assert stored_files(server) == before
    with pytest.raises(openai.NotFoundError) as refused:
        anns.files.retrieve(second)
    assert "No file found with id" in refused.value.message


def test_a_file_beside_a_document_of_the_same_content(
    server: Server, anns: openai.OpenAI, ann: Client
) -> None:
    content = os.urandom(200).hex().encode()
    before = stored_files(server)
    own = put(anns, "own.txt", content)
    url = ann.assistant(same_txt=content)["documents"][0]["url"]
    assert ann.delete(url).status_code == 204
    assert anns.files.content(own).read() == content
    anns.files.delete(own)
    assert stored_files(server) == before


@pytest.fixture
def empty(anns: openai.OpenAI) -> None:
    """No files."""
    for file in anns.files.list():
        anns.files.delete(file.id)


def test_lists_go_page_by_page_in_either_order(anns: openai.OpenAI, empty: None) -> None:
    ids = [put(anns, f"{number}.txt") for number in range(5)]
    assert [one.id for one in anns.files.list(limit=2)] == ids[::-1]
    assert [one.id for one in anns.files.list(limit=2, order="asc")] == ids
    page = anns.files.list(limit=2, after=ids[3])
    assert [one.id for one in page.data] == [ids[2], ids[1]]
    assert page.has_more
    with pytest.raises(openai.BadRequestError) as refused:
        anns.files.list(after="file_unknown")
    assert refused.value.param == "after"
    with pytest.raises(openai.BadRequestError) as refused:
        anns.files.list(limit=10_001)
    assert refused.value.param == "limit"


def test_all_can_be_deleted_while_they_are_listed(anns: openai.OpenAI, empty: None) -> None:
    for number in range(5):
        put(anns, f"{number}.txt")
    assert len([anns.files.delete(one.id) for one in anns.files.list(limit=2)]) == 5
    assert anns.files.list().data == []


def test_lists_are_of_one_purpose(anns: openai.OpenAI, ann: Client, empty: None) -> None:
    data = anns.files.create(file=("a.jsonl", b"{}"), purpose="evals").id
    assistants = put(anns)
    ann.assistant(doc_txt=b"Came with an assistant.")
    of_assistants = anns.files.list(purpose="assistants").data
    assert [(one.filename, one.purpose) for one in of_assistants] == [
        ("doc.txt", "assistants"),
        ("a.txt", "assistants"),
    ]
    assert of_assistants[1].id == assistants
    assert [one.id for one in anns.files.list(purpose="evals")] == [data]
    assert anns.files.list(purpose="nonsense").data == []


def test_deleting_what_came_with_documents_deletes_the_documents(
    server: Server, anns: openai.OpenAI, ann: Client, empty: None
) -> None:
    before = stored_files(server)
    assistant = ann.assistant(a_txt=b"One content,", b_txt=b"and another.")
    (file,) = [one for one in anns.files.list() if one.filename == "a.txt"]
    anns.files.delete(file.id)
    left = ann.get(assistant["absolute_url"]).json()["documents"]
    assert [one["filename"] for one in left] == ["b.txt"]
    assert len(stored_files(server) - before) == 1


def test_what_is_no_file(server: Server, anns: openai.OpenAI) -> None:
    before = stored_files(server)
    for parts, param in (
        ({"purpose": (None, "assistants")}, "file"),
        ({"file": ("a.txt", b"a")}, "purpose"),
        ({"file": ("a.txt", b""), "purpose": (None, "assistants")}, "file"),
        ({"file": (None, "text"), "purpose": (None, "assistants")}, "file"),
        ({"file": ("a.txt", b"a"), "purpose": (None, "vision")}, "purpose"),
        ({"file": ("a.txt", b"a"), "purpose": (None, "fine-tune")}, "purpose"),
        ({"file": ("a.txt", b"a"), "purpose": ("a.txt", "assistants")}, "purpose"),
    ):
        answer = post(server, anns, **parts)
        assert answer.status_code == 400, (parts, answer.text)
        assert answer.json()["error"]["param"] == param
        assert answer.json()["error"]["type"] == "invalid_request_error"
    with pytest.raises(openai.BadRequestError) as refused:
        anns.files.create(
            file=("a.txt", b"a"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
    assert refused.value.param == "expires_after"
    assert stored_files(server) == before


def test_bodies_that_are_no_forms(server: Server, anns: openai.OpenAI) -> None:
    headers = {"Authorization": f"Bearer {anns.api_key}"}
    url = f"{server.base_url}/v1/files"
    answer = httpx.post(url, headers=headers, json={"purpose": "assistants"}, trust_env=False)
    assert answer.status_code == 415
    assert answer.json()["error"]["message"] == "This endpoint reads multipart/form-data."


def test_a_file_that_is_too_large_leaves_nothing(server: Server, anns: openai.OpenAI) -> None:
    before = stored_files(server)
    with pytest.raises(openai.APIStatusError) as refused:
        put(anns, "big.txt", bytes(50 * 1024 * 1024 + 1))
    assert refused.value.status_code == 413
    assert refused.value.code == "too_large"
    assert stored_files(server) == before


def test_the_files_of_others_are_unknown(
    server: Server, anns: openai.OpenAI, bobs: openai.OpenAI
) -> None:
    file = put(anns, "secret.txt", b"Ann's.")
    for call in (bobs.files.retrieve, bobs.files.delete, bobs.files.content):
        with pytest.raises(openai.NotFoundError) as refused:
            call(file)
        assert refused.value.message.endswith(f"No file found with id '{file}'.")
    assert bobs.files.list().data == []
    with pytest.raises(openai.BadRequestError):
        bobs.files.list(after=file)
    assert anns.files.content(file).read() == b"Ann's."
