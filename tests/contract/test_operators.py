"""What operators do about users: invitations, new passwords, suspending, deleting."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from contract.conftest import Closed
from contract.rows import row
from contract.wire import exactly
from support.server import API, PASSWORD, Client

USERS, INVITATIONS = f"{API}/users/", f"{API}/invitations/"
CLOSED = '{"detail":"Registration is closed on this server.","code":"registration_closed"}'
NOT_VALID = '{"invitation":["This invitation was used, has ended, or never was one."]}'
WRONG = '{"non_field_errors":["Unable to log in with provided credentials."]}'
FORBIDDEN = '{"detail":"Only an administrator can do this.","code":"forbidden"}'
OTHER_PASSWORD = "an even longer passphrase"
_LINK = re.compile(r"/#/login\?invitation=(inv_[0-9A-Za-z]{32})\n")


@pytest.fixture(scope="module")
def root(closed: Closed) -> Iterator[Client]:
    """An administrator."""
    assert closed.users("create", "root", "--admin").returncode == 0
    with closed.login("root") as client:
        yield client


def sql(closed: Closed, statement: str, *values: object) -> list[Any]:
    url = closed.server.process.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(statement, values)
        return found.fetchall() if found.description else []


def invited(root: Client) -> str:
    """The secret of a new invitation."""
    made = root.post(INVITATIONS, json={})
    assert made.status_code == 201, made.text
    return str(made.json()["invitation"])


def register(closed: Closed, name: str, **more: object) -> Any:
    sql(closed, "DELETE FROM rate_bucket")  # the other tests here have asked as well
    with closed.server.client() as client:
        return client.post(USERS, json={"username": name, "password": PASSWORD, **more})


def login(closed: Closed, name: str, password: str = PASSWORD) -> Any:
    sql(closed, "DELETE FROM rate_bucket")
    with closed.server.client() as client:
        return client.post(f"{API}/tokens/", json={"username": name, "password": password})


def member(closed: Closed, root: Client, name: str) -> None:
    """A new user, who was invited."""
    assert register(closed, name, invitation=invited(root)).status_code == 201


@row("invitations", "error.registration_closed")
def test_an_invitation_makes_one_account(closed: Closed) -> None:
    done = closed.users("invite", "--days", "1")
    assert "AICONVOKIT_BASE_URL" in done.stderr
    link = _LINK.fullmatch(done.stdout)
    assert link, done.stdout
    secret = link[1]
    for nothing in ({}, {"invitation": None}, {"invitation": ""}):
        exactly(register(closed, "ida", **nothing), 403, CLOSED)
    taken = register(closed, "ida", invitation=secret)
    assert (taken.status_code, taken.json()["username"]) == (201, "ida")
    assert login(closed, "ida").status_code == 200
    exactly(register(closed, "ivan", invitation=secret), 400, NOT_VALID)
    assert login(closed, "ivan").status_code == 400
    kept = sql(closed, "SELECT digest, hint, user_id FROM invitation WHERE hint = %s", secret[-4:])
    assert [(len(digest), hint, user) for digest, hint, user in kept] == [
        (32, secret[-4:], taken.json()["id"])
    ]


@row("invitations")
def test_what_is_no_invitation_any_more_is_told_in_one_sentence(
    closed: Closed, root: Client
) -> None:
    used, ended, back = (invited(root) for _ in range(3))
    assert register(closed, "jane", invitation=used).status_code == 201
    over = "UPDATE invitation SET expires_at = now() - interval '1 s' WHERE hint = %s"
    sql(closed, over, ended[-4:])
    sql(closed, "DELETE FROM invitation WHERE hint = %s", back[-4:])
    for secret in (used, ended, back, "inv_" + "x" * 32, "no invitation at all"):
        # Nor is it told that a name is taken.
        exactly(register(closed, "jane", invitation=secret), 400, NOT_VALID)
    assert register(closed, "jens", invitation=5).json() == {"invitation": ["Not a valid string."]}


@row("invitations")
def test_a_refused_account_leaves_the_invitation(closed: Closed, root: Client) -> None:
    secret = invited(root)
    member(closed, root, "kai")
    name = '{"username":["A user with that username already exists."]}'
    exactly(register(closed, "kai", invitation=secret), 400, name)
    weak = register(closed, "karl", invitation=secret, password="short")
    assert list(weak.json()) == ["password"]
    assert register(closed, "karl", invitation=secret).status_code == 201


@row("invitations", "error.throttled")
def test_guessing_invitations_is_throttled(closed: Closed) -> None:
    sql(closed, "DELETE FROM rate_bucket")
    guess = {"username": "lea", "password": PASSWORD, "invitation": "inv_guess"}
    with closed.server.client() as client:
        answers = [client.post(USERS, json=guess) for _ in range(11)]
    assert [one.status_code for one in answers] == [*[400] * 10, 429]
    assert int(answers[-1].headers["retry-after"]) > 1


@row("invitations", "codes")
def test_administrators_invite(closed: Closed, root: Client) -> None:
    made = root.post(INVITATIONS, json={"days": 2})
    assert made.status_code == 201, made.text
    shown = made.json()
    secret = shown.pop("invitation")
    base = closed.server.base_url
    assert shown.pop("link") == f"{base}/#/login?invitation={secret}"
    assert (shown["invited_by"], shown["used_at"], shown["user_id"]) == ("root", None, None)
    listed = root.get(INVITATIONS)
    assert shown in listed.json()
    assert secret not in listed.text
    mia = register(closed, "mia", invitation=secret).json()["id"]
    assert [one["user_id"] for one in root.get(INVITATIONS).json() if one["used_at"]][-1:] == [mia]
    assert root.delete(f"{INVITATIONS}{shown['id']}/").status_code == 204
    last = root.get(f"{API}/audit/", params={"limit": 1}).json()[0]
    done = [last[key] for key in ("actor", "action", "object_id")]
    assert done == ["root", "invitation.deleted", str(shown["id"])]
    unknown = '{"detail":"No Invitation matches the given query."}'
    exactly(root.delete(f"{INVITATIONS}{shown['id']}/"), 404, unknown)
    few = '{"days":["Ensure this value is greater than or equal to 1."]}'
    exactly(root.post(INVITATIONS, json={"days": 0}), 400, few)
    with closed.server.client(
        Authorization=f"Token {login(closed, 'mia').json()['token']}"
    ) as client:
        exactly(client.post(INVITATIONS, json={"days": 0}), 403, FORBIDDEN)
        exactly(client.get(INVITATIONS), 403, FORBIDDEN)
        exactly(client.delete(f"{INVITATIONS}1/"), 403, FORBIDDEN)
        exactly(client.get(f"{API}/audit/"), 403, FORBIDDEN)


def test_a_token_in_the_header_stands_in_nobodys_way(closed: Closed, root: Client) -> None:
    sql(closed, "DELETE FROM rate_bucket")
    new = {"username": "nele", "password": PASSWORD, "invitation": invited(root)}
    assert root.post(USERS, json=new).status_code == 201
    known = {"username": "nele", "password": PASSWORD}
    assert root.post(f"{API}/tokens/", json=known).status_code == 200


def test_a_new_password_ends_all_tokens(closed: Closed, root: Client) -> None:
    member(closed, root, "olga")
    with closed.login("olga") as olga:
        named = olga.post(f"{API}/users/me/tokens/", json={"name": "Script"}).json()["token"]
        done = closed.users("reset-password", "olga", password=OTHER_PASSWORD)
        assert done.stdout == "User olga has a new password. Tokens that ended: 2.\n"
        invalid = '{"detail":"Invalid token."}'
        exactly(olga.get(f"{API}/users/me/"), 401, invalid)
    with closed.server.client(Authorization=f"Token {named}") as program:
        exactly(program.get(f"{API}/users/me/"), 401, invalid)
    exactly(login(closed, "olga"), 400, WRONG)
    assert login(closed, "olga", OTHER_PASSWORD).status_code == 200
    weak = closed.users("reset-password", "olga", password="short")
    assert (weak.returncode, "too short" in weak.stderr) == (1, True)


def test_who_was_suspended_comes_back_with_the_same_token(closed: Closed, root: Client) -> None:
    member(closed, root, "pia")
    with closed.login("pia") as pia:
        sql(closed, "UPDATE \"user\" SET is_active = false WHERE username = 'pia'")
        assert pia.get(f"{API}/users/me/").status_code == 401
        told = closed.users("resume", "pia").stdout
        assert told == "User pia may log in again; tokens from before are good again.\n"
        assert pia.get(f"{API}/users/me/").status_code == 200


def test_a_deletion_has_a_receipt(closed: Closed, root: Client) -> None:
    member(closed, root, "quinn")
    with closed.login("quinn") as quinn:
        user = quinn.get(f"{API}/users/me/").json()["id"]
        made = quinn.assistant(report_md=b"# Report\n\nTwelve people work here.\n")
        quinn.ask(quinn.chat(made["id"]), made["id"], "How many people?")
    told = closed.users("delete", "quinn").stdout.splitlines()
    assert told[0] == "User quinn is deleted, with 1 assistants, 1 documents and 1 chats."
    receipt = re.fullmatch(
        rf"Receipt (\d+) \(in the audit trail\): user {user}, 2 messages, 0 threads of no "
        r"assistant, 1 pages, 1 passages, 1 files, 1 tokens, \d answers that lost their words\.",
        told[1],
    )
    assert receipt, told[1]
    kept = sql(closed, "SELECT actor, action, object_id FROM audit_event WHERE id = %s", receipt[1])
    assert kept == [("command line", "user.deleted", str(user))]


def test_nobody_of_that_name(closed: Closed) -> None:
    done = closed.users("reset-password", "nobody")
    sentence = "aiconvokit: There is no user named nobody. See: aiconvokit users list\n"
    assert (done.returncode, done.stderr) == (1, sentence)
