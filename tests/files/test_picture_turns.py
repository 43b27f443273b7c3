"""Whose page is drawn next, and what is not drawn again: nobody takes all of the children."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from aiconvokit.config import Limits
from aiconvokit.errors import NotFound, Throttled, Unavailable
from aiconvokit.files import picture_refusals, picture_turns, pictures
from aiconvokit.files.picture_refusals import Refusals
from aiconvokit.files.picture_shelf import Shelf
from aiconvokit.files.picture_turns import Turns
from aiconvokit.files.pictures import Content, NotDrawable, Pictures
from aiconvokit.storage import FolderStorage
from ingestion.errors import DocumentRejected, DocumentTooComplex, ParserCrashed
from ingestion.parse.drawing import draw_in_child
from ingestion.tables import PageText

ANN, BOB = "user:1", "user:2"
PAGES = 12
BROKEN = b"%PDF-1.7 and nothing more"
A = b"a" * 32


def pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for _ in range(PAGES):
        canvas.drawString(72, 700, "The quick brown fox.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "files")


@pytest.fixture
def drawn(storage: FolderStorage, tmp_path: Path) -> Pictures:
    return Pictures(storage, Shelf(tmp_path / "pictures"), Limits())


@pytest.fixture
async def content(storage: FolderStorage) -> Content:
    return Content((await storage.put(io.BytesIO(pdf()), max_bytes=1_000_000)).sha256)


@pytest.fixture
async def broken(storage: FolderStorage) -> Content:
    return Content((await storage.put(io.BytesIO(BROKEN), max_bytes=1_000_000)).sha256)


class Easel:
    """Draws as the shipped function does, once the test lets it; counts what is in work."""

    def __init__(self, draw: Callable[..., Awaitable[bytes]]) -> None:
        self._draw = draw
        self.begun: list[int] = []
        self.may_go_on = asyncio.Event()

    async def __call__(self, data: bytes, page: int, *rest: Any) -> bytes:
        self.begun.append(page)
        await self.may_go_on.wait()
        return await self._draw(data, page, *rest)

    async def has_begun(self, *pages: int) -> None:
        while set(pages) - set(self.begun):  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.001)


@pytest.fixture
def easel(monkeypatch: pytest.MonkeyPatch) -> Easel:
    made = Easel(draw_in_child)
    monkeypatch.setattr(pictures, "draw_in_child", made)
    return made


def asking(
    drawn: Pictures, content: Content, whose: str, *wanted: int
) -> list[asyncio.Task[bytes]]:
    return [asyncio.create_task(drawn.picture(content, page, 200, whose=whose)) for page in wanted]


async def waiting(tasks: list[asyncio.Task[bytes]]) -> None:
    """Let them come as far as they can."""
    await asyncio.wait(tasks, timeout=0.3)


async def test_who_asks_for_much_keeps_nobody_else_waiting(
    drawn: Pictures, content: Content, easel: Easel
) -> None:
    many = asking(drawn, content, ANN, 1)
    await easel.has_begun(1)
    many += asking(drawn, content, ANN, *range(2, 11))
    await waiting(many)
    assert easel.begun == [1]
    one = asking(drawn, content, BOB, 11)
    await easel.has_begun(11)
    await waiting([*many, *one])
    assert easel.begun == [1, 11]
    easel.may_go_on.set()
    for task in (*many, *one):
        assert await task
    assert easel.begun[:2] == [1, 11]
    assert sorted(easel.begun) == [*range(1, 12)]


async def test_a_page_that_somebody_waits_for_is_drawn_for_another(
    drawn: Pictures, content: Content, easel: Easel
) -> None:
    many = asking(drawn, content, ANN, 1)
    await easel.has_begun(1)
    many += asking(drawn, content, ANN, 2, 3)
    await waiting(many)
    one = asking(drawn, content, BOB, 3)
    await easel.has_begun(3)
    easel.may_go_on.set()
    for task in (*many, *one):
        assert await task
    assert sorted(easel.begun) == [1, 2, 3]  # and each of them once


async def test_a_line_has_an_end(
    drawn: Pictures, content: Content, easel: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    easel.may_go_on.set()
    assert await drawn.picture(content, 12, 200, whose=ANN)
    easel.may_go_on.clear()
    monkeypatch.setattr(picture_turns, "MOST_WAITING", 3)
    line = asking(drawn, content, ANN, 1)
    await easel.has_begun(1)
    line += asking(drawn, content, ANN, 2, 3, 4)
    await waiting(line)
    with pytest.raises(Throttled) as caught:
        await drawn.picture(content, 5, 200, whose=ANN)
    assert (caught.value.status, caught.value.retry_after) == (429, picture_turns.RETRY_SECONDS)
    text = PageText(number=5, text="The quick brown fox.")
    with pytest.raises(Throttled):
        await drawn.marks(content, text, 0, 3, whose=ANN)
    assert await drawn.picture(content, 12, 200, whose=ANN)  # it is there already
    line[-1].cancel()
    await asyncio.wait(line[-1:])
    line += asking(drawn, content, ANN, 6)
    other = asking(drawn, content, BOB, 7)
    await easel.has_begun(7)
    easel.may_go_on.set()
    for task in (*line[:3], line[-1], *other):
        assert await task


async def test_who_waits_too_long_in_a_line_is_told_and_leaves_it(
    drawn: Pictures, content: Content, easel: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asking(drawn, content, ANN, 1)
    await easel.has_begun(1)
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(picture_turns, "MOST_WAITING", 1)
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await drawn.picture(content, 2, 200, whose=ANN)
        assert caught.value.code == "busy"
    easel.may_go_on.set()
    assert await first[0]


async def test_nothing_stays_of_a_line_that_is_empty() -> None:
    turns = Turns()
    for _ in range(3):
        async with turns.taken(ANN), turns.taken(BOB):
            assert len(turns) == 2
    assert len(turns) == 0


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What children were asked to do."""
    found: list[str] = []

    def counting(name: str) -> None:
        ask = getattr(pictures, name)

        async def counted(*arguments: Any) -> Any:
            found.append(name)
            return await ask(*arguments)

        monkeypatch.setattr(pictures, name, counted)

    counting("draw_in_child")
    counting("place_in_child")
    return found


