"""Whose word counts about who asks, and which names the server answers to."""

from ipaddress import ip_address, ip_network
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from aiconvokit.config import Settings
from aiconvokit.rest.network import Network, address_in, client_of, name_of

PROXIES = ["10.0.0.0/8", "2001:db8::/32"]


def told_of(**told: Any) -> Settings:
    """Settings as they come out of what an operator says."""
    return Settings(**told)


async def through(settings: Settings, client: str, path: str = "/", **headers: str) -> Any:
    """What comes behind the middleware: the scope it hands on, or the answer it gives itself."""
    seen: list[Any] = []

    async def app(scope: Any, _: Any, __: Any) -> None:
        seen.append(scope)

    async def send(message: Any) -> None:
        seen.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    named = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": named,
        "client": (client, 5),
        "scheme": "http",
    }
    await Network(app, settings)(scope, receive, send)
    return seen if len(seen) > 1 else seen[0]


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.7", "10.1.1.1"], "203.0.113.7"),
        ("10.0.0.1", ["10.2.2.2", "10.1.1.1"], "10.2.2.2"),
        ("10.0.0.1", ["203.0.113.7", "nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7", ""], "10.0.0.1"),
        ("203.0.113.9", ["6.6.6.6"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::5]:443", "10.1.1.1:80"], "2001:db8::5"),
        ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_last_address_that_is_no_proxy_asks(peer: str, said: list[str], client: str) -> None:
    networks = [ip_network(one) for one in PROXIES]
    assert client_of(ip_address(peer), said, networks) == ip_address(client)


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "1.2.3", "a:b:c", "256.1.1.1"])
def test_what_is_no_address(text: str) -> None:
    assert address_in(text) is None


async def test_a_trusted_proxy_is_believed() -> None:
    settings = told_of(trusted_proxies=PROXIES)
    said = {
        "host": "inside:8000",
        "x_forwarded_for": "203.0.113.7",
        "x_forwarded_proto": "HTTPS",
        "x_forwarded_host": "ai.example.com",
    }
    scope = await through(settings, "10.0.0.1", **said)
    assert scope["client"] == ("203.0.113.7", 0)
    assert scope["scheme"] == "https"
    assert [value for key, value in scope["headers"] if key == b"host"] == [b"ai.example.com"]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.2"]])
async def test_nobody_else_is_believed(proxies: list[str]) -> None:
    said = {"x_forwarded_for": "6.6.6.6", "x_forwarded_proto": "https", "x_forwarded_host": "x"}
    scope = await through(told_of(trusted_proxies=proxies), "10.0.0.1", host="us", **said)
    assert (scope["client"], scope["scheme"]) == (("10.0.0.1", 5), "http")
    assert (b"host", b"us") in scope["headers"]


async def test_a_proxy_that_says_nothing_changes_nothing() -> None:
    settings = told_of(trusted_proxies=PROXIES)
    scope = await through(settings, "10.0.0.1", host="us", x_forwarded_proto="gopher")
    assert (scope["client"], scope["scheme"]) == (("10.0.0.1", 5), "http")
    assert (b"host", b"us") in scope["headers"]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.com:8000", "example.com"),
        ("example.com.", "example.com"),
        ("[::1]:8000", "[::1]"),
        ("", ""),
    ],
)
def test_names_without_ports(host: str, name: str) -> None:
    assert name_of(host) == name


@pytest.mark.parametrize("host", ["Good.example", "good.example:8000", "[::1]:1", "good.example."])
async def test_a_name_of_ours(host: str) -> None:
    settings = told_of(allowed_hosts=["good.example", "[::1]"])
    assert (await through(settings, "1.2.3.4", host=host))["path"] == "/"


@pytest.mark.parametrize(
    "hosts",
    [{"host": "evil.example"}, {"host": ""}, {"host": "good.example@evil.example"}, {}],
)
async def test_other_names_are_refused(hosts: dict[str, str]) -> None:
    settings = told_of(allowed_hosts=["good.example"])
    start, body = await through(settings, "1.2.3.4", "/api/v1/users/me/", **hosts)
    assert start["status"] == 400
    told = "This server does not answer under the name in the request's Host header."
    assert msgspec.json.decode(body["body"]) == {"detail": told}
    _, body = await through(settings, "1.2.3.4", "/v1/models", **hosts)
    assert msgspec.json.decode(body["body"])["error"]["message"] == told
    for path in ("/health/live", "/health/ready/"):
        assert (await through(settings, "1.2.3.4", path, **hosts))["path"] == path


async def test_a_name_that_an_untrusted_one_forwards_is_none() -> None:
    settings = told_of(allowed_hosts=["good.example"], trusted_proxies=["10.0.0.1"])
    said = {"host": "evil.example", "x_forwarded_host": "good.example"}
    assert len(await through(settings, "10.0.0.2", **said)) == 2
    assert (await through(settings, "10.0.0.1", **said))["path"] == "/"


def test_lists_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AICONVOKIT_ALLOWED_HOSTS", "a.example, b.example c.example")
    monkeypatch.setenv("AICONVOKIT_TRUSTED_PROXIES", "10.0.0.1,fd00::/8")
    settings = Settings()
    assert settings.allowed_hosts == ("a.example", "b.example", "c.example")
    assert settings.trusted_proxies == (ip_network("10.0.0.1/32"), ip_network("fd00::/8"))
    monkeypatch.setenv("AICONVOKIT_TRUSTED_PROXIES", "the proxy")
    with pytest.raises(ValidationError):
        Settings()
