"""Behind a proxy; and the headers that every answer has, whoever made it."""

from typing import Any

import httpx
import pytest

from fake_model.server import FakeModel
from support.server import API, PASSWORD, Client, Server

TEXT = b"# Canteen\n\nThe canteen opens at noon on weekdays.\n"
RATE = 150
BEHIND = {
    "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "ai.example.com",
}


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "AICONVOKIT_ALLOWED_HOSTS": "ai.example.com, 127.0.0.1",
        "AICONVOKIT_TRUSTED_PROXIES": "127.0.0.1",
        "AICONVOKIT_LIMITS": "on",
        "AICONVOKIT_REQUESTS_PER_MINUTE": str(RATE),
    }


@pytest.fixture(scope="module")
def asked(ann: Client) -> tuple[int, int]:
    """An assistant and a chat of Ann's."""
    assistant = ann.assistant(canteen_md=TEXT)["id"]
    return assistant, ann.chat(assistant)


def test_addresses_as_the_client_reaches_the_server(ann: Client, asked: tuple[int, int]) -> None:
    chat = ann.get(f"{API}/chat/", headers=BEHIND).json()[0]
    assert chat["absolute_url"] == f"https://ai.example.com{API}/chat/{asked[1]}/"
    plain = ann.get(f"{API}/chat/").json()[0]["absolute_url"]
    assert plain == f"{str(ann.base_url).rstrip('/')}{API}/chat/{asked[1]}/"


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", ""])
def test_other_names_are_refused(ann: Client, name: str) -> None:
    refused = ann.get(f"{API}/assistants/", headers={"Host": name})
    assert refused.status_code == 400
    assert list(refused.json()) == ["detail"]
    assert ann.get("/v1/models", headers={"Host": name}).json()["error"]["code"] is None
    assert ann.get("/", headers={"Host": name}).status_code == 400
    assert ann.get("/health/live", headers={"Host": name}).status_code == 200


def test_attempts_count_by_the_clients_address(server: Server) -> None:
    def logs_in(address: str, name: str) -> int:
        body = {"username": name, "password": PASSWORD}
        with server.client(**{"X-Forwarded-For": address}) as client:
            return client.post(f"{API}/tokens/", json=body).status_code

    tries = [logs_in("1.1.1.1, 198.51.100.1", f"nobody{number}") for number in range(11)]
    assert tries == [400] * 10 + [429]
    assert logs_in("1.1.1.1, 198.51.100.2", "somebody") == 400, "another client"
    assert logs_in("2.2.2.2, 198.51.100.1", "somebody") == 429, "its own word counts for nothing"


