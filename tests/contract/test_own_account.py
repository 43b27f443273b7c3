"""`/users/me/`: who one is, one's password, and tokens for programs."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from time import sleep
from typing import Any

import psycopg
import pytest

from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, PASSWORD, Client, Server, running_server

ME, PASSWORDS, NAMED = f"{API}/users/me/", f"{API}/users/me/password/", f"{API}/users/me/tokens/"
TOKENS = f"{API}/tokens/"
TOO_SHORT = "This password is too short. It must contain at least 8 characters."
NEW_PASSWORD = "an even longer passphrase"
INVALID = '{"detail":"Invalid token."}'
REQUIRED = '["This field is required."]'
_numbers = count(1)


@pytest.fixture
def name() -> str:
    return f"owner{next(_numbers)}"


@pytest.fixture
def owner(server: Server, name: str) -> Iterator[Client]:
    with server.login(name) as client:
        yield client


@pytest.fixture
def login(server: Server, name: str) -> Callable[[str], Any]:
    """Log the owner in with a password; the answer."""

    def post(password: str) -> Any:
        with server.client() as client:
            return client.post(TOKENS, json={"username": name, "password": password})

    return post


def works(server: Server, secret: str) -> bool:
    with server.client(Authorization=f"Token {secret}") as client:
        answer = client.get(ME)
    if answer.status_code != 200:
        exactly(answer, 401, INVALID)
    return answer.status_code == 200


def named(client: Client, **fields: object) -> dict[str, Any]:
    answer = client.post(NAMED, json={"name": "Script", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@row("own_account", "slashes", "error.no_credentials")
@pytest.mark.parametrize("path", [ME, ME.rstrip("/")])
def test_who_one_is(owner: Client, nobody: Client, name: str, path: str) -> None:
    told = owner.get(path).json()
    own = f'"id":{told["id"]},"username":"{name}","email":"{name}@example.com"'
    expected = f'{{{own},"token_id":{told["token_id"]}}}'
    exactly(owner.get(path), 200, expected)
    detail = "Authentication credentials were not provided."
    exactly(nobody.get(path), 401, f'{{"detail":"{detail}"}}')


@row("own_account")
def test_one_logs_out_by_the_token_that_one_came_with(server: Server, owner: Client) -> None:
    with server.client(Authorization=owner.headers["authorization"]) as same:
        token = same.get(ME).json()["token_id"]
        assert token in [one["id"] for one in same.get(f"{API}/tokens/").json()]
        assert same.delete(f"{API}/tokens/{token}/").status_code == 204
        assert same.get(ME).status_code == 401


@row("own_password", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_password_is_changed(
    server: Server, owner: Client, login: Callable[[str], Any], encoding: str
) -> None:
    other, script = login(PASSWORD).json()["token"], named(owner)["token"]
    fields = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = send(owner, "PUT", PASSWORDS, fields, encoding)
    assert (answer.status_code, answer.content) == (204, b"")
    assert owner.get(ME).status_code == 200
    assert works(server, script)
    assert not works(server, other)
    assert login(PASSWORD).status_code == 400
    assert login(NEW_PASSWORD).status_code == 200


@row("own_password")
def test_a_program_that_changes_it_ends_all_logins(server: Server, owner: Client) -> None:
    scripts = [named(owner)["token"] for _ in range(2)]
    with server.client(Authorization=f"Token {scripts[0]}") as client:
        fields = {"password": PASSWORD, "new_password": NEW_PASSWORD}
        assert client.put(PASSWORDS, json=fields).status_code == 204
    assert all(works(server, secret) for secret in scripts)
    exactly(owner.get(ME), 401, INVALID)


@row("own_password", "error.login")
@pytest.mark.parametrize("password", [PASSWORD, NEW_PASSWORD])
def test_a_login_that_overlaps_a_change_of_the_password(
    server: Server, login: Callable[[str], Any], name: str, contract_database: str, password: str
) -> None:
    """The row is held while the login checks the password; then it has another hash."""
    with server.client() as client, psycopg.connect(contract_database) as connection:
        for one, own in ((name, PASSWORD), (f"{name}.other", password)):
            new = {"username": one, "email": "", "password": own}
            assert client.post(f"{API}/users/", json=new).status_code == 201
        connection.execute('SELECT 1 FROM "user" WHERE username = %s FOR UPDATE', [name])
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(login, PASSWORD)
            while not answer.done() and not _waits(contract_database):
                sleep(0.01)
            connection.execute(
                'UPDATE "user" SET password_hash = (SELECT password_hash FROM "user"'
                " WHERE username = %s) WHERE username = %s",
                [f"{name}.other", name],
            )
            connection.commit()
        status = answer.result().status_code
        tokens = 'SELECT count(*) FROM token JOIN "user" u ON u.id = user_id WHERE u.username = %s'
        count_of = connection.execute(tokens, [name]).fetchone()
    still_fits = password == PASSWORD
    assert (status, count_of) == ((200, (1,)) if still_fits else (400, (0,)))


def _waits(database: str) -> bool:
    """Whether a statement of this database waits for a row."""
    waiting = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(database) as connection:
        return connection.execute(waiting).fetchone() is not None


@row("own_password")
def test_others_stay_logged_in(server: Server, owner: Client, bob: Client) -> None:
    fields = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    assert owner.put(PASSWORDS, json=fields).status_code == 204
    assert bob.get(ME).json()["username"] == "bob"


@row("own_password", "error.password", "error.missing", "error.too_long")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, f'{{"password":{REQUIRED},"new_password":{REQUIRED}}}'),
        (
            {"password": "not hers at all", "new_password": NEW_PASSWORD},
            '{"password":["This is not the present password."]}',
        ),
        (
            {"password": PASSWORD, "new_password": "short12"},
            f'{{"new_password":["{TOO_SHORT}"]}}',
        ),
        (
            {"password": "not hers at all", "new_password": "password"},
            '{"new_password":["This password is too common."]}',
        ),
        (
            {"password": PASSWORD, "new_password": "x" * 1025},
            '{"new_password":["Ensure this field has no more than 1024 characters."]}',
        ),
    ],
)
def test_a_password_stays(
    owner: Client, login: Callable[[str], Any], fields: dict[str, str], expected: str
) -> None:
    other = login(PASSWORD).json()["token"]
    exactly(owner.put(PASSWORDS, json=fields), 400, expected)
    assert [one["hint"] for one in owner.get(TOKENS).json()][-1] == other[-4:]
    assert login(PASSWORD).status_code == 200


@row("named_tokens", "bodies", "times")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_token_for_a_program(server: Server, owner: Client, encoding: str) -> None:
    fields = {"name": " Nightly upload ", "expires_in_days": 30}
    answer = send(owner, "POST", NAMED, fields, encoding)
    found = answer.json()
    secret = found.pop("token")
    expected = (
        f'{{"id":{found["id"]},"hint":"{secret[-4:]}","name":"Nightly upload",'
        f'"created_at":"{found["created_at"]}","last_used_at":"{found["last_used_at"]}",'
        f'"expires_at":"{found["expires_at"]}","token":"{secret}"}}'
    )
    exactly(answer, 201, expected)
    assert re.fullmatch(r"ack_\w{38}", secret)
    ends = datetime.fromisoformat(found["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    assert works(server, secret)
    assert owner.get(TOKENS).json()[-1] == found
    assert secret not in owner.get(f"{TOKENS}{found['id']}/").text
    assert owner.delete(f"{TOKENS}{found['id']}/").status_code == 204
    assert not works(server, secret)


@row("named_tokens")
@pytest.mark.parametrize("fields", [{}, {"expires_in_days": None}])
def test_a_token_that_does_not_end(owner: Client, fields: dict[str, None]) -> None:
    assert named(owner, **fields)["expires_at"] is None


@row("named_tokens", "error.missing", "error.blank", "error.too_long")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, f'{{"name":{REQUIRED}}}'),
        ({"name": " "}, '{"name":["This field may not be blank."]}'),
        ({"name": "x" * 101}, '{"name":["Ensure this field has no more than 100 characters."]}'),
        (
            {"name": "x", "expires_in_days": 0},
            '{"expires_in_days":["Ensure this value is greater than or equal to 1."]}',
        ),
        (
            {"name": "x", "expires_in_days": 3651},
            '{"expires_in_days":["Ensure this value is less than or equal to 3650."]}',
        ),
        (
            {"name": "x", "expires_in_days": "soon"},
            '{"expires_in_days":["A valid integer is required."]}',
        ),
    ],
)
def test_wrong_tokens(owner: Client, fields: dict[str, Any], expected: str) -> None:
    exactly(owner.post(NAMED, json=fields), 400, expected)
    assert len(owner.get(TOKENS).json()) == 1


@row("named_tokens", "error.bad_token", "www_authenticate")
def test_a_token_ends_at_its_date_and_not_before(
    server: Server, owner: Client, contract_database: str
) -> None:
    ends, stays = named(owner, expires_in_days=1), named(owner)
    aged = "UPDATE token SET last_used_at = now() - interval '400 days' WHERE id = ANY(%s)"
    expired = "UPDATE token SET expires_at = now() - interval '1 second' WHERE id = %s"
    with psycopg.connect(contract_database) as connection:
        connection.execute(aged, [[ends["id"], stays["id"]]])
    assert works(server, ends["token"])
    assert works(server, stays["token"])
    with psycopg.connect(contract_database) as connection:
        connection.execute(expired, [ends["id"]])
    assert not works(server, ends["token"])
    assert ends["id"] in [one["id"] for one in owner.get(TOKENS).json()]


@row("tokens", "error.bad_token")
def test_a_login_that_is_not_used_ends(owner: Client, contract_database: str) -> None:
    [token] = owner.get(TOKENS).json()
    with psycopg.connect(contract_database) as connection:
        connection.execute(
            "UPDATE token SET last_used_at = now() - interval '91 days' WHERE id = %s",
            [token["id"]],
        )
    exactly(owner.get(TOKENS), 401, INVALID)


@pytest.fixture(scope="module")
def frugal(cluster_url: str, fake_server: FakeModel) -> Iterator[Server]:
    """A server where a user may have two tokens of a kind, and guess ten times."""
    limits = {"AICONVOKIT_MAX_TOKENS_PER_USER": "2", "AICONVOKIT_LIMITS": "on"}
    with running_server(clone(cluster_url), fake_server.base_url, environment=limits) as found:
        yield found


@row("named_tokens", "codes")
def test_logins_do_not_push_named_tokens_out(frugal: Server) -> None:
    with frugal.login("una") as client:
        first, second = named(client), named(client)
        detail = "There are 2 tokens with a name already. Delete one of them first."
        refused = f'{{"detail":"{detail}","code":"too_many_tokens"}}'
        exactly(client.post(NAMED, json={"name": "third"}), 409, refused)
        login = {"username": "una", "password": PASSWORD}
        secrets = [client.post(TOKENS, json=login).json()["token"] for _ in range(3)]
        assert [works(frugal, secret) for secret in secrets] == [False, True, True]
        exactly(client.get(ME), 401, INVALID)
    assert works(frugal, first["token"])
    assert works(frugal, second["token"])
    with frugal.client(Authorization=f"Token {secrets[-1]}") as again:
        assert again.delete(f"{TOKENS}{first['id']}/").status_code == 204
        assert named(again)["name"] == "Script"


@row("own_password", "error.throttled")
def test_guessing_is_throttled(frugal: Server) -> None:
    with frugal.login("guesser") as client:
        wrong = {"password": "not hers at all", "new_password": NEW_PASSWORD}
        answers = [client.put(PASSWORDS, json=wrong) for _ in range(12)]
        assert answers[0].status_code == 400
        last = answers[-1]
        assert last.status_code == 429
        seconds = int(last.headers["retry-after"])
        detail = f"Request was throttled. Expected available in {seconds} seconds."
        exactly(last, 429, f'{{"detail":"{detail}"}}')
