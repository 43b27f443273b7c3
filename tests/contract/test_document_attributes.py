"""Attributes of documents, and searches that filter by them."""

import json
from typing import Any

import httpx
import pytest

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client

FIELDS = {"name": "Leases", "company_name": "Acme", "instructions": "Be brief."}
TEXT = b"# Lease\n\nThe rent of the house is EUR 900 a month.\n"
OTHER = b"# Minutes\n\nThe board met in Zwolle and approved the accounts.\n"
ALL_KINDS = {"year": 2024, "rate": -0.5, "kind": "lease", "final": True, "schlüssel": "ü 😀"}
JSON = {"Content-Type": "application/json"}


def upload(
    client: Client, assistant_id: int, name: str, content: bytes, attributes: object = None
) -> httpx.Response:
    data = {} if attributes is None else {"attributes": json.dumps(attributes)}
    path = f"{API}/assistants/{assistant_id}/documents/"
    return client.post(path, data=data, files=[("files", (name, content))])


@pytest.fixture(scope="module")
def document(ann: Client) -> str:
    """The address of a document that is read."""
    return str(ann.assistant(lease_md=TEXT)["documents"][0]["url"])


@row("attributes", "assistant_object")
def test_attributes_of_an_upload(ann: Client) -> None:
    made = ann.post(f"{API}/assistants/", json=FIELDS).json()["id"]
    files = [("files", ("a.md", TEXT)), ("files", ("b.md", OTHER))]
    data = {"attributes": json.dumps(ALL_KINDS)}
    answer = ann.post(f"{API}/assistants/{made}/documents/", data=data, files=files)
    assert answer.status_code == 201
    assert [one["attributes"] for one in answer.json()] == [ALL_KINDS, ALL_KINDS]
    assert [one["attributes"] for one in ann.read(made)["documents"]] == [ALL_KINDS, ALL_KINDS]
    assert list(answer.json()[0])[-2:] == ["attributes", "progress"]


@row("attributes", "known_filename", "identical_content")
def test_another_upload_keeps_attributes_unless_it_has_some(ann: Client) -> None:
    made = ann.post(f"{API}/assistants/", json=FIELDS).json()["id"]
    upload(ann, made, "a.md", TEXT, {"year": 2024})
    ann.read(made)
    for content, given, version, held in (
        (TEXT, None, 1, {"year": 2024}),
        (TEXT, {"year": "2025"}, 1, {"year": "2025"}),
        (OTHER, None, 2, {"year": "2025"}),
        (TEXT, {"kind": "lease"}, 3, {"kind": "lease"}),
        (TEXT, {}, 3, {}),
    ):
        [found] = upload(ann, made, "a.md", content, given).json()
        assert (found["version"], found["attributes"]) == (version, held)
        [found] = ann.read(made)["documents"]
        assert (found["status"], found["version"], found["attributes"]) == ("ready", version, held)


@row("attributes", "bodies", "slashes")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_replacing_attributes(ann: Client, document: str, encoding: str, slash: str) -> None:
    before = ann.get(document).json()
    for attributes in (ALL_KINDS, {"kind": encoding}, {}):
        value = attributes if encoding == "json" else json.dumps(attributes)
        answer = send(ann, "PUT", document.rstrip("/") + slash, {"attributes": value}, encoding)
        assert answer.status_code == 200
        assert answer.json() == before | {"attributes": attributes}
        exactly(ann.get(document), 200, answer.text)


@row("attributes")
@pytest.mark.parametrize("number", ["1e300", "-1e300", "5e-324", "9223372036854775807", "1e22"])
def test_numbers_come_back_as_they_went_in(ann: Client, document: str, number: str) -> None:
    answer = ann.put(document, content=f'{{"attributes":{{"n":{number}}}}}', headers=JSON)
    assert answer.json()["attributes"] == {"n": json.loads(number)}
    assert ann.get(document).json()["attributes"] == {"n": json.loads(number)}


