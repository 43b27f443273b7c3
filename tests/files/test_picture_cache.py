"""What is kept of drawn pages, how many are drawn at once, and what is left of deleted ones."""

import asyncio
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_ident
from typing import Any

import psutil
import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from aiconvokit.config import Limits
from aiconvokit.errors import NotFound, Unavailable
from aiconvokit.files import pictures
from aiconvokit.files.picture_shelf import Shelf
from aiconvokit.files.pictures import Content, NoPicture, NotDrawable, Pictures
from aiconvokit.storage import FolderStorage
from ingestion.parse.boxes import Box, boxes_of
from ingestion.parse.drawing import MAX_CHARACTERS
from ingestion.tables import PageText

A, B = b"a" * 32, b"b" * 32
SLOW = "0 0 600 700 re f " * 10_000  # half a second of painting in 400 pixels' width
TEXT = "The quick brown fox."
ANN = "user:1"


def pdf(pages: int = 6, draw: Callable[[Canvas], None] | None = None) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1)
    for _ in range(pages):
        canvas.drawString(72, 700, TEXT)
        if draw:
            draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def paint(canvas: Canvas) -> None:
    canvas.addLiteral(SLOW)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def drawing() -> list[psutil.Process]:
    """Drawing children of this process that live, or that nobody waited for."""
    found = []
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE or any(
                "picture_child" in word for word in child.cmdline()
            ):
                found.append(child)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "files")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "pictures")


@pytest.fixture
def drawn(storage: FolderStorage, shelf: Shelf) -> Pictures:
    return Pictures(storage, shelf, Limits())


async def stored(storage: FolderStorage, data: bytes) -> Content:
    return Content((await storage.put(io.BytesIO(data), max_bytes=len(data))).sha256)


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, max_bytes=100_000)
    for number in range(9):
        shelf.put(A, f"{number}", bytes(10_000))
        used = 1_000_000 + number
        os.utime(tmp_path / A.hex()[:2] / A.hex() / f"{number}", (used, used))
    assert shelf.get(A, "0") == bytes(10_000)  # used now
    shelf.put(B, "new", bytes(10_000))
    assert files(tmp_path) == ["0", "3", "4", "5", "6", "7", "8", "new"]
    assert shelf.get(A, "1") is None


def test_the_bound_holds_whatever_is_put_and_from_the_start(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, max_bytes=50_000)
    for _ in range(3):
        for number in range(40):
            shelf.put(os.urandom(32), f"{number}", os.urandom(number * 100))
            kept = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
            assert kept <= 50_000
        shelf = Shelf(tmp_path, max_bytes=50_000)  # the next process finds what is there
    shelf.put(A, "larger than all", bytes(60_000))
    assert files(tmp_path) == []
    assert [path for path in tmp_path.glob("*/*") if not any(path.iterdir())] == []


def test_a_content_is_forgotten_with_all_that_was_made_of_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for name in ("1", "2"):
        shelf.put(A, name, b"x")
        shelf.put(B, name, b"y")
    shelf.forget(A)
    shelf.forget(A)
    assert (shelf.get(A, "1"), shelf.get(B, "1")) == (None, b"y")


def test_a_folder_that_takes_nothing_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pictures").write_bytes(b"a file, no folder")
    shelf = Shelf(tmp_path / "pictures")
    shelf.put(A, "1", b"x")
    assert "could not be kept" in caplog.text
    assert shelf.get(A, "1") is None


def test_nothing_stays_of_what_could_not_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / A.hex()[:2] / A.hex() / "1").mkdir(parents=True)  # no file takes its name
    Shelf(tmp_path).put(A, "1", b"x")
    assert "could not be kept" in caplog.text
    assert files(tmp_path) == []


def test_two_that_sweep_and_forget_do_not_disturb_each_other(tmp_path: Path) -> None:
    contents = [bytes([number]) * 32 for number in range(20)]

    def use(shelf: Shelf) -> None:
        for turn in range(100):
            shelf.put(contents[turn % 20], f"{turn}", bytes(4_000))
            shelf.forget(contents[(turn * 7) % 20])

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(use, Shelf(tmp_path, max_bytes=20_000)) for _ in range(4)]:
            done.result()
    assert [name for name in files(tmp_path) if name.startswith(".part-")] == []


async def test_a_page_is_drawn_once(
    drawn: Pictures, storage: FolderStorage, shelf: Shelf, tmp_path: Path
) -> None:
    content = await stored(storage, pdf())
    async with asyncio.TaskGroup() as group:
        same = [group.create_task(drawn.picture(content, 1, 400, whose=ANN)) for _ in range(5)]
        while not all(one.done() for one in same):
            assert len(drawing()) <= 1
            await asyncio.sleep(0.005)
    assert len({one.result() for one in same}) == 1
    (name,) = files(tmp_path / "pictures")
    shelf.put(content.sha256, name, b"kept")
    assert await drawn.picture(content, 1, 400, whose=ANN) == b"kept"
    assert await drawn.picture(content, 1, 600, whose=ANN) != b"kept"
    assert await drawn.picture(content, 2, 400, whose=ANN) != b"kept"


