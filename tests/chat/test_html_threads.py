"""Where answers are drawn as HTML: on threads of its own, with no connection held meanwhile."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from aiconvokit.chat import html_wire
from aiconvokit.chat.html_wire import each_with_html
from aiconvokit.chat.schemas import MessageOut


def answer() -> MessageOut:
    return MessageOut(
        id="msg_1",
        role="assistant",
        status="complete",
        content="Yes.",
        created_at="2026-01-01T00:00:00.000000Z",
        model=None,
        finish_reason=None,
        error=None,
        usage=None,
        citations=[],
        claims=[],
        milliseconds=None,
        rating=None,
    )


async def test_as_many_are_drawn_at_once_as_there_are_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on, entered = threading.Event(), threading.Semaphore(0)
    now, most = 0, 0
    lock = threading.Lock()

    def render(*_: Sequence[Any]) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        entered.release()
        go_on.wait()
        with lock:
            now -= 1
        return "<p>Yes.</p>"

    monkeypatch.setattr(html_wire, "render", render)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each_with_html([answer()])) for _ in range(50)]
        for _ in range(html_wire.THREADS):
            await asyncio.to_thread(entered.acquire)  # everybody else's threads are free
        go_on.set()
    assert [task.result()[0].html for task in tasks] == ["<p>Yes.</p>"] * 50
    assert most == html_wire.THREADS
