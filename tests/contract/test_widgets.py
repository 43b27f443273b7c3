"""`/widgets/`: an owner's widgets, alone."""

import re
from typing import Any

import pytest

from contract.conftest import Closed
from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, Client, Server

WIDGETS = f"{API}/widgets/"
SITE = "https://www.example.org"
KEYS = (
    "id key assistant_id title color greeting suggestions language origins shows_pictures"
    " is_paused messages_per_day tokens_per_day visitor_messages_per_day visitor_tokens_per_day"
    " snippet usage created_at updated_at"
)
TRANSCRIPT_KEYS = (
    "id absolute_url visitor title messages thumbs_up thumbs_down created_at updated_at"
)
ALL = {
    "title": "Help",
    "color": "#AA00ff",
    "greeting": "Hello!",
    "suggestions": ["What does it cost?", "Who are you?"],
    "language": "de",
    "origins": ["https://WWW.example.org/", SITE, "http://localhost:5173"],
    "shows_pictures": True,
    "is_paused": True,
    "messages_per_day": 10,
    "tokens_per_day": 20,
    "visitor_messages_per_day": 3,
    "visitor_tokens_per_day": 4,
}
UNKNOWN = '{"detail":"No Widget matches the given query."}'


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    return int(ann.assistant("Contracts")["id"])


def made(client: Client, assistant: int, **fields: object) -> dict[str, Any]:
    answer = client.post(WIDGETS, json={"assistant_id": assistant, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@row("widgets", "bodies", "slashes")
@pytest.mark.parametrize("path", [WIDGETS, WIDGETS.rstrip("/")])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_widget_with_nothing_chosen(
    server: Server, ann: Client, assistant: int, encoding: str, path: str
) -> None:
    answer = send(ann, "POST", path, {"assistant_id": assistant}, encoding)
    assert answer.status_code == 201
    found = answer.json()
    assert " ".join(found) == KEYS
    assert re.fullmatch(r"acw_pk_[0-9A-Za-z]{32}", found["key"])
    script = f'<script src="{server.base_url}/widget.js" data-key="{found["key"]}" async></script>'
    expected = {
        "assistant_id": assistant,
        "title": "Contracts",
        "color": "#1f5fbf",
        "greeting": "",
        "suggestions": [],
        "language": "auto",
        "origins": [],
        "shows_pictures": False,
        "is_paused": False,
        "messages_per_day": 1_000,
        "tokens_per_day": 2_000_000,
        "visitor_messages_per_day": 50,
        "visitor_tokens_per_day": 200_000,
        "snippet": script,
        "usage": {"messages": 0, "tokens": 0},
    }
    assert found.items() >= expected.items()
    assert ann.get(f"{WIDGETS}{found['id']}/").json() == found


@row("widgets", "times")
def test_a_widget_with_all_chosen_and_changed(ann: Client, assistant: int) -> None:
    found = made(ann, assistant, **ALL)
    chosen = ALL | {"color": "#aa00ff", "origins": [SITE, "http://localhost:5173"]}
    assert found.items() >= chosen.items()
    path = f"{WIDGETS}{found['id']}/"
    changes: list[dict[str, object]]
    changes = [{}, {"title": "Other"}, {"origins": []}, {"greeting": ""}, {"color": "#000000"}]
    for change in changes:
        chosen |= change
        changed = ann.put(path, json=change)
        assert changed.status_code == 200, changed.text
        assert changed.json().items() >= chosen.items()
        assert ann.get(path).json() == changed.json()
    last = ann.get(path).json()
    assert last["updated_at"] > found["updated_at"]
    assert (last["created_at"], last["key"]) == (found["created_at"], found["key"])
    form = ann.put(path, data={"suggestions": '["Why?"]', "is_paused": "false"})
    assert form.json()["suggestions"] == ["Why?"]
    assert form.json()["is_paused"] is False


@row("widgets", "error.missing", "error.null", "error.too_long", "error.blank")
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("assistant_id", None, "This field may not be null."),
        ("assistant_id", "x", "A valid integer is required."),
        ("title", " ", "This field may not be blank."),
        ("title", "x" * 101, "Ensure this field has no more than 100 characters."),
        ("title", 7, "Not a valid string."),
        ("greeting", "x" * 501, "Ensure this field has no more than 500 characters."),
        ("color", "red", "Enter a color such as #1f5fbf."),
        ("color", "#fffff;", "Enter a color such as #1f5fbf."),
        ("language", "fr", '"fr" is not a valid choice.'),
        ("is_paused", "maybe", "Must be a valid boolean."),
        ("messages_per_day", 0, "Ensure this value is greater than or equal to 1."),
        ("messages_per_day", 2**31, "Ensure this value is less than or equal to 10000000."),
        ("tokens_per_day", 2**63, "A valid integer is required."),
        ("visitor_tokens_per_day", -1, "Ensure this value is greater than or equal to 1."),
        ("suggestions", "x", "Value must be valid JSON."),
        ("suggestions", {"a": 1}, 'Expected a list of items but got type "dict".'),
        ("suggestions", ["x"] * 7, "Ensure this field has no more than 6 elements."),
        ("suggestions", ["ok", " "], "Item 2: This field may not be blank."),
        (
            "suggestions",
            ["x" * 201],
            "Item 1: Ensure this field has no more than 200 characters.",
        ),
        ("suggestions", ["a\0b"], "Item 1: Null characters are not allowed."),
        ("origins", ["x"] * 51, "Ensure this field has no more than 50 elements."),
        ("origins", [None], "Item 1: Not a valid string."),
    ],
)
def test_wrong_fields(
    ann: Client, assistant: int, field: str, value: object, sentence: str
) -> None:
    answer = ann.post(WIDGETS, json={"assistant_id": assistant, field: value})
    assert (answer.status_code, answer.json()) == (400, {field: [sentence]})
    path = f"{WIDGETS}{made(ann, assistant)['id']}/"
    before = ann.get(path).json()
    changed = ann.put(path, json={"shows_pictures": True, field: value})
    assert (changed.status_code, changed.json()) == (400, {field: [sentence]})
    assert ann.get(path).json() == before


