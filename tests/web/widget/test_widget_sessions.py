"""Visitors' sessions: where they begin, what a token is good for, when they end."""

from datetime import UTC, datetime, timedelta

import pytest

from fake_model.server import FakeModel
from support.server import API, Client, Server
from web.widget.visitors import (
    CALLS,
    SITE,
    Visitor,
    change,
    refused,
    sql,
    usage,
    visitor,
    widget,
)

UNKNOWN_KEY = "acw_pk_" + "x" * 32


@pytest.fixture
def key(ann: Client, assistant: int) -> str:
    return str(widget(ann, assistant, title="Help", greeting="Hello")["key"])


def test_a_session_on_a_listed_site(server: Server, key: str) -> None:
    ada = visitor(server, key)
    assert list(ada.begun) == ["token", "visitor", "expires_at", "widget", "messages"]
    assert ada.begun["widget"] == {
        "title": "Help",
        "color": "#1f5fbf",
        "greeting": "Hello",
        "suggestions": [],
        "language": "auto",
        "shows_pictures": False,
    }
    assert ada.begun["messages"] == []
    ends = datetime.fromisoformat(ada.begun["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < ends <= timedelta(minutes=15, seconds=5)
    same = visitor(server, key, ada.begun["visitor"])
    assert same.begun["visitor"] == ada.begun["visitor"]
    assert same.token != ada.token


def test_a_reload_shows_how_the_widget_looks_now(
    server: Server, ann: Client, assistant: int
) -> None:
    made = widget(ann, assistant, title="Help")
    ada = visitor(server, made["key"])
    assert ada.reloaded() == {"widget": ada.begun["widget"], "messages": []}
    change(ann, made["id"], title="Ask us", color="#aa00ff", suggestions=["Why?"])
    look = {"title": "Ask us", "color": "#aa00ff", "suggestions": ["Why?"]}
    assert ada.reloaded() == {"widget": ada.begun["widget"] | look, "messages": []}
    ada.ask()
    found = ada.reloaded()
    assert found["widget"] == ada.begun["widget"] | look
    assert [one["role"] for one in found["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "http://www.example.org",
        "https://www.example.org:8443",
        "https://www.example.org.evil.example",
        "https://evil.example",
        "null",
        "x",
    ],
)
def test_a_site_that_is_not_listed(server: Server, key: str, origin: str) -> None:
    answer = Visitor(server, key, origin=origin).begin()
    refused(answer, 403, "origin_not_allowed")
    unknown = Visitor(server, UNKNOWN_KEY, origin=origin).begin()
    assert answer.content == unknown.content
    own = {"date": "", "x-request-id": ""}
    assert dict(answer.headers) | own == dict(unknown.headers) | own


def test_no_origins_is_nowhere(server: Server, ann: Client, assistant: int) -> None:
    made = widget(ann, assistant, origins=[])
    refused(Visitor(server, made["key"]).begin(), 403, "origin_not_allowed")
    # Only this server's own preview, and a browser shows that nowhere else.
    assert Visitor(server, made["key"], origin=server.base_url).begin().status_code == 200


def test_an_unknown_key_is_not_told_from_one_that_is_not_for_this_site(
    server: Server, ann: Client, assistant: int
) -> None:
    paused = widget(ann, assistant, is_paused=True)["key"]
    deleted = widget(ann, assistant)
    ann.delete(f"{API}/widgets/{deleted['id']}/")
    elsewhere = "https://evil.example"
    answers = [
        Visitor(server, key, origin=elsewhere).begin()
        for key in (UNKNOWN_KEY, paused, deleted["key"], "x", "acw_pk_")
    ]
    assert len({(one.status_code, one.content) for one in answers}) == 1
    refused(Visitor(server, deleted["key"]).begin(), 403, "origin_not_allowed")
    refused(Visitor(server, paused).begin(), 403, "widget_paused")


def test_only_our_own_page_may_call(server: Server, key: str) -> None:
    ada = visitor(server, key)
    for origin, is_ours in (
        (SITE, False),
        ("https://evil.example", False),
        ("null", False),
        (server.base_url, True),
    ):
        answers = [
            ada.request("POST", "session/", {"origin": SITE}, Origin=origin),
            ada.request("GET", "messages/", Origin=origin),
            ada.request("POST", "restart/", {}, Origin=origin),
        ]
        statuses = [one.status_code for one in answers]
        assert statuses == ([200, 200, 204] if is_ours else [403, 403, 403])
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for answer in (*answers, ada.request("OPTIONS", "messages/", **preflight)):
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "origin"),
        ({"origin": SITE, "visitor": "short"}, "visitor"),
        ({"origin": SITE, "visitor": "x" * 65}, "visitor"),
        ({"origin": SITE, "visitor": "x y" * 10}, "visitor"),
        ({"origin": SITE, "visitor": 7}, "visitor"),
        ({"origin": 7}, "origin"),
        ({"origin": SITE, "assistant_id": 1}, "assistant_id"),
    ],
)
def test_wrong_bodies(server: Server, key: str, body: dict[str, object], field: str) -> None:
    with server.client() as client:
        answer = client.post(f"/embed/{key}/session/", json=body)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_json_only(server: Server, key: str, kind: str) -> None:
    """What a page of another origin can send without asking is not read."""
    with server.client() as client:
        answer = client.post(
            f"/embed/{key}/session/", content=b'{"origin":"x"}', headers={"Content-Type": kind}
        )
        refused(answer, 415, "unsupported_media_type")
        large = client.post(f"/embed/{key}/session/", json={"origin": "x" * 40_000})
        refused(large, 413, "too_large")