class Kinds:
    """Every kind of answer, by name."""

    def __init__(self, server: Server, ann: Client, asked: tuple[int, int]) -> None:
        self._server, self._ann, (self._assistant, self._chat) = server, ann, asked

    def page(self) -> httpx.Response:
        return self._ann.get("/")

    def asset(self) -> httpx.Response:
        page = self.page().text
        path = page[page.index('"/assets/') + 1 :]
        return self._ann.get(path[: path.index('"')])

    def widget_script(self) -> httpx.Response:
        return self._ann.get("/widget.js")

    def widget_page(self) -> httpx.Response:
        return self._ann.get("/embed/acw_pk_unknown")

    def reference(self) -> httpx.Response:
        return self._ann.get("/docs")

    def schema(self) -> httpx.Response:
        return self._ann.get("/schema/openapi.json")

    def live(self) -> httpx.Response:
        return self._ann.get("/health/live")

    def found(self) -> httpx.Response:
        return self._ann.get(f"{API}/assistants/{self._assistant}/")

    def head(self) -> httpx.Response:
        return self._ann.head(f"{API}/assistants/")

    def streamed(self) -> httpx.Response:
        body = {"assistant_id": self._assistant, "input": "When?", "stream": True}
        return self._ann.put(f"{API}/chat/{self._chat}/", json=body)

    def streamed_on_v1(self) -> httpx.Response:
        talk: list[Any] = [{"role": "user", "content": "When does it open?"}]
        model = self._ann.get("/v1/models").json()["data"][0]["id"]
        body = {"model": model, "messages": talk, "stream": True}
        return self._ann.post("/v1/chat/completions", json=body)

    def download(self) -> httpx.Response:
        [document] = self.found().json()["documents"]
        return self._ann.get(f"{httpx.URL(document['url']).path}content/")

    def nothing_left(self) -> httpx.Response:
        return self._ann.delete(f"{API}/chat/{self._ann.chat(self._assistant)}/")

    def wrong(self) -> httpx.Response:
        return self._ann.post(f"{API}/chat/", json={})

    def malformed(self) -> httpx.Response:
        return self._ann.post(
            "/v1/threads", content=b"{", headers={"Content-Type": "application/json"}
        )

    def nobody(self) -> httpx.Response:
        with self._server.client() as client:
            return client.get(f"{API}/assistants/")

    def unknown(self) -> httpx.Response:
        return self._ann.get("/v1/files/file-0")

    def no_route(self) -> httpx.Response:
        return self._ann.get("/no/such/route")

    def odd_number(self) -> httpx.Response:
        return self._ann.get(f"{API}/assistants/+1/")

    def wrong_method(self) -> httpx.Response:
        return self._ann.patch(f"{API}/assistants/")

    def wrong_type(self) -> httpx.Response:
        return self._ann.post(f"{API}/chat/", content=b"x", headers={"Content-Type": "text/plain"})

    def too_large(self) -> httpx.Response:
        return self._ann.post(f"{API}/chat/", json={"a": "b" * 2**21})

    def other_host(self) -> httpx.Response:
        return self._ann.get("/v1/models", headers={"Host": "evil.example"})


STATUSES = {
    "page": 200,
    "asset": 200,
    "widget_script": 200,
    "widget_page": 200,
    "reference": 200,
    "schema": 200,
    "live": 200,
    "found": 200,
    "head": 200,
    "streamed": 200,
    "streamed_on_v1": 200,
    "download": 200,
    "nothing_left": 204,
    "wrong": 400,
    "malformed": 400,
    "other_host": 400,
    "nobody": 401,
    "unknown": 404,
    "no_route": 404,
    "odd_number": 404,
    "wrong_method": 405,
    "too_large": 413,
    "wrong_type": 415,
}
PUBLIC = {"page", "asset", "widget_script"}
"""What has no word of anybody's: browsers may keep it."""
FOR_ANY_SITE = {"widget_script"}


@pytest.fixture(scope="module")
def kinds(server: Server, ann: Client, asked: tuple[int, int]) -> Kinds:
    return Kinds(server, ann, asked)


@pytest.mark.parametrize("kind", STATUSES)
def test_headers_of_every_answer(kinds: Kinds, kind: str) -> None:
    answer: httpx.Response = getattr(kinds, kind)()
    has_headers(answer, kind)
    assert answer.status_code == STATUSES[kind], answer.text


def has_headers(answer: httpx.Response, kind: str = "") -> None:
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert "default-src 'none'" in headers["content-security-policy"] or kind == "reference"
    assert kind in PUBLIC or headers["cache-control"] == "no-store", headers["cache-control"]
    assert "server" not in headers
    assert kind in FOR_ANY_SITE or not [one for one in headers if one.startswith("access-control")]
    assert "set-cookie" not in headers


def test_too_many_requests(server: Server, fake_server: FakeModel) -> None:
    """The last one here: a user's minute of requests, and then none."""
    with server.login("eve") as eve, server.login("eric") as eric:
        asked = (eve.get(f"{API}/users/me/") for _ in range(2 * RATE))
        answer = next(one for one in asked if not one.is_success)
        assert answer.status_code == 429
        assert answer.json()["detail"].startswith("Request was throttled.")
        assert int(answer.headers["retry-after"]) > 0
        has_headers(answer)
        assert eve.get("/v1/models").json()["error"]["code"] == "rate_limit_exceeded"
        assert eric.get(f"{API}/users/me/").status_code == 200
        assert eve.get("/health/live").status_code == 200