@row("widgets")
@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.org", "https://example.org/x", "example.org", "null", ""]
)
def test_origins_are_exact(ann: Client, assistant: int, origin: str) -> None:
    answer = ann.post(WIDGETS, json={"assistant_id": assistant, "origins": [SITE, origin]})
    assert answer.status_code == 400
    [sentence] = answer.json()["origins"]
    assert sentence.startswith("Item 2: Enter an origin such as https://www.example.org: ")


@row("widgets")
def test_as_many_origins_as_one_header_holds(ann: Client, nobody: Client, assistant: int) -> None:
    def origins(characters: int) -> list[str]:
        return [f"https://{number:03}.{'x' * (characters - 12)}" for number in range(50)]

    found = made(ann, assistant, origins=origins(60))
    answer = nobody.get(f"/embed/{found['key']}")
    assert answer.headers["content-security-policy"].endswith(" ".join(found["origins"]))
    assert sum(len(name) + len(value) + 4 for name, value in answer.headers.raw) < 4_096
    too_many = {"origins": origins(61)}
    sentence = (
        "Ensure that the origins together have no more than 3000 characters (they have 3050)."
    )
    path = f"{WIDGETS}{found['id']}/"
    for refused in (
        ann.post(WIDGETS, json={"assistant_id": assistant, **too_many}),
        ann.put(path, json=too_many),
    ):
        assert (refused.status_code, refused.json()) == (400, {"origins": [sentence]})
    doubled = origins(60)[:25] * 2
    assert ann.put(path, json={"origins": doubled}).json()["origins"] == doubled[:25]


