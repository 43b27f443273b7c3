"""What `send` puts on the wire and raises, beside what the official client's `post` would."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import openai
import pytest

from aiconvokit.llm.client import open_client

BODY = {"text": "ä"}
CONTENT = '{"text":"ä"}'.encode()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"


class Upstream:
    """A server that keeps what it was sent and says its answers in turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answers = [OK + b"\r\n{}"]
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                self.asked.append(head + await reader.readexactly(int(length)))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        except asyncio.IncompleteReadError:
            writer.close()

    def told(self) -> list[tuple[bytes, list[bytes], bytes]]:
        """First lines, headers without their order and letter case, bodies."""
        found = []
        for one in self.asked:
            head, _, body = one.partition(b"\r\n\r\n")
            first, *headers = head.split(b"\r\n")
            found.append((first, sorted(line.lower() for line in headers), body))
        return found


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    found = Upstream()
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    async with server:
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield found


@pytest.mark.parametrize("is_proxied", [False, True])
@pytest.mark.parametrize("address", ["{}/v1", "{}", "{}/a%20b/v1/", "http://me:pw@{}/v1"])
async def test_what_is_sent_is_what_the_official_client_sends(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, address: str, *, is_proxied: bool
) -> None:
    host = upstream.url.removeprefix("http://")
    if is_proxied:
        monkeypatch.setenv("HTTP_PROXY", upstream.url)
    base = address.format(host if "@" in address else upstream.url)
    async with open_client(base, "sk-secret") as client:
        await client.post("/embeddings", cast_to=httpx2.Response, content=CONTENT)
        await client.send("/embeddings", BODY)
        await client.send("/embeddings", BODY)
    first, second, third = upstream.told()
    assert first == second == third
    assert first[2] == CONTENT
    assert any(b"authorization" in line for line in first[1])


async def test_cookies_come_back_and_no_body_is_another_ones(upstream: Upstream) -> None:
    upstream.answers = [OK + b"set-cookie: node=7\r\n\r\n{}", OK + b"\r\n{}"]
    async with open_client(f"{upstream.url}/v1", None) as client:
        for text in ("a", "bcd", "e"):
            await client.send("/x", [text])
    cookies = [b"cookie: node=7" in headers for _, headers, _ in upstream.told()]
    assert cookies == [False, True, True]
    assert [body for *_, body in upstream.told()] == [b'["a"]', b'["bcd"]', b'["e"]']


async def test_redirects_keep_the_body(upstream: Upstream) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nlocation: /v2/x\r\ncontent-length: 0\r\n\r\n"
    ok = OK + b"\r\n{}"
    upstream.answers = [moved, moved, ok, moved, ok]
    async with open_client(f"{upstream.url}/v1", None) as client:
        assert (await client.send("/x", BODY)).content == b"{}"
        assert (await client.send("/x", BODY)).content == b"{}"
    assert [(line, body) for line, _, body in upstream.told()] == [
        (b"POST /v1/x HTTP/1.1", CONTENT),  # the first time we learn that it sends us on
        *(2 * [(b"POST /v1/x HTTP/1.1", CONTENT), (b"POST /v2/x HTTP/1.1", CONTENT)]),
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [304, 400, 401, 429, 500])
async def test_a_status_is_the_official_clients_error(
    upstream: Upstream, status: int, *, stream: bool
) -> None:
    body = b"" if status == 304 else b'{"error": {"message": "no"}}'
    answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
    upstream.answers = [answer]
    async with open_client(f"{upstream.url}/v1", None) as client:
        with pytest.raises(openai.APIStatusError) as theirs:
            await client.post("/x", cast_to=httpx2.Response, content=CONTENT)
        with pytest.raises(openai.APIStatusError) as ours:
            await client.send("/x", BODY, stream=stream)
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value) == str(theirs.value)
    assert ours.value.body == theirs.value.body


@pytest.mark.parametrize("status", [200, 500])
async def test_who_stops_waiting_hangs_up(status: int) -> None:
    hung_up = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 9\r\n\r\n{" % status)
        await reader.read()
        hung_up.set()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with open_client(address, None) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.send("/x", BODY)
            await asyncio.wait_for(hung_up.wait(), 5)


async def test_no_answer_is_the_official_clients_error() -> None:
    async with open_client("http://127.0.0.1:1/v1", None) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.send("/x", BODY)
