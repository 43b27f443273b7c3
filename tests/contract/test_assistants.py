"""Assistants, their documents, pages and search."""

import re
from typing import Any

import pytest

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client, Server

ASSISTANTS = f"{API}/assistants/"
FIELDS = {"name": "Reports", "company_name": "Acme", "instructions": "Be brief."}
TEXT = b"# Report\n\nThe group employed 1,204 people at the end of the year.\n"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
NO_FILE = '{"files":["The submitted data was not a file. Check the encoding type on the form."]}'
EMPTY_FILE = '{"files":["The submitted file is empty."]}'


def as_written(server: Server, found: dict[str, Any]) -> str:
    """The contract's assistant object for what was made from FIELDS, without documents."""
    number = found["id"]
    return (
        f'{{"id":{number},"openai_id":"{found["openai_id"]}",'
        f'"absolute_url":"{server.base_url}/api/v1/assistants/{number}/",'
        '"name":"Reports","company_name":"Acme","instructions":"Be brief.",'
        f'"created_at":"{found["created_at"]}","updated_at":"{found["updated_at"]}",'
        '"query_count":0,"files":null,"documents":[]}'
    )


@row("assistants.create", "assistants.get", "bodies", "slashes", "compact", "times")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_making_an_assistant(server: Server, ann: Client, encoding: str, slash: str) -> None:
    made = send(ann, "POST", ASSISTANTS.rstrip("/") + slash, FIELDS, encoding)
    found = made.json()
    assert re.fullmatch(r"asst_[0-9A-Za-z]{24}", found["openai_id"])
    assert re.fullmatch(MOMENT, found["created_at"])
    assert re.fullmatch(MOMENT, found["updated_at"])
    exactly(made, 201, as_written(server, found))
    exactly(ann.get(f"{ASSISTANTS}{found['id']}{slash}"), 200, made.text)


@row("assistants.list", "slashes")
@pytest.mark.parametrize("path", [ASSISTANTS, ASSISTANTS.rstrip("/")])
def test_listing_assistants(server: Server, path: str) -> None:
    with server.login(f"lister{len(path)}") as client:
        exactly(client.get(path), 200, "[]")
        written = [client.post(ASSISTANTS, json=FIELDS).text for _ in range(2)]
        exactly(client.get(path), 200, f"[{','.join(written)}]")


@row("assistants.update", "new_name", "bodies", "slashes")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_changing_an_assistant(server: Server, ann: Client, encoding: str, slash: str) -> None:
    old = ann.post(ASSISTANTS, json=FIELDS | {"instructions": "Old."}).json()
    path = f"{ASSISTANTS}{old['id']}{slash}"
    named = send(ann, "PUT", path, FIELDS | {"new_name": "Other"}, encoding)
    assert (named.status_code, named.json()["name"]) == (200, "Other")
    changed = send(ann, "PUT", path, FIELDS, encoding)
    exactly(changed, 200, as_written(server, changed.json()))
    assert changed.json()["openai_id"] == old["openai_id"]
    assert changed.json()["updated_at"] > changed.json()["created_at"]


@row("error.missing", "error.blank", "error.too_long", "error.null")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_an_assistant_needs(ann: Client, encoding: str) -> None:
    made = ann.post(ASSISTANTS, json=FIELDS).json()
    required = '["This field is required."]'
    missing = f'{{"name":{required},"company_name":{required},"instructions":{required}}}'
    for method, path in (("POST", ASSISTANTS), ("PUT", f"{ASSISTANTS}{made['id']}/")):
        exactly(send(ann, method, path, {}, encoding), 400, missing)
        wrong = send(ann, method, path, {"name": " ", "instructions": "x" * 100_001}, encoding)
        exactly(
            wrong,
            400,
            '{"name":["This field may not be blank."],"company_name":["This field is required."],'
            '"instructions":["Ensure this field has no more than 100000 characters."]}',
        )


@row("error.too_long")
@pytest.mark.parametrize("field", ["name", "company_name", "new_name"])
def test_names_that_are_too_long(ann: Client, field: str) -> None:
    made = ann.post(ASSISTANTS, json=FIELDS).json()
    path = f"{ASSISTANTS}{made['id']}/"
    sentence = "Ensure this field has no more than 255 characters."
    answer = ann.put(path, json=FIELDS | {field: "ü" * 256})
    exactly(answer, 400, f'{{"{field}":["{sentence}"]}}')
    assert ann.put(path, json=FIELDS | {field: "ü" * 255}).status_code == 200