async def test_a_refusal_is_kept_for_a_while(
    drawn: Pictures, broken: Content, draws: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for whose in (ANN, BOB, ANN):
        with pytest.raises(NotDrawable) as caught:
            await drawn.picture(broken, 1, 200, whose=whose)
        assert (caught.value.status, caught.value.code) == (422, "corrupt")
    assert draws == ["draw_in_child"]
    text = PageText(number=1, text="Another reader's text.")
    for _ in range(2):
        assert (await drawn.marks(broken, text, 0, 7, whose=ANN)).boxes == []
    assert draws == ["draw_in_child", "place_in_child"]
    monkeypatch.setattr(picture_refusals, "KEPT_SECONDS", 0.0)
    other = Pictures(drawn._storage, drawn._shelf, Limits())
    for _ in range(2):
        with pytest.raises(NotDrawable):
            await other.picture(broken, 1, 200, whose=ANN)
    assert draws[2:] == ["draw_in_child"] * 2


async def test_a_page_that_is_not_there_is_refused_alike(
    drawn: Pictures, content: Content, draws: list[str]
) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await drawn.picture(content, PAGES + 1, 200, whose=ANN)
    assert draws == ["draw_in_child"]
    assert await drawn.picture(content, PAGES, 200, whose=ANN)


async def test_a_page_that_takes_too_long_is_tried_once(
    storage: FolderStorage, tmp_path: Path, content: Content, draws: list[str]
) -> None:
    short = Pictures(storage, Shelf(tmp_path / "pictures"), Limits())
    short._limits = type(short._limits)(wall_seconds=0.001, wall_seconds_per_page=0.0)
    for _ in range(2):
        with pytest.raises(NotDrawable) as caught:
            await short.picture(content, 1, 200, whose=ANN)
        assert caught.value.code == "timeout"
    assert draws == ["draw_in_child"]


async def test_everybody_in_a_line_is_refused_with_the_first(
    drawn: Pictures, broken: Content, draws: list[str]
) -> None:
    tasks = asking(drawn, broken, ANN, 1, 1, 1) + asking(drawn, broken, BOB, 1)
    await asyncio.wait(tasks)
    assert [type(task.exception()) for task in tasks] == [NotDrawable] * 4
    assert draws == ["draw_in_child"]


async def test_refusals_are_told_as_they_were_and_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_refusals, "MOST_KEPT", 3)
    kept = Refusals()
    for error in (DocumentRejected("No.", code="encrypted"), DocumentTooComplex("Slow.")):
        kept.keep(A, "1", error)
        for _ in range(2):
            with pytest.raises(type(error)) as caught:
                kept.ensure_none(A, "1")
            assert type(caught.value) is type(error)
            assert (caught.value.detail, caught.value.code) == (error.detail, error.code)
            assert caught.value is not error  # each time a traceback of its own
    for number in range(2, 6):
        kept.keep(A, str(number), ParserCrashed("It died."))
    kept.ensure_none(A, "1")
    kept.ensure_none(A, "2")
    for number in range(3, 6):
        with pytest.raises(ParserCrashed):
            kept.ensure_none(A, str(number))
