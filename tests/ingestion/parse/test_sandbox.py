import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import psutil
import pytest

from ingestion.errors import DocumentRejected, DocumentTooComplex, ParserCrashed
from ingestion.load import PDF, TEXT
from ingestion.parse.limits import MB, Limits
from ingestion.parse.sandbox import parse_in_child
from ingestion.parse.wire import Parsed

MakePdf = Callable[[Sequence[str]], bytes]
MakeBomb = Callable[[bytes, int], bytes]

_SLOW = b"a\n" * 4_000_000  # a minute of work
_TEXT_OPERATORS = b"BT /F1 12 Tf " + b"(hello world) Tj 0 -10 Td " * 2_000_000 + b"ET"


def _children() -> list[psutil.Process]:
    """Parsing children of this process, dead ones that nobody waited for included."""
    return [child for child in psutil.Process().children() if _is_ours(child)]


def _is_ours(child: psutil.Process) -> bool:
    try:
        zombie = child.status() == psutil.STATUS_ZOMBIE
        return zombie or "ingestion.parse.child" in child.cmdline()
    except psutil.ZombieProcess:  # it died between the two questions
        return True
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def _running() -> AsyncIterator[tuple[asyncio.Task[Parsed], psutil.Process]]:
    """A slow parse, and its child once it works."""
    async with asyncio.timeout(20):
        task = asyncio.create_task(parse_in_child(_SLOW, TEXT, "slow.txt", Limits()))
        while not (found := _children()) or found[0].cpu_times().user < 0.2:  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.02)
        try:
            yield task, found[0]
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_document_and_passages_come_back(make_pdf: MakePdf) -> None:
    pages = ["ITEM 1. BUSINESS\nWe sell anvils.", "ITEM 2. PROPERTIES\nWe own a desert."]
    parsed = await parse_in_child(make_pdf(pages), PDF, "ACME_2024.pdf", Limits())
    assert [page.text for page in parsed.document.pages] == pages
    assert [(chunk.page, chunk.text) for chunk in parsed.chunks] == list(enumerate(pages, 1))
    assert parsed.chunks[1].context == "ACME 2024 > ITEM 2. PROPERTIES"
    assert _children() == []


async def test_a_refusal_keeps_its_code_and_sentence(make_pdf: MakePdf) -> None:
    with pytest.raises(DocumentRejected) as caught:
        await parse_in_child(make_pdf([""]), PDF, "scan.pdf", Limits())
    assert caught.value.code == "no_text"
    assert "probably a scan" in caught.value.detail
    with pytest.raises(DocumentTooComplex) as complex_:
        await parse_in_child(make_pdf(["a", "b"]), PDF, "a.pdf", Limits(pages=1))
    assert complex_.value.code == "too_many_pages"


async def test_a_hostile_name_is_only_a_name() -> None:
    parsed = await parse_in_child(b"text", TEXT, "../\x00\ud800" + "x" * 100_000, Limits())
    assert parsed.document.title == "x" * 255


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(wall_seconds=1.0, wall_seconds_per_page=0), "timeout"),
        (Limits(cpu_seconds=1), "timeout"),
        (Limits(characters=1_000_000), "too_complex"),
    ],
)
async def test_limits_stop_a_long_document(limits: Limits, code: str) -> None:
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(_SLOW, TEXT, "slow.txt", limits)
    assert caught.value.code == code
    assert _children() == []


async def test_a_bomb_of_pages_is_stopped_by_its_characters(make_bomb: MakeBomb) -> None:
    content = b"BT /F1 12 Tf " + b"(hello world) Tj 0 -10 Td " * 1_000 + b"ET"
    limits = Limits(characters=500_000)
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(make_bomb(content, 2_900), PDF, "bomb.pdf", limits)
    assert caught.value.code == "too_complex"


async def test_a_bomb_of_memory_is_stopped(make_bomb: MakeBomb) -> None:
    limits = Limits(memory_bytes=300 * MB)
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(make_bomb(_TEXT_OPERATORS, 1), PDF, "bomb.pdf", limits)
    assert caught.value.code == "memory"


async def test_an_oversized_file_starts_no_child() -> None:
    with pytest.raises(DocumentTooComplex):
        await parse_in_child(b"12345", TEXT, "a.txt", Limits(file_bytes=4))


async def test_an_answer_larger_than_promised_is_refused() -> None:
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(b"word " * 1_000, TEXT, "a.txt", Limits(answer_bytes=2_000))
    assert caught.value.code == "too_complex"


async def test_a_child_that_dies_is_a_crash() -> None:
    async with _running() as (task, child):
        child.send_signal(signal.SIGSEGV)
        with pytest.raises(ParserCrashed, match="SIGSEGV"):
            await task
    assert _children() == []


async def test_cancelling_kills_the_child_at_once() -> None:
    async with _running() as (task, child):
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1
        assert not child.is_running()
    assert _children() == []


async def test_the_child_knows_nothing_and_can_do_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    async with _running() as (_, child):
        assert "DATABASE_URL" not in child.environ()
        assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_NOFILE) == (32, 32)
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_AS) == (1024 * MB, 1024 * MB)