async def test_marks_are_kept_for_the_text_they_are_of(
    drawn: Pictures, storage: FolderStorage, tmp_path: Path
) -> None:
    content = await stored(storage, pdf())
    page = PageText(number=1, text=TEXT)
    (word,) = (await drawn.marks(content, page, 4, 9, whose=ANN)).boxes
    (line,) = (await drawn.marks(content, page, 0, len(TEXT), whose=ANN)).boxes
    assert line.x < word.x < word.x + word.width < line.x + line.width
    assert len(files(tmp_path / "pictures")) == 1
    other = PageText(number=1, text=f"# {TEXT}")
    (moved,) = (await drawn.marks(content, other, 6, 11, whose=ANN)).boxes
    assert moved == word
    assert len(files(tmp_path / "pictures")) == 2


async def test_as_much_is_marked_as_anybody_quotes(
    drawn: Pictures, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await stored(storage, pdf())
    page = PageText(number=1, text=TEXT)
    monkeypatch.setattr(pictures, "MAX_MARKED", 9)
    threads: list[int] = []

    def noted(*arguments: Any) -> list[Box]:
        threads.append(get_ident())
        return boxes_of(*arguments)

    monkeypatch.setattr(pictures, "boxes_of", noted)
    whole = await drawn.marks(content, page, 0, 2**31 - 1, whose=ANN)
    assert whole == await drawn.marks(content, page, 0, 9, whose=ANN)
    assert get_ident() not in threads
    assert (await drawn.marks(content, page, 2**31 - 2, 2**31 - 1, whose=ANN)).boxes == []


async def test_no_child_looks_for_a_text_that_is_too_long(
    drawn: Pictures, storage: FolderStorage, tmp_path: Path
) -> None:
    content = await stored(storage, pdf())
    long = PageText(number=1, text="x" * (MAX_CHARACTERS + 1))
    found = await drawn.marks(content, long, 0, 9, whose=ANN)
    assert (found.width, found.height, found.boxes) == (None, None, [])
    assert files(tmp_path / "pictures") == []


async def test_two_children_at_once_and_no_more(
    drawn: Pictures, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 120.0)  # slow machines draw slowly
    content = await stored(storage, pdf(draw=paint))
    most = 0
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(drawn.picture(content, page, 400, whose=f"user:{page}"))
            for page in range(1, 6)
        ]
        while not all(task.done() for task in tasks):
            most = max(most, len(drawing()))
            await asyncio.sleep(0.01)
    assert most == pictures.CHILDREN
    assert drawing() == []


async def test_who_waits_too_long_is_told(
    drawn: Pictures, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await stored(storage, pdf(draw=paint))
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.05)
    busy = [
        asyncio.create_task(drawn.picture(content, page, 2_400, whose=f"user:{page}"))
        for page in (1, 2)
    ]
    try:
        while len(drawing()) < pictures.CHILDREN:  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.01)
        for page in (1, 3):  # the same page, and another one
            with pytest.raises(Unavailable) as caught:
                await drawn.picture(content, page, 2_400, whose="user:3")
            assert (caught.value.code, caught.value.retry_after) == ("busy", 5.0)
    finally:
        for task in busy:
            task.cancel()
        await asyncio.wait(busy)
    assert drawing() == []
    assert await drawn.picture(content, 4, 200, whose=ANN)


async def test_nothing_stays_of_what_was_deleted_while_it_was_drawn(
    drawn: Pictures, storage: FolderStorage, tmp_path: Path
) -> None:
    content = await stored(storage, pdf(draw=paint))
    task = asyncio.create_task(drawn.picture(content, 1, 400, whose=ANN))
    while not drawing():  # noqa: ASYNC110 - no event there
        await asyncio.sleep(0.01)
    await storage.delete(content.sha256)
    assert await task
    assert files(tmp_path / "pictures") == []
    with pytest.raises(NoPicture):
        await drawn.picture(content, 1, 400, whose=ANN)


async def test_nobody_gets_what_the_password_of_another_opened(
    drawn: Pictures, storage: FolderStorage, tmp_path: Path
) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(1))))
    writer.encrypt("secret", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    shut = await stored(storage, out.getvalue())
    page = PageText(number=1, text=TEXT)
    for wrong in (shut, Content(shut.sha256, "Secret")):
        with pytest.raises(NotDrawable) as caught:
            await drawn.picture(wrong, 1, 400, whose=ANN)
        assert caught.value.code == "encrypted"
    opened = Content(shut.sha256, "secret")
    assert await drawn.picture(opened, 1, 400, whose=ANN)  # earlier refusals are no hindrance
    assert (await drawn.marks(opened, page, 4, 9, whose=ANN)).boxes
    for wrong in (shut, Content(shut.sha256, "Secret")):
        with pytest.raises(NotDrawable):
            await drawn.picture(wrong, 1, 400, whose=ANN)
        assert (await drawn.marks(wrong, page, 4, 9, whose=ANN)).boxes == []
    assert "secret" not in repr(opened)
    assert not any("secret" in name for name in files(tmp_path / "pictures"))


async def test_refusals(drawn: Pictures, storage: FolderStorage, tmp_path: Path) -> None:
    broken = await stored(storage, b"%PDF-1.7 and nothing more")
    with pytest.raises(NotDrawable) as caught:
        await drawn.picture(broken, 1, 400, whose=ANN)
    assert (caught.value.status, caught.value.code) == (422, "corrupt")
    text = PageText(number=1, text="Another reader's text.")
    found = await drawn.marks(broken, text, 0, 7, whose=ANN)
    assert (found.width, found.height, found.boxes) == (None, None, [])
    with pytest.raises(NotFound) as unknown:
        await drawn.picture(await stored(storage, pdf(1)), 2, 400, whose=ANN)
    assert unknown.value.code == "not_found"
    assert files(tmp_path / "pictures") == []
