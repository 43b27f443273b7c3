"""Somebody else's ids are unknown ones: on every route, in every place where an id can stand."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from aiconvokit.accounts.tokens import digest
from aiconvokit.openai_api.originals.links import Original, signed
from deletion.everywhere import told_to
from fake_model.server import FakeModel
from security.belongings import KEY, NEW, Ids, answered, belongings, nobodys, visited
from security.carried import BODIES, FOR_ADMINISTRATORS, WITHOUT_IDS
from security.cases import cases, operations, told, without_row
from support.server import API, Client, Server
from web.widget.visitors import Visitor

WORD = "quillwort"
LIVING = frozenset(["rate_bucket", "audit_event", "alembic_version"])
"""Tables that requests write without changing anything of anybody's."""
MANY = 200  # cases: the test would be of no use if it made few


@dataclass(frozen=True, slots=True)
class Two:
    """Ann, and Bob who asks for what is hers."""

    ann: Client
    bob: Client
    hers: Ids
    his: Ids
    nobodys: Ids
    visitors: tuple[Visitor, Visitor]


@pytest.fixture(scope="module")
def two(server: Server, fake_server: FakeModel) -> Iterator[Two]:
    fake_server.reset()
    with server.login("ann") as ann, server.login("bob") as bob:
        hers, his = belongings(ann, WORD), belongings(bob, "sedge")
        anns, seen = visited(server, ann, hers["assistant"])
        bobs, seen_by_bob = visited(server, bob, his["assistant"])
        hers |= seen
        yield Two(ann, bob, hers, his | seen_by_bob, nobodys(hers), (anns, bobs))


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.get("/schema/openapi.json").json()
    return found


def digests(database: str) -> dict[str, str]:
    """What each table holds, as the owner sees it."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'procrastinate%'"
        ).fetchall()
        return {
            table: str(connection.execute(_DIGEST.format(sql.Identifier(table))).fetchone())
            for (table,) in tables
            if table not in LIVING
        }


_DIGEST = sql.SQL(
    "SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), ''))"
    " FROM {} t"
)


def test_every_operation_has_its_row(document: dict[str, Any]) -> None:
    found = operations(document)
    assert without_row(found) == set()
    assert (BODIES.keys() | WITHOUT_IDS.keys()) - set(found) == set()


def test_somebody_elses_is_unknown(two: Two, document: dict[str, Any], database: str) -> None:
    before = digests(database)
    leaks: list[str] = []
    count = 0
    for case in (case for one in operations(document) for case in cases(one)):
        hers = case.send(two.bob, two.his, two.hers)
        unknown = case.send(two.bob, two.his, two.nobodys)
        count += 1
        as_hers, as_unknown = told(hers, two.hers), told(unknown, two.nobodys)
        refusals = {403} if case.path in FOR_ADMINISTRATORS else {400, 404}
        is_refused = case.carried.is_quiet or hers.status_code in refusals
        if (
            as_hers != as_unknown
            or not is_refused
            or WORD in hers.text.replace(str(two.hers["slug"]), "")
        ):
            leaks.append(f"{case}: {as_hers} is not {as_unknown}")
    assert leaks == []
    assert count > MANY
    after = digests(database)
    assert {table for table in after if after[table] != before[table]} == set()


def test_the_owner_is_answered(two: Two, document: dict[str, Any]) -> None:
    """The ids of the matrix are real ones: whose they are gets what Bob is refused."""
    reading = [one for one in operations(document) if one.startswith("GET") and "{" in one]
    refused = [
        f"{case}: {answer.status_code} {answer.text}"
        for one in reading
        for case in cases(one)
        if not case.carried.query
        and not (answer := case.send(two.ann, two.hers, two.hers)).is_success
    ]
    assert refused == []


def test_lists_show_ones_own(two: Two) -> None:
    shown = list(told_to(two.bob, []))
    texts = {one for one in two.hers.values() if isinstance(one, str)}
    assert [one[:200] for one in shown if WORD in one or any(text in one for text in texts)] == []
    assert any("sedge" in one for one in shown)
    assert any(WORD in one for one in told_to(two.ann, []))


def test_a_key_of_somebody_elses_request_is_ones_own(two: Two) -> None:
    again = two.ann.post(f"{API}/assistants/", json=NEW, headers=KEY)
    assert again.json()["id"] == two.hers["kept"]
    same = two.bob.post(f"{API}/assistants/", json=NEW, headers=KEY)
    assert same.json()["id"] == two.his["kept"] != two.hers["kept"]


def test_a_link_that_one_signs_oneself(two: Two) -> None:
    """Whoever has a token can sign links with it; they open what that token may see."""
    opened = "/v1/originals?key="
    assert two.bob.get(f"{opened}{two.hers['link']}").is_success, "handed on by Ann"
    secret = two.bob.headers["authorization"].split()[1]
    token_id = answered(two.bob.get(f"{API}/users/me/"))["token_id"]
    for ids, status in ((two.his, 200), (two.hers, 404), (two.nobodys, 404)):
        place = Original(ids["assistant"], ids["document"], 1)
        key = signed(digest(secret), token_id, place, int(time.time()) + 60)
        answer = two.bob.get(f"{opened}{key}")
        assert answer.status_code == status
        assert status == 200 or "This link has ended, or never was one." in answer.text


PLACES = [
    ("GET", "messages/", None),
    ("POST", "messages/", {"input": "Who?"}),
    ("PUT", "messages/{message}/rating/", {"rating": -1}),
    ("GET", "messages/{message}/citations/1/picture/", None),
    ("GET", "messages/{message}/citations/1/marks/", None),
    ("POST", "restart/", {}),
]


def test_visitors_are_each_widgets_own(two: Two, server: Server, database: str) -> None:
    """One widget's token is none of another's, and a message elsewhere is none."""
    before = digests(database)
    anns, bobs = two.visitors

    def sent(key: str, token: str, message: str, place: tuple[str, str, object]) -> httpx.Response:
        method, path, body = place
        with server.client(Authorization=f"Visitor {token}") as client:
            address = f"/embed/{key}/{path.format(message=message)}"
            return client.request(method, address, json=body)

    message, nothing = two.hers["visitor_message"], two.nobodys["visitor_message"]
    for place in PLACES:
        crossed = sent(anns.key, bobs.token, message, place)
        unknown = sent(two.nobodys["widget_key"], bobs.token, nothing, place)
        assert told(crossed, two.hers) == told(unknown, two.nobodys), place
        assert crossed.status_code == 401
        if "{message}" in place[1]:
            at_home = sent(bobs.key, bobs.token, message, place)
            nowhere = sent(bobs.key, bobs.token, nothing, place)
            assert told(at_home, two.hers) == told(nowhere, two.nobodys), place
            assert at_home.status_code == 404
            assert sent(anns.key, anns.token, message, place).is_success or place[0] == "PUT"
    after = digests(database)
    changed = {table for table in after if after[table] != before[table]}
    assert changed <= {"widget_session", "message"}, "but Ann's own visit, and her thumb"