@row("widgets", "error.missing")
def test_all_mistakes_at_once(ann: Client) -> None:
    answer = ann.post(WIDGETS, json={"origins": ["*"], "suggestions": [7], "color": "red"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"assistant_id", "origins", "suggestions", "color"}


@row("widgets", "paging")
def test_own_widgets_oldest_first(server: Server) -> None:
    with server.login("wiebke") as client:
        exactly(client.get(WIDGETS), 200, "[]")
        assistant = client.assistant()["id"]
        found = [made(client, assistant)["id"] for _ in range(3)]
        first = client.get(WIDGETS, params={"limit": 2})
        rest = client.get(first.links["next"]["url"])
        assert [one["id"] for one in first.json() + rest.json()] == found
        assert "link" not in rest.headers


@row("widgets", "ownership")
def test_others_widgets_are_unknown(ann: Client, bob: Client, assistant: int) -> None:
    hers = made(ann, assistant)
    path = f"{WIDGETS}{hers['id']}/"
    for number in (hers["id"], 0, 2**63 - 1):
        address = f"{WIDGETS}{number}/"
        exactly(bob.get(address), 404, UNKNOWN)
        exactly(bob.put(address, json={"title": "Mine"}), 404, UNKNOWN)
        exactly(bob.delete(address), 404, UNKNOWN)
        exactly(bob.get(f"{address}chats/"), 404, UNKNOWN)
    assert hers["id"] not in [one["id"] for one in bob.get(WIDGETS).json()]
    foreign = '{"detail":"No Assistant matches the given query."}'
    exactly(bob.post(WIDGETS, json={"assistant_id": assistant}), 404, foreign)
    his = made(bob, int(bob.assistant()["id"]))
    moved = bob.put(f"{WIDGETS}{his['id']}/", json={"assistant_id": assistant})
    exactly(moved, 404, foreign)
    assert bob.get(f"{WIDGETS}{his['id']}/").json() == his
    assert ann.get(path).json() == hers


def asked_once(server: Server, embed: str, question: str) -> str:
    """A visitor who asks and goes: what the browser called itself."""
    with server.client() as client:
        begun = client.post(f"{embed}session/", json={"origin": SITE}).json()
        token = {"Authorization": f"Visitor {begun['token']}"}
        asked = client.post(f"{embed}messages/", json={"input": question}, headers=token)
        assert asked.status_code == 200
    return str(begun["visitor"])


@row("widget_chats", "deletion")
def test_transcripts_and_what_a_deletion_takes(server: Server, ann: Client, assistant: int) -> None:
    found = made(ann, assistant, origins=[SITE])
    embed, path = f"/embed/{found['key']}/", f"{WIDGETS}{found['id']}/"
    exactly(ann.get(f"{path}chats/"), 200, "[]")
    visitors = [asked_once(server, embed, f"Question {number}?") for number in range(3)]
    first = ann.get(f"{path}chats/", params={"limit": 2})
    rest = ann.get(first.links["next"]["url"])
    transcripts = first.json() + rest.json()
    assert [one["title"] for one in transcripts] == [f"Question {n}?" for n in (2, 1, 0)]
    assert " ".join(transcripts[0]) == TRANSCRIPT_KEYS
    assert [one["visitor"] for one in transcripts] == visitors[::-1]
    assert ann.get(path).json()["usage"]["messages"] == 3

    gone = ann.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    deletion = ann.get(gone.headers["location"]).json()
    assert (deletion["kind"], deletion["object_id"]) == ("widget", found["id"])
    removed = {name: value for name, value in deletion["removed"].items() if value}
    assert removed == {"chats": sorted(one["id"] for one in transcripts), "messages": 6}
    exactly(ann.get(path), 404, UNKNOWN)
    for one in transcripts:
        assert ann.get(one["absolute_url"]).status_code == 404


@row("widgets", "shared", "codes")
def test_sharing_assistants_shares_no_widgets(closed: Closed) -> None:
    for name in ("gerd", "hilde"):
        assert closed.users("create", name).returncode == 0
    with closed.login("gerd") as gerd, closed.login("hilde") as hilde:
        assistant = gerd.assistant()["id"]
        assert hilde.get(f"{API}/assistants/{assistant}/").status_code == 200
        forbidden = '{"detail":"Only the owner of an assistant can change it.","code":"forbidden"}'
        exactly(hilde.post(WIDGETS, json={"assistant_id": assistant}), 403, forbidden)
        hers = made(gerd, assistant)
        exactly(hilde.get(f"{WIDGETS}{hers['id']}/"), 404, UNKNOWN)


@row("widgets", "idempotency")
def test_a_widget_is_made_once(server: Server) -> None:
    with server.login("wanda") as client:
        new = {"assistant_id": client.assistant()["id"], "title": "Once"}
        key = {"Idempotency-Key": "one-widget"}
        first = client.post(WIDGETS, json=new, headers=key)
        assert first.status_code == 201, first.text
        again = client.post(WIDGETS, json=new, headers=key)
        exactly(again, 201, first.text)
        assert again.headers["idempotent-replayed"] == "true"
        assert [one["id"] for one in client.get(WIDGETS).json()] == [first.json()["id"]]
        other = client.post(WIDGETS, json=new | {"title": "Twice"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        client.delete(f"{WIDGETS}{first.json()['id']}/")
        anew = client.post(WIDGETS, json=new, headers=key)
        assert anew.status_code == 201
        assert anew.json()["id"] != first.json()["id"]
