"""`/mcp` as the protocol's own client sees it, in its former and its present form."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp.client import Client as Mcp
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from support.server import API, Client, Server

TEXT = b"# Report\n\nThe group employed 1,204 people at the end of the year.\n"
QUESTION = "How many people were employed?"
MODES: list[ConnectMode] = ["legacy", "auto"]
TOOLS = ["list_assistants", "search_documents", "ask_assistant"]


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[Client]:
    with server.login("bob") as client:
        yield client


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    return int(ann.assistant(report_md=TEXT)["id"])


@asynccontextmanager
async def connected(server: Server, user: Client, mode: ConnectMode) -> AsyncIterator[Mcp]:
    """The official client, with a user's token."""
    headers = {"Authorization": user.headers["authorization"].replace("Token", "Bearer")}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{server.base_url}/mcp", http_client=http)
        async with Mcp(transport, mode=mode) as client:
            yield client


def text_of(result: types.CallToolResult) -> str:
    [block] = result.content
    assert isinstance(block, types.TextContent)
    return block.text


async def call(client: Mcp, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    result = await client.call_tool(name, arguments)
    assert isinstance(result, types.CallToolResult)
    return result


@pytest.mark.parametrize("mode", MODES)
async def test_from_the_list_to_the_page(
    server: Server, ann: Client, assistant: int, mode: ConnectMode
) -> None:
    async with connected(server, ann, mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        listed = await call(client, "list_assistants", {})
        assert {"id": assistant, "name": "Reports"}.items() <= listed.structured_content[
            "assistants"
        ][0].items()
        asked = {"assistant_id": assistant, "query": QUESTION}
        found = await call(client, "search_documents", asked)
        [hit] = found.structured_content["passages"]
        assert "1,204 people" in hit["text"]
        assert hit["uri"] in text_of(found)
        [page] = (await client.read_resource(hit["uri"])).contents
        assert isinstance(page, types.TextResourceContents)
        assert "1,204 people" in page.text
        [template] = (await client.list_resource_templates()).resource_templates
        assert template.uri_template.startswith("aiconvokit://assistants/")


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_is_stored_in_a_chat_that_goes_on(
    server: Server, ann: Client, assistant: int, mode: ConnectMode
) -> None:
    async with connected(server, ann, mode) as client:
        first = await call(
            client, "ask_assistant", {"assistant_id": assistant, "question": QUESTION}
        )
        told = first.structured_content
        assert told["citations"][0]["quote"] in text_of(first)
        more = {"assistant_id": assistant, "question": "And then?", "chat_id": told["id"]}
        again = await call(client, "ask_assistant", more)
    chat = ann.get(f"{API}/chat/{told['id']}/").json()
    assert [one["content"] for one in chat["messages"]] == [
        *(QUESTION, told["output"], "And then?", again.structured_content["output"]),
    ]


async def test_wrong_arguments_are_told_and_nothing_of_others_is(
    server: Server, ann: Client, bob: Client, assistant: int
) -> None:
    async with connected(server, ann, "auto") as client:
        found = await call(
            client, "search_documents", {"assistant_id": assistant, "query": QUESTION}
        )
    uri = found.structured_content["passages"][0]["uri"]
    async with connected(server, bob, "auto") as client:
        theirs = {"assistant_id": assistant, "query": QUESTION, "question": QUESTION}
        unknown = theirs | {"assistant_id": 10**9}
        for tool in TOOLS[1:]:
            told = [await call(client, tool, one) for one in (theirs, unknown)]
            assert all(one.is_error for one in told)
            assert text_of(told[0]) == text_of(told[1]) == "No Assistant matches the given query."
        wrong = await call(client, "search_documents", {"assistant_id": "x", "limit": 0})
        assert wrong.is_error
        assert {line.split(":")[0] for line in text_of(wrong).splitlines()} == {
            *("assistant_id", "query", "limit"),
        }
        assert (await call(client, "drop_tables", {})).is_error
        for address in (uri, uri.replace("pages/1", "pages/99"), "file:///etc/passwd"):
            with pytest.raises(MCPError, match="matches the given query"):
                await client.read_resource(address)
        assert (await call(client, "list_assistants", {})).structured_content == {
            "assistants": [],
            "next_after": None,
        }


def test_the_token_stands_in_the_header_and_the_method_is_post(server: Server, ann: Client) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accepted = {"Accept": "application/json, text/event-stream"}
    with server.client() as nobody:
        token = ann.headers["authorization"].split()[1]
        assert nobody.post(f"/mcp?token={token}", json=ping, headers=accepted).status_code == 401
    assert ann.post("/mcp", json=ping, headers=accepted).json()["result"] == {}
    for method in ("GET", "DELETE", "PUT"):
        answer = ann.request(method, "/mcp", headers=accepted)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), method
    large = ann.post("/mcp", json={**ping, "params": {"_meta": {"x": "x" * 2_000_000}}})
    assert large.status_code == 413
    broken = ann.post(
        "/mcp", content=b"{", headers={**accepted, "Content-Type": "application/json"}
    )
    assert broken.status_code == 400