def test_a_token_is_good_for_its_own_widget_only(
    server: Server, ann: Client, bob: Client, assistant: int, key: str, fake: FakeModel
) -> None:
    his = widget(bob, int(bob.assistant()["id"]))
    hers = widget(ann, assistant)
    ada = visitor(server, key)
    for other in (his["key"], hers["key"], UNKNOWN_KEY, "x"):
        stranger = Visitor(server, other, token=ada.token)
        for method, path, body in CALLS:
            answer = stranger.request(method, path, body)
            refused(answer, 401, "session_ended")
            assert answer.headers["www-authenticate"] == "Visitor"
    assert fake.chats() == []
    assert usage(ann, hers["id"]) == {"messages": 0, "tokens": 0}


def test_tokens_of_one_kind_are_nothing_to_the_other(server: Server, ann: Client, key: str) -> None:
    ada = visitor(server, key)
    login = ann.headers["authorization"].removeprefix("Token ")
    with server.client() as client:
        for scheme in ("Token", "Bearer", "Visitor"):
            for secret in (ada.token, key):
                headers = {"Authorization": f"{scheme} {secret}"}
                for path in ("assistants/", "chat/", "widgets/", "tokens/"):
                    assert client.get(f"{API}/{path}", headers=headers).status_code == 401
        for header in (
            f"Visitor {login}",
            f"Token {login}",
            f"Token {ada.token}",
            f"Bearer {ada.token}",
            ada.token,
            "Visitor",
            f"Visitor {ada.token} x",
            f"Visitor {ada.token[:-1]}",
            f"Visitor {key}",
        ):
            headers = {"Authorization": header}
            answer = client.get(ada.path("messages/"), headers=headers)
            refused(answer, 401, "session_ended")


def test_no_token_is_kept(server: Server, key: str, database: str) -> None:
    ada = visitor(server, key)
    rows = sql(database, "SELECT s.*::text FROM widget_session s")
    assert rows
    assert not [one for one in rows if ada.token in str(one)]


def test_a_session_slides_and_ends(server: Server, key: str, database: str) -> None:
    ada = visitor(server, key)
    by_visitor = "WHERE visitor = %s"
    name = ada.begun["visitor"]
    sql(
        database,
        f"UPDATE widget_session SET expires_at = now() + interval '1 minute' {by_visitor}",  # noqa: S608  # ours
        name,
    )
    assert ada.history() == []
    left = f"SELECT expires_at - now() FROM widget_session {by_visitor}"  # noqa: S608  # ours
    [(slid,)] = sql(database, left, name)
    assert isinstance(slid, timedelta)
    assert slid > timedelta(minutes=14)

    sql(
        database,
        f"UPDATE widget_session SET ends_at = now() + interval '2 minutes' {by_visitor}",  # noqa: S608  # ours
        name,
    )
    assert ada.history() == []
    [(bounded,)] = sql(database, left, name)
    assert isinstance(bounded, timedelta)
    assert bounded <= timedelta(minutes=2)

    sql(database, f"UPDATE widget_session SET expires_at = now() {by_visitor}", name)  # noqa: S608  # ours
    for method, path, body in CALLS:
        refused(ada.request(method, path, body), 401, "session_ended")


def test_sessions_that_ran_out_are_swept(server: Server, key: str, database: str) -> None:
    for _ in range(3):
        visitor(server, key)
    sql(database, "UPDATE widget_session SET expires_at = now() - interval '1 second'")
    widget_id = "(SELECT id FROM widget WHERE key = %s)"
    sql(
        database,
        "INSERT INTO widget_usage VALUES "  # noqa: S608  # ours
        f"({widget_id}, current_date - 9, 'old', 1, 1), ({widget_id}, current_date - 9, '', 1, 1)",
        key,
        key,
    )
    visitor(server, key)
    assert sql(database, "SELECT count(*) FROM widget_session") == [(1,)]
    left = sql(database, "SELECT visitor FROM widget_usage WHERE day < current_date - 1")
    assert left == [("",)]


def test_a_pause_holds_at_once(
    server: Server, ann: Client, assistant: int, fake: FakeModel
) -> None:
    made = widget(ann, assistant)
    ada = visitor(server, made["key"])
    ada.ask()
    change(ann, made["id"], is_paused=True)
    asked = len(fake.chats())
    for method, path, body in CALLS:
        refused(ada.request(method, path, body), 403, "widget_paused")
    refused(Visitor(server, made["key"]).begin(), 403, "widget_paused")
    assert len(fake.chats()) == asked
    change(ann, made["id"], is_paused=False)
    assert len(ada.history()) == 2


def test_a_withdrawn_site_and_another_assistant_end_sessions(
    server: Server, ann: Client, assistant: int
) -> None:
    made = widget(ann, assistant, origins=[SITE, "https://two.example"])
    ada = visitor(server, made["key"])
    change(ann, made["id"], title="Other", origins=[SITE, "https://two.example", "https://3.de"])
    assert ada.history() == []
    change(ann, made["id"], origins=["https://two.example"])
    refused(ada.request("GET", "messages/"), 401, "session_ended")
    bea = visitor(server, made["key"], origin="https://two.example")
    bea.ask()
    change(ann, made["id"], assistant_id=ann.assistant("Other")["id"])
    refused(bea.request("GET", "messages/"), 401, "session_ended")
    assert len(ann.get(f"{API}/widgets/{made['id']}/chats/").json()) == 1
