"""Users, logins, tokens and credentials."""

import re
from itertools import count

import httpx
import pytest

from aiconvokit.accounts.tokens import new_token
from contract.rows import row
from contract.wire import ENCODINGS, exactly, send
from support.server import API, PASSWORD, Client, Server

USERS, TOKENS = f"{API}/users/", f"{API}/tokens/"
REQUIRED = '["This field is required."]'
WRONG_LOGIN = '{"non_field_errors":["Unable to log in with provided credentials."]}'
_numbers = count(1)


def new(**changes: object) -> dict[str, object]:
    name = f"user{next(_numbers)}"
    return {"username": name, "email": f"{name}@x.io", "password": PASSWORD} | changes


@row("users.create", "bodies", "slashes")
@pytest.mark.parametrize("path", [USERS, USERS.rstrip("/")])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_registering(nobody: Client, encoding: str, path: str) -> None:
    fields = new()
    answer = send(nobody, "POST", path, fields, encoding)
    number = answer.json()["id"]
    expected = f'{{"id":{number},"username":"{fields["username"]}","email":"{fields["email"]}"}}'
    assert isinstance(number, int)
    exactly(answer, 201, expected)


@row("tokens.create", "bodies", "slashes", "token_each_login")
@pytest.mark.parametrize("path", [TOKENS, TOKENS.rstrip("/")])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_logging_in(nobody: Client, encoding: str, path: str) -> None:
    fields = new()
    nobody.post(USERS, json=fields)
    login = {"username": fields["username"], "password": PASSWORD}
    first, second = (send(nobody, "POST", path, login, encoding) for _ in range(2))
    secrets = [answer.json()["token"] for answer in (first, second)]
    exactly(first, 200, f'{{"token":"{secrets[0]}"}}')
    assert secrets[0] != secrets[1]
    for secret in secrets:
        headers = {"Authorization": f"Token {secret}"}
        assert nobody.get(TOKENS, headers=headers).status_code == 200


@row("error.missing", "bodies")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_missing_is_told_at_once(nobody: Client, encoding: str) -> None:
    both = f'{{"username":{REQUIRED},"password":{REQUIRED}}}'
    exactly(send(nobody, "POST", TOKENS, {}, encoding), 400, both)
    exactly(send(nobody, "POST", USERS, {"email": "a@x.io"}, encoding), 400, both)
    exactly(nobody.post(TOKENS), 400, both)  # no body, no type


@row("error.blank")
@pytest.mark.parametrize("value", ["", "  \t "])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_blank_fields(nobody: Client, encoding: str, value: str) -> None:
    answer = send(nobody, "POST", USERS, new(username=value, password=value), encoding)
    blank = '["This field may not be blank."]'
    exactly(answer, 400, f'{{"username":{blank},"password":{blank}}}')


@row("error.null")
def test_null_fields(nobody: Client) -> None:
    answer = nobody.post(USERS, json=new(username=None, email=None, password=None))
    null = '["This field may not be null."]'
    exactly(answer, 400, f'{{"username":{null},"email":{null},"password":{null}}}')


@row("error.not_a_string")
@pytest.mark.parametrize("value", [7, True, 1.5, [], {}, ["ann"]])
def test_fields_that_are_no_strings(nobody: Client, value: object) -> None:
    answer = nobody.post(USERS, json=new(username=value, password=value))
    wrong = '["Not a valid string."]'
    exactly(answer, 400, f'{{"username":{wrong},"password":{wrong}}}')


@row("error.email")
@pytest.mark.parametrize("email", ["ann", "ann@", "@x.io", "a b@x.io", "a@x..io", 7, [], True])
def test_bad_emails(nobody: Client, email: object) -> None:
    answer = nobody.post(USERS, json=new(email=email))
    exactly(answer, 400, '{"email":["Enter a valid email address."]}')


@row("error.email")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_empty_email_is_accepted(nobody: Client, encoding: str) -> None:
    answer = send(nobody, "POST", USERS, new(email=""), encoding)
    assert (answer.status_code, answer.json()["email"]) == (201, "")


@row("error.too_long")
@pytest.mark.parametrize(("field", "most"), [("username", 150), ("email", 254), ("password", 1024)])
def test_one_character_too_many(nobody: Client, field: str, most: int) -> None:
    long = "x" * (most - 4) + "@x.io" if field == "email" else "x" * (most + 1)
    assert len(long) == most + 1
    answer = nobody.post(USERS, json=new(**{field: long}))
    sentence = f"Ensure this field has no more than {most} characters."
    exactly(answer, 400, f'{{"{field}":["{sentence}"]}}')


@row("error.too_long")
def test_as_many_characters_as_fit(nobody: Client) -> None:
    answer = nobody.post(USERS, json=new(username="u" * 150, password="p9" * 512))
    assert answer.status_code == 201


@row("error.password")
@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short12", "This password is too short. It must contain at least 8 characters."),
        ("password", "This password is too common."),
        ("PassWord", "This password is too common."),
        ("x" * 1025, "Ensure this field has no more than 1024 characters."),
    ],
)
def test_passwords_that_are_refused(nobody: Client, password: str, sentence: str) -> None:
    exactly(nobody.post(USERS, json=new(password=password)), 400, f'{{"password":["{sentence}"]}}')


