"""The transport against servers that speak raw bytes."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aiconvokit.llm import transport
from aiconvokit.llm.client import open_client
from aiconvokit.llm.transport import FastTransport

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"


@asynccontextmanager
async def served(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server; its address."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    async with server:
        scheme = "https" if tls else "http"
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}/v1"


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=FastTransport(), timeout=5) as found:
        yield found


def answering(*answers: bytes) -> Talk:
    """Says these to one request after the other, then hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or b"0"))
            writer.write(answer)
            await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"content-length: 5\r\n\r\nhello", b"hello"),
        (OK + b"content-length: 0\r\n\r\n", b""),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
        (OK + b"connection: close\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 2\r\n\r\nhi",
            b"hi",
        ),
    ],
)
async def test_bodies(client: httpx2.AsyncClient, answer: bytes, body: bytes) -> None:
    async with served(answering(answer)) as url:
        found = await client.post(url, content=b"x" * 1000)
    assert (found.status_code, found.content) == (200, body)
    assert "link" not in found.headers


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        OK,
        OK + b"content-length: 50\r\n\r\nhalf",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    ],
)
async def test_answers_that_are_none(client: httpx2.AsyncClient, answer: bytes) -> None:
    async with served(answering(answer)) as url:
        with pytest.raises(httpx2.TransportError):
            await client.post(url, content=b"x")


async def test_a_connection_that_the_server_closed_is_not_used_again(
    client: httpx2.AsyncClient,
) -> None:
    async with served(answering(OK + b"content-length: 2\r\n\r\nhi")) as url:
        for _ in range(3):
            assert (await client.post(url, content=b"x")).content == b"hi"
            await asyncio.sleep(0.05)  # its end is on the way


async def test_idle_connections_are_kept_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "KEEP_SECONDS", 0.05)
    opened = 0
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        try:
            await answering(*[OK + b"content-length: 2\r\n\r\nhi"] * 9)(reader, writer)
        finally:
            ended.set()

    async with (
        served(talk) as url,
        httpx2.AsyncClient(transport=FastTransport(), timeout=5) as client,
    ):
        await client.post(url, content=b"x")
        await client.post(url, content=b"x")
        assert opened == 1
        async with asyncio.timeout(5):
            await ended.wait()
        await client.post(url, content=b"x")
        assert opened == 2


async def test_a_connection_with_something_unread_is_not_used_again() -> None:
    opened, has_sent = 0, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        size = 40_000
        body = b"x" * (transport.HIGH_WATER + size)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1)
        writer.write(OK + b"content-length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), size):  # more than is taken in before it is read
            writer.write(body[start : start + size])
            await writer.drain()
        has_sent.set()
        await answering(OK + b"content-length: 2\r\n\r\nhi")(reader, writer)

    async with (
        served(talk) as url,
        httpx2.AsyncClient(transport=FastTransport(), timeout=5) as client,
    ):
        async with client.stream("POST", url, content=b"x"):
            await has_sent.wait()
            await asyncio.sleep(0.1)  # all of it has arrived, and nothing is read
        async with client.stream("POST", url, content=b"x") as second:
            assert second.status_code == 200
        assert opened == 2


async def test_what_arrives_is_passed_on_at_once(client: httpx2.AsyncClient) -> None:
    goes_on = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n")
        await goes_on.wait()
        writer.write(b"1\r\nc\r\n0\r\n\r\n")

    async with (
        served(talk) as url,
        client.stream("GET", url) as answer,
        aclosing(answer.aiter_bytes()) as pieces,
    ):
        assert await anext(pieces) == b"ab"
        goes_on.set()
        assert [piece async for piece in pieces] == [b"c"]


async def test_a_slow_reader_slows_the_server_down(client: httpx2.AsyncClient) -> None:
    size = 64 * 1024 * 1024
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"content-length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(bytes(1024 * 1024))
            await writer.drain()
            sent += 1024 * 1024

    async with served(talk) as url, client.stream("GET", url) as answer:
        await asyncio.sleep(0.3)
        assert sent < size // 2, "the rest waits in no memory of ours"
        assert sum([len(piece) async for piece in answer.aiter_bytes()]) == size


@pytest.mark.parametrize("opening", [b"", b"x-endless: "])
async def test_an_endless_answer_is_cut_off(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, opening: bytes
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 1_000_000)
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + (b"\r\n" if not opening else b""))
        while True:
            writer.write((opening + b"y" * 1_000 + b"\r\n") * 10)
            sent += 10_000
            await writer.drain()

    async with served(talk) as url:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(url)
    assert sent < 20_000_000


async def test_closing_early_hangs_up(client: httpx2.AsyncClient) -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"content-length: 50\r\n\r\nhalf")
        await reader.read()
        ended.set()

    async with served(talk) as url:
        async with client.stream("GET", url) as answer, aclosing(answer.aiter_bytes()) as pieces:
            assert await anext(pieces) == b"half"
        async with asyncio.timeout(5):
            await ended.wait()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path = tmp_path / "localhost.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)
    )
    return path


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
async def test_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(
            served(answering(OK + b"content-length: 2\r\n\r\nhi"), tls)
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=FastTransport()))
        if trusted:
            assert (await client.post(url, content=b"x")).content == b"hi"
        else:
            with pytest.raises(httpx2.ConnectError):
                await client.post(url, content=b"x")


async def test_proxies_are_left_to_the_official_client(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(OK + b"content-length: 2\r\n\r\n{}")

    async with served(talk) as url:
        monkeypatch.setenv("HTTP_PROXY", url.removesuffix("/v1"))
        client = open_client("http://models.example.com/v1", None)
        await client.get("/models", cast_to=httpx2.Response)
        await client.close()
    assert asked == [b"GET http://models.example.com/v1/models HTTP/1.1\r\n"]