@row("assistants.create", "assistant_object", "document_status", "documents", "times")
def test_files_become_documents(server: Server, ann: Client) -> None:
    files = [("files", ("first.md", TEXT)), ("files", ("second.bin", b"\x00\x01\x02" * 9))]
    made = ann.post(ASSISTANTS, data=FIELDS, files=files)
    assert made.status_code == 201
    fresh = made.json()["documents"]
    assert {one["status"] for one in fresh} <= {"queued", "processing", "ready", "failed"}
    found = ann.read(made.json()["id"])
    base = f"{server.base_url}/api/v1/assistants/{found['id']}/documents"
    first, second = found["documents"]
    assert found["files"] == second["url"] == f"{base}/{second['id']}/"
    assert re.fullmatch(MOMENT, first.pop("created_at"))
    assert first == {
        "id": fresh[0]["id"],
        "filename": "first.md",
        "url": f"{base}/{fresh[0]['id']}/",
        "media_type": "text/markdown",
        "bytes": len(TEXT),
        "pages": 1,
        "status": "ready",
        "error": None,
        "version": 1,
        "attributes": {},
        "progress": None,
    }
    assert second["status"] == "failed"
    assert sorted(second["error"]) == ["code", "detail"]
    assert ann.get(second["url"]).json() == second
    listed = ann.get(f"{ASSISTANTS}{found['id']}/documents/").json()
    assert [one["id"] for one in listed] == [first["id"], second["id"]]


@row("known_filename", "identical_content", "documents")
def test_known_names_and_known_content(ann: Client) -> None:
    made = ann.assistant(report_md=TEXT)
    path = f"{ASSISTANTS}{made['id']}/documents/"
    [same] = ann.post(path, files=[("files", ("report.md", TEXT))]).json()
    assert (same["id"], same["version"], same["status"]) == (
        made["documents"][0]["id"],
        1,
        "ready",
    )
    answer = ann.post(path, files=[("files", ("report.md", TEXT + b"More.\n"))])
    assert answer.status_code == 201
    [newer] = answer.json()
    assert (newer["id"], newer["version"]) == (same["id"], 2)


@row("files_null", "bodies")
def test_no_files(ann: Client) -> None:
    assert ann.post(ASSISTANTS, json=FIELDS | {"files": None}).status_code == 201
    assert ann.post(ASSISTANTS, data=FIELDS | {"files": ""}).status_code == 201


@row("error.no_file")
@pytest.mark.parametrize("value", ["report.md", "", [], ["a"], {}, 7, True])
def test_files_that_are_no_files(ann: Client, value: object) -> None:
    exactly(ann.post(ASSISTANTS, json=FIELDS | {"files": value}), 400, NO_FILE)


@row("error.no_file", "error.missing")
def test_a_text_in_the_place_of_a_file_beside_other_mistakes(ann: Client) -> None:
    exactly(ann.post(ASSISTANTS, data=FIELDS | {"files": "text"}), 400, NO_FILE)
    answer = ann.post(ASSISTANTS, data={"files": "text", "company_name": "Acme", "name": "R"})
    assert sorted(answer.json()) == ["files", "instructions"]


@row("error.empty_file")
def test_an_empty_file(ann: Client) -> None:
    files = [("files", ("full.md", TEXT)), ("files", ("empty.md", b""))]
    before = len(ann.get(ASSISTANTS, params={"limit": 500}).json())
    exactly(ann.post(ASSISTANTS, data=FIELDS, files=files), 400, EMPTY_FILE)
    assert len(ann.get(ASSISTANTS, params={"limit": 500}).json()) == before


@row("files_required")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_documents_need_files(ann: Client, encoding: str) -> None:
    path = f"{ASSISTANTS}{ann.post(ASSISTANTS, json=FIELDS).json()['id']}/documents/"
    exactly(send(ann, "POST", path, {}, encoding), 400, '{"files":["This field is required."]}')


@row("pages", "documents")
def test_pages_and_the_file_itself(ann: Client) -> None:
    [document] = ann.assistant(report_md=TEXT)["documents"]
    page = ann.get(f"{document['url']}pages/1/")
    text = page.json()["text"].replace("\n", "\\n")
    exactly(page, 200, f'{{"page":1,"label":null,"text":"{text}"}}')
    assert "1,204 people" in page.json()["text"]
    for number in (0, -1, 2, 2**31, 10**22):
        exactly(ann.get(f"{document['url']}pages/{number}/"), 404, '{"detail":"Not found."}')
    wrong = ann.get(f"{document['url']}pages/1/", params={"version": "x"})
    exactly(wrong, 400, '{"version":["A valid integer is required."]}')

    file = ann.get(f"{document['url']}content/")
    assert (file.content, file.headers["content-type"]) == (TEXT, "text/markdown; charset=utf-8")
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''report.md"


