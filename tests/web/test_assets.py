"""The files of the page: their addresses, their types, and how often they travel."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiconvokit.web import assets
from aiconvokit.web.assets import STATIC
from support.server import Client, Server

KIB = 1024
PAGE_LIMIT = 90 * KIB
"""All that a first visit loads, compressed: two seconds on a slow mobile line."""


@pytest.fixture(scope="module")
def nobody(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def folder(nobody: Client) -> str:
    """Where the page says that its files are."""
    found = re.search(r'href="(/assets/[0-9a-f]{16})/page\.css"', nobody.get("/").text)
    assert found
    return found[1]


def test_the_page_names_its_files_and_loads_nothing_else(nobody: Client, folder: str) -> None:
    answer = nobody.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert {one for one in addresses if not one.startswith(f"{folder}/")} == {"/docs"}
    for address in addresses:
        assert nobody.get(address).status_code == 200, address
    assert "{{" not in answer.text


def test_every_module_is_asked_for_at_once(nobody: Client, folder: str) -> None:
    """Else a slow line waits once for every step from one module to the next."""
    text = nobody.get("/").text
    named = re.findall(rf'<link rel="modulepreload" href="{folder}/([^"]+)">', text)
    assert sorted(named) == sorted(
        path.relative_to(STATIC).as_posix() for path in (STATIC / "js").rglob("*.js")
    )
    assert text.index("modulepreload") < text.index("<script")


def test_the_policy_of_the_page_lets_nothing_else_in(nobody: Client) -> None:
    answer = nobody.get("/")
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", answer.text)


def test_a_file_is_kept_for_ever_and_comes_compressed(nobody: Client, folder: str) -> None:
    answer = nobody.get(f"{folder}/page.css", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == (STATIC / "page.css").read_bytes()

    plain = nobody.get(f"{folder}/page.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_a_file_that_is_known_is_not_sent_again(nobody: Client, folder: str) -> None:
    tag = nobody.get(f"{folder}/page.css").headers["etag"]
    again = nobody.get(f"{folder}/page.css", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/page.html",  # a page to be filled in is no file of its own
        "/../assets.py",
        "/%2e%2e/assets.py",
        "/js/",
        "/",
    ],
)
def test_nothing_else_is_served(nobody: Client, folder: str, path: str) -> None:
    assert nobody.get(folder + path).status_code == 404


def test_another_version_is_unknown(nobody: Client) -> None:
    assert nobody.get("/assets/0123456789abcdef/page.css").status_code == 404


def test_the_version_is_over_every_file(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("1")
    first = assets.load(tmp_path)
    assert first.url("js/a.js") == f"/assets/{first.version}/js/a.js"
    assert gzip.decompress(first.files["js/a.js"].zipped) == b"1"
    (tmp_path / "js" / "b.js").write_text("1")
    second = assets.load(tmp_path)
    (tmp_path / "js" / "b.js").rename(tmp_path / "js" / "c.js")
    third = assets.load(tmp_path)
    assert len({first.version, second.version, third.version}) == 3
    with pytest.raises(KeyError):
        first.url("js/b.js")


def test_a_file_of_an_unknown_type_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_text("1")
    with pytest.raises(KeyError):
        assets.load(tmp_path)


def test_a_first_visit_is_small() -> None:
    files = assets.assets().files
    mine = [one for one in files if not one.startswith(("widget/", "texts/de"))]
    assert sum(len(files[one].zipped) for one in mine) < PAGE_LIMIT


def test_modules_do_one_thing_each() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in STATIC.rglob("js/**/*.js")}
    assert {name: length for name, length in lengths.items() if length >= 300} == {}