@row("attributes", "error.missing", "error.null", "extremes")
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{}", "This field is required."),
        ('{"attributes":null}', "This field may not be null."),
        ('{"attributes":[]}', 'Expected a dictionary of items but got type "list".'),
        ('{"attributes":"x"}', "Value must be valid JSON."),
        ('{"attributes":"7"}', 'Expected a dictionary of items but got type "int".'),
        ('{"attributes":{"":1}}', "A key may not be blank."),
        ('{"attributes":{"%s":1}}' % ("k" * 65), "Ensure each key has no more than 64 characters."),
        (
            '{"attributes":{"k":"%s"}}' % ("x" * 513),
            "Ensure each value has no more than 512 characters.",
        ),
        (
            json.dumps({"attributes": dict.fromkeys(map(str, range(17)), 1)}),
            "Ensure this field has no more than 16 keys.",
        ),
        ('{"attributes":{"k":null}}', "A value must be a string, a number or a boolean."),
        ('{"attributes":{"k":{"a":1}}}', "A value must be a string, a number or a boolean."),
        ('{"attributes":{"k":1e400}}', "A number must be finite."),
        ('{"attributes":{"k":1%s}}' % ("0" * 400), "A number must be finite."),
        ('{"attributes":{"k":"a\\u0000"}}', "Null characters are not allowed."),
        ('{"attributes":{"\\ud800":1}}', "Surrogate characters are not allowed."),
    ],
)
def test_attributes_that_are_refused(ann: Client, document: str, body: str, sentence: str) -> None:
    before = ann.get(document).text
    refused = json.dumps({"attributes": [sentence]}, separators=(",", ":"))
    exactly(ann.put(document, content=body, headers=JSON), 400, refused)
    exactly(ann.get(document), 200, before)


@row("attributes", "files_required")
def test_attributes_beside_other_mistakes(ann: Client) -> None:
    made = ann.post(f"{API}/assistants/", json=FIELDS).json()["id"]
    path = f"{API}/assistants/{made}/documents/"
    wrong = ann.post(path, json={"attributes": {"k": None}})
    exactly(
        wrong,
        400,
        '{"files":["This field is required."],'
        '"attributes":["A value must be a string, a number or a boolean."]}',
    )
    assert upload(ann, made, "a.md", TEXT, {"k": []}).status_code == 400
    as_file = [("files", ("a.md", TEXT)), ("attributes", ("a.json", b"{}"))]
    exactly(
        ann.post(path, files=as_file),
        400,
        '{"attributes":["Expected a dictionary of items but got type \\"list\\"."]}',
    )
    assert ann.get(path).json() == []


@pytest.fixture(scope="module")
def library(ann: Client) -> tuple[str, dict[str, int]]:
    """An assistant with a lease of 2024 and minutes of 2025; where to search, and their ids."""
    made = ann.post(f"{API}/assistants/", json=FIELDS).json()["id"]
    upload(ann, made, "lease.md", TEXT, {"kind": "lease", "year": 2024})
    upload(ann, made, "minutes.md", OTHER, {"year": 2025, "final": True})
    found = {one["filename"]: one["id"] for one in ann.read(made)["documents"]}
    return f"{API}/assistants/{made}/search/", found


LEASE = {"type": "eq", "key": "kind", "value": "lease"}
BOTH = ["lease.md", "minutes.md"]