@row("search", "search_limit", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_search(ann: Client, encoding: str) -> None:
    path = f"{ASSISTANTS}{ann.assistant(report_md=TEXT)['id']}/search/"
    found = send(ann, "POST", path, {"query": "people employed", "limit": "1"}, encoding)
    assert found.status_code == 200
    [passage] = found.json()["results"]
    assert list(passage) == ["document_id", "filename", "page", "heading", "score", "text"]
    for limit, sentence in (
        ("0", "Ensure this value is greater than or equal to 1."),
        ("51", "Ensure this value is less than or equal to 50."),
        ("many", "A valid integer is required."),
    ):
        wrong = send(ann, "POST", path, {"query": "people", "limit": limit}, encoding)
        exactly(wrong, 400, f'{{"limit":["{sentence}"]}}')
    missing = send(ann, "POST", path, {}, encoding)
    exactly(missing, 400, '{"query":["This field is required."]}')


@row("paging")
def test_lists_go_on_where_link_says(server: Server) -> None:
    with server.login("pager") as client:
        made = [client.post(ASSISTANTS, json=FIELDS).json()["id"] for _ in range(5)]
        first = client.get(ASSISTANTS, params={"limit": 2})
        following = f"{server.base_url}{ASSISTANTS}?limit=2&after={made[1]}"
        assert first.headers["link"] == f'<{following}>; rel="next"'
        seen = [one["id"] for one in first.json()]
        answer = first
        while "next" in answer.links:
            answer = client.get(answer.links["next"]["url"])
            seen += [one["id"] for one in answer.json()]
        assert seen == made
        assert "link" not in client.get(ASSISTANTS, params={"limit": 5}).headers
        integer = "A valid integer is required."
        for name, value, sentence in (
            ("limit", "0", "Ensure this value is between 1 and 500."),
            ("limit", "501", "Ensure this value is between 1 and 500."),
            ("limit", "x", integer),
            ("after", "-1", integer),
            ("after", str(10**22), integer),
        ):
            wrong = client.get(ASSISTANTS, params={name: value})
            exactly(wrong, 400, f'{{"{name}":["{sentence}"]}}')


@row("host")
def test_addresses_follow_the_host(ann: Client) -> None:
    made = ann.post(ASSISTANTS, json=FIELDS, headers={"Host": "chat.example.org:8443"}).json()
    expected = f"http://chat.example.org:8443/api/v1/assistants/{made['id']}/"
    assert made["absolute_url"] == expected


@row("error.foreign_id", "ownership")
def test_what_is_anns_does_not_exist_for_bob(ann: Client, bob: Client) -> None:
    made = ann.assistant(report_md=TEXT)
    document = made["documents"][0]["id"]
    chat = ann.chat(made["id"])
    own = bob.post(ASSISTANTS, json=FIELDS).json()["id"]
    ask = {"assistant_id": made["id"], "input": "Who?"}
    upload = {"files": [("files", ("mine.md", b"Mine."))]}
    at = f"assistants/{made['id']}"
    cases: list[tuple[str, str, str, dict[str, Any]]] = [
        ("GET", f"{at}/", "Assistant", {}),
        ("PUT", f"{at}/", "Assistant", {"json": FIELDS}),
        ("DELETE", f"{at}/", "Assistant", {}),
        ("GET", f"{at}/documents/", "Assistant", {}),
        ("POST", f"{at}/documents/", "Assistant", upload),
        ("GET", f"{at}/documents/{document}/", "Assistant", {}),
        ("GET", f"{at}/documents/{document}/pages/1/", "Assistant", {}),
        ("GET", f"{at}/documents/{document}/content/", "Assistant", {}),
        ("PUT", f"{at}/documents/{document}/", "Assistant", {"json": {"attributes": {}}}),
        ("DELETE", f"{at}/documents/{document}/", "Assistant", {}),
        ("POST", f"{at}/search/", "Assistant", {"json": {"query": "people"}}),
        ("GET", f"assistants/{own}/documents/{document}/", "Document", {}),
        ("GET", f"assistants/{own}/documents/{document}/pages/1/", "Document", {}),
        ("GET", f"assistants/{own}/documents/{document}/content/", "Document", {}),
        ("PUT", f"assistants/{own}/documents/{document}/", "Document", {"json": {}}),
        ("DELETE", f"assistants/{own}/documents/{document}/", "Document", {}),
        ("POST", "chat/", "Assistant", {"json": {"assistant_id": made["id"]}}),
        ("GET", f"chat/{chat}/", "Chat", {}),
        ("PUT", f"chat/{chat}/", "Chat", {"json": ask}),
        ("DELETE", f"chat/{chat}/", "Chat", {}),
    ]
    before = (ann.get(f"{API}/{at}/").text, ann.get(f"{API}/chat/{chat}/").text)
    for method, path, kind, body in cases:
        answer = bob.request(method, f"{API}/{path}", **body)
        exactly(answer, 404, f'{{"detail":"No {kind} matches the given query."}}')
    assert (ann.get(f"{API}/{at}/").text, ann.get(f"{API}/chat/{chat}/").text) == before
    assert made["id"] not in [one["id"] for one in bob.get(ASSISTANTS).json()]
    assert chat not in [one["id"] for one in bob.get(f"{API}/chat/").json()]
