"""How the page's files are sent: compressed or not, wholly or not at all."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

from aiconvokit.web.assets import STATIC, assets
from support.server import Client, Server

NAME = "page.css"
PLAIN = (STATIC / NAME).read_bytes()


@pytest.fixture(scope="module")
def nobody(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def sent(nobody: Client, method: str = "GET", **headers: str) -> httpx.Response:
    """A file as it travels; names of headers with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = nobody.build_request(method, assets().url(NAME), headers=named)
    if "accept-encoding" not in {name.lower() for name in named}:
        del request.headers["accept-encoding"]
    answer = nobody.send(request, stream=True)
    answer.extensions["raw"] = b"".join(answer.iter_raw())
    return answer


@pytest.mark.parametrize(
    ("accepted", "zips"),
    [
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("*", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0.001", True),
        ("gzip ; Q=1", True),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("gzip;q=1, *;q=0", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("*, gzip;q=0", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=x", False),
        ("", False),
        (",;=,", False),
    ],
)
def test_who_does_not_take_it_compressed_gets_it_as_it_is(
    nobody: Client, accepted: str, *, zips: bool
) -> None:
    answer = sent(nobody, Accept_Encoding=accepted)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == ("gzip" if zips else None)
    raw = answer.extensions["raw"]
    assert (gzip.decompress(raw) if zips else raw) == PLAIN
    assert answer.headers["content-length"] == str(len(raw))
    assert answer.headers["vary"] == "Accept-Encoding"


def test_who_names_no_encoding_gets_it_as_it_is(nobody: Client) -> None:
    answer = sent(nobody)
    assert "content-encoding" not in answer.headers
    assert answer.extensions["raw"] == PLAIN


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_the_head_alone(nobody: Client, accepted: str) -> None:
    whole = sent(nobody, Accept_Encoding=accepted)
    head = sent(nobody, "HEAD", Accept_Encoding=accepted)
    assert (head.status_code, head.extensions["raw"]) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "vary"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers.get("content-encoding") == whole.headers.get("content-encoding")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_known_is_not_sent_again(nobody: Client, method: str) -> None:
    tag = sent(nobody).headers["etag"]
    for known in (tag, f"W/{tag}", f'"a,b", {tag}', f"{tag},", "*"):
        answer = sent(nobody, method, If_None_Match=known, Accept_Encoding="gzip")
        assert (answer.status_code, answer.extensions["raw"]) == (304, b""), known
        assert answer.headers["etag"] == tag
        assert "content-encoding" not in answer.headers
    for other in ('"other"', tag.strip('"'), "", "W/", '"', f'"{tag}'):
        assert sent(nobody, method, If_None_Match=other).status_code == 200, other


@pytest.mark.parametrize(
    "wanted", ["bytes=0-9", "bytes=-5", "bytes=5-", "bytes=9-1", "bytes=99999999-", "lines=1", "x"]
)
def test_a_part_of_a_file_is_the_whole(nobody: Client, wanted: str) -> None:
    answer = sent(nobody, Range=wanted, If_Range='"x"')
    assert (answer.status_code, answer.extensions["raw"]) == (200, PLAIN)
    assert "content-range" not in answer.headers


def test_the_loader_is_sent_alike(nobody: Client) -> None:
    plain = nobody.get("/widget.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    zipped = nobody.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == plain.content