@row("error.missing", "error.password")
def test_a_weak_password_is_told_beside_other_mistakes(nobody: Client) -> None:
    answer = nobody.post(USERS, json={"password": "short12", "email": "no"})
    assert sorted(answer.json()) == ["email", "password", "username"]


@row("error.duplicate")
def test_a_name_is_taken_once(nobody: Client) -> None:
    fields = new()
    assert nobody.post(USERS, json=fields).status_code == 201
    taken = '{"username":["A user with that username already exists."]}'
    exactly(nobody.post(USERS, json=fields), 400, taken)


@row("error.username")
@pytest.mark.parametrize("name", ["ann lee", "ann!", "a/b", "<b>", "a\u200bb"])
def test_bad_usernames(nobody: Client, name: str) -> None:
    sentence = (
        "Enter a valid username. This value may contain only letters, numbers, "
        "and @/./+/-/_ characters."
    )
    exactly(nobody.post(USERS, json=new(username=name)), 400, f'{{"username":["{sentence}"]}}')


@row("compact")
def test_letters_of_any_script_are_names_and_go_out_as_utf8(nobody: Client) -> None:
    name = f"Jürgen_李{next(_numbers)}"
    answer = nobody.post(USERS, json=new(username=name))
    assert f'"username":"{name}"'.encode() in answer.content


@row("error.login")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_wrong_logins(nobody: Client, ann: Client, encoding: str) -> None:
    for name, password in (("ann", "not hers at all"), ("nobody here!", PASSWORD)):
        login = {"username": name, "password": password}
        exactly(send(nobody, "POST", TOKENS, login, encoding), 400, WRONG_LOGIN)


def get(client: httpx.Client, credentials: str | None) -> httpx.Response:
    headers = {} if credentials is None else {"Authorization": credentials}
    return client.get(f"{API}/assistants/", headers=headers)


@row("error.no_credentials", "www_authenticate")
@pytest.mark.parametrize("credentials", [None, "", "Basic YW5uOng=", "Tokens abc"])
def test_without_credentials(nobody: Client, credentials: str | None) -> None:
    detail = "Authentication credentials were not provided."
    exactly(get(nobody, credentials), 401, f'{{"detail":"{detail}"}}')


@row("error.bad_token", "error.token_header", "www_authenticate")
@pytest.mark.parametrize(
    ("credentials", "detail"),
    [
        ("Token nonsense", "Invalid token."),
        ("Bearer ack_" + "a" * 38, "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("bearer", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_bad_credentials(nobody: Client, credentials: str, detail: str) -> None:
    exactly(get(nobody, credentials), 401, f'{{"detail":"{detail}"}}')


@row("error.bad_token")
def test_a_well_formed_token_that_nobody_has(nobody: Client) -> None:
    exactly(get(nobody, f"Token {new_token()}"), 401, '{"detail":"Invalid token."}')


@row("keyword")
@pytest.mark.parametrize("keyword", ["Token", "token", "TOKEN", "Bearer", "bearer"])
def test_keywords(nobody: Client, ann: Client, keyword: str) -> None:
    secret = ann.headers["authorization"].split()[1]
    assert get(nobody, f"{keyword} {secret}").status_code == 200


@row("credentials_first")
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/assistants/"), ("PATCH", "/assistants/"), ("PUT", "/chat/1/"), ("PUT", "/chat/")],
)
def test_credentials_come_before_method_and_body(nobody: Client, method: str, path: str) -> None:
    answer = nobody.request(
        method, API + path, content=b"{", headers={"Content-Type": "application/json"}
    )
    exactly(answer, 401, '{"detail":"Authentication credentials were not provided."}')


@row("tokens", "times", "deletion", "compact")
def test_own_tokens_without_their_secrets(server: Server, bob: Client) -> None:
    with server.login("clara") as clara:
        secret = clara.headers["authorization"].split()[1]
        [token] = clara.get(TOKENS).json()
        address = f"{TOKENS}{token['id']}/"
        expected = (
            f'{{"id":{token["id"]},"hint":"{secret[-4:]}","name":null,'
            f'"created_at":"{token["created_at"]}","last_used_at":"{token["last_used_at"]}",'
            '"expires_at":null}'
        )
        exactly(clara.get(address), 200, expected)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", token["created_at"])
        assert secret not in clara.get(TOKENS).text
        exactly(bob.delete(address), 404, '{"detail":"No Token matches the given query."}')
        gone = clara.delete(address)
        assert (gone.status_code, gone.content) == (204, b"")
        assert re.search(r"/api/v1/deletions/\d+/$", gone.headers["location"])
        exactly(clara.get(TOKENS), 401, '{"detail":"Invalid token."}')


@row("error.wrong_method")
@pytest.mark.parametrize("path", [USERS, TOKENS])
def test_where_one_logs_in_a_wrong_method_is_told_to_anyone(nobody: Client, path: str) -> None:
    answer = nobody.patch(path)
    exactly(answer, 405, '{"detail":"Method \\"PATCH\\" not allowed."}')
    assert "POST" in answer.headers["allow"]


@row("error.missing")
def test_an_email_is_not_needed(nobody: Client) -> None:
    """The contract's example of missing fields names two of the three."""
    expected = '{"username":["This field is required."],"password":["This field is required."]}'
    exactly(nobody.post(USERS, json={}), 400, expected)