@row("filters", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (LEASE, ["lease.md"]),
        ({"type": "ne", "key": "kind", "value": "lease"}, ["minutes.md"]),
        ({"type": "gt", "key": "year", "value": 2024}, ["minutes.md"]),
        ({"type": "in", "key": "year", "value": [2024, 2025]}, BOTH),
        ({"type": "nin", "key": "year", "value": [2024, "2025"]}, ["minutes.md"]),
        ({"type": "eq", "key": "filename", "value": "lease.md"}, ["lease.md"]),
        ({"type": "gte", "key": "created_at", "value": "2020"}, BOTH),
        ({"type": "eq", "key": "year", "value": "2024"}, []),
        ({"type": "or", "filters": [LEASE, {"type": "eq", "key": "final", "value": True}]}, BOTH),
        ({"type": "and", "filters": [LEASE, {"type": "gt", "key": "year", "value": 2024}]}, []),
    ],
)
def test_a_search_looks_into_matching_documents_only(
    ann: Client,
    library: tuple[str, dict[str, int]],
    filters: dict[str, Any],
    names: list[str],
    encoding: str,
) -> None:
    path, ids = library
    # Words of the one, words of the other, a document by its name, and words of none: whatever
    # leg would find a document, it is only there when it matches, and then always.
    for query in ("rent of the house", "board accounts Zwolle", "What do the minutes say?", "xyz"):
        wanted = filters if encoding == "json" else json.dumps(filters)
        answer = send(ann, "POST", path, {"query": query, "limit": 50, "filters": wanted}, encoding)
        assert answer.status_code == 200, answer.text
        found = {one["document_id"] for one in answer.json()["results"]}
        assert found == {ids[name] for name in names}, query


@row("filters")
def test_no_filter(ann: Client, library: tuple[str, dict[str, int]]) -> None:
    path, _ = library
    without = ann.post(path, json={"query": "rent"})
    assert len(without.json()["results"]) == 2
    exactly(ann.post(path, json={"query": "rent", "filters": None}), 200, without.text)
    exactly(ann.post(path, data={"query": "rent", "filters": ""}), 200, without.text)


@row("filters")
def test_attributes_count_from_the_moment_they_change(ann: Client) -> None:
    made = ann.assistant(lease_md=TEXT)
    path = f"{API}/assistants/{made['id']}/search/"
    wanted = {"query": "rent", "filters": LEASE}
    assert ann.post(path, json=wanted).json()["results"] == []
    ann.put(made["documents"][0]["url"], json={"attributes": {"kind": "lease"}})
    assert len(ann.post(path, json=wanted).json()["results"]) == 1


def nested(depth: int) -> str:
    return '{"type":"and","filters":[' * depth + json.dumps(LEASE) + "]}" * depth


@row("filters", "extremes")
@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ("[]", "Expected a dictionary"),
        ("{}", '"type" must be one of'),
        ('"x"', "Value must be valid JSON."),
        ('{"type":"eq","key":"k"}', "A value must be"),
        ('{"type":"gt","key":"k","value":true}', "Booleans have no order"),
        ('{"type":"eq","key":"k","value":1e400}', "A number must be finite."),
        ('{"type":"lt","key":"k","value":1%s}' % ("0" * 400), "A number must be finite."),
        ('{"type":"eq","key":"a\\u0000","value":1}', "Null characters"),
        ('{"type":"in","key":"k","value":["\\udfff"]}', "Surrogate characters"),
        ('{"type":"in","key":"k","value":"\\udfff"}', "must be a list"),
        (nested(5), "no more than 5 levels"),
        (nested(300), "no more than 5 levels"),
        ('{"type":"or","filters":[' + "{}," * 9_000 + "{}]}", "no more than 32"),
    ],
)
def test_filters_that_are_refused(
    ann: Client, library: tuple[str, dict[str, int]], filters: str, says: str
) -> None:
    path, _ = library
    answer = ann.post(path, content=f'{{"query":"rent","filters":{filters}}}', headers=JSON)
    assert (answer.status_code, list(answer.json())) == (400, ["filters"])
    [sentence] = answer.json()["filters"]
    assert says in sentence


@row("filters", "extremes")
@pytest.mark.parametrize("filters", ["[" * 50_000, '{"type":"eq","key":"k","value":NaN}'])
def test_filters_that_are_no_json(
    ann: Client, library: tuple[str, dict[str, int]], filters: str
) -> None:
    path, _ = library
    refused = '{"filters":["Value must be valid JSON."]}'
    exactly(ann.post(path, data={"query": "rent", "filters": filters}), 400, refused)
    body = f'{{"query":"rent","filters":{filters}}}'
    assert ann.post(path, content=body, headers=JSON).status_code == 400
    several = ann.post(path, json={"filters": [], "limit": 0})
    assert sorted(several.json()) == ["filters", "limit", "query"]
