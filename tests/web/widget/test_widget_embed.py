"""What sites load: the loader, the page in the frame, the preview."""

import gzip

import pytest

from support.server import API, Client, Server
from web.widget.visitors import SITE, change, widget

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
)
UNKNOWN_KEY = "acw_pk_" + "x" * 32


def test_the_loader(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/widget.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(gzip.compress(answer.content)) <= 5_000


def policy(server: Server, key: str) -> str:
    with server.client() as client:
        answer = client.get(f"/embed/{key}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-frame-options" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    found = answer.headers["content-security-policy"]
    assert found.startswith(POLICY)
    return found.removeprefix(POLICY)


def test_who_may_frame_the_page(server: Server, ann: Client, assistant: int) -> None:
    made = widget(ann, assistant, origins=[SITE, "http://localhost:5173"])
    assert policy(server, made["key"]) == f"frame-ancestors 'self' {SITE} http://localhost:5173"
    change(ann, made["id"], is_paused=True)
    assert policy(server, made["key"]) == f"frame-ancestors 'self' {SITE} http://localhost:5173"
    change(ann, made["id"], origins=[])
    assert policy(server, made["key"]) == "frame-ancestors 'self'"
    for key in (UNKNOWN_KEY, "x", "acw_pk_"):
        assert policy(server, key) == "frame-ancestors 'self'"


def test_a_page_without_sites_is_that_of_an_unknown_key(
    server: Server, ann: Client, assistant: int
) -> None:
    made = widget(ann, assistant, origins=[], title="Secret plans")
    with server.client() as client:
        found, unknown = (client.get(f"/embed/{key}") for key in (made["key"], UNKNOWN_KEY))
        assert found.content == unknown.content
        change(ann, made["id"], origins=[SITE], title='A <b>"title"</b>')
        shown = client.get(f"/embed/{made['key']}").text
    assert "&quot;title&quot;:&quot;A &lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "<script>" not in shown
    assert " style=" not in shown


@pytest.mark.parametrize("key", ["../x", "%2e%2e", "a%00b", "x" * 5_000, "%ff", "<script>"])
def test_wild_keys(server: Server, key: str) -> None:
    with server.client() as client:
        for answer in (
            client.get(f"/embed/{key}"),
            client.post(f"/embed/{key}/session/", json={"origin": SITE}),
        ):
            assert answer.status_code in {200, 403, 404}
            assert "<script>alert" not in answer.text


def test_everything_the_page_names_is_there(server: Server, ann: Client, assistant: int) -> None:
    key = widget(ann, assistant)["key"]
    with server.client() as client:
        for page in (f"/embed/{key}", f"/widget/preview?key={key}"):
            text = client.get(page).text
            assert "{{" not in text
            named = [part.split('"')[0] for part in text.split('="/assets/')[1:]]
            assert named
            for path in named:
                assert client.get(f"/assets/{path}").status_code == 200, path


def test_the_preview_is_framed_by_nobody_else(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/widget/preview", params={"key": '"><script>alert(1)</script>'})
    assert answer.status_code == 200
    found = answer.headers["content-security-policy"]
    assert found == f"{POLICY}frame-src 'self'; frame-ancestors 'self'"
    assert "alert(1)" not in answer.text


def test_nothing_public_is_in_the_documented_api(server: Server) -> None:
    with server.client() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith(("/embed/", "/widget"))]
    assert f"{API}/widgets/" in paths
