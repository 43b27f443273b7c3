"""Whose request goes to an embedder next, and how many are under way."""

import asyncio

import pytest

from aiconvokit.llm.errors import InputTooLong, ModelError
from ingestion import turns
from ingestion.turns import FEWEST, MOST, Turns

ANN, BOB = 1, 2


class Requests:
    """Requests that last until the test ends them."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def ask(self, owner_id: int, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._run(owner_id, name))

    async def _run(self, owner_id: int, name: str) -> None:
        async with self.turns.taken(owner_id, 1):
            self.begun.append(name)
            await self._ends[name].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await asyncio.wait([self.tasks[name] for name in names])
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_owners_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST", FEWEST)
    requests = Requests()
    requests.ask(ANN, "a1", "a2", "a3", "a4", "a5")
    await settled()
    requests.ask(BOB, "b1", "b2")
    await settled()
    assert requests.begun == ["a1", "a2"]
    await requests.end("a1")
    await requests.end("a2")
    assert set(requests.begun[2:]) == {"a3", "b1"}
    await requests.end("a3", "b1")
    assert set(requests.begun[4:]) == {"a4", "b2"}
    await requests.end("a4", "b2", "a5")
    assert len(requests.begun) == 7


async def test_who_gives_up_waiting_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST", FEWEST)
    requests = Requests()
    requests.ask(ANN, "a1", "a2", "a3", "a4")
    await settled()
    requests.tasks["a3"].cancel()
    await settled()
    await requests.end("a1")
    assert requests.begun == ["a1", "a2", "a4"]
    # One whose turn came in the moment in which it gave up passes the turn on.
    requests.ask(ANN, "a5", "a6")
    await settled()
    wake = requests.turns._wake

    def wake_and_cancel() -> None:
        wake()
        requests.tasks["a5"].cancel()

    monkeypatch.setattr(requests.turns, "_wake", wake_and_cancel)
    await requests.end("a2")
    monkeypatch.setattr(requests.turns, "_wake", wake)
    await requests.end("a4")
    assert requests.begun[3:] == ["a6"]
    await requests.end("a6")


async def request(found: Turns, *, fails: bool = False) -> None:
    async with found.taken(ANN, 1):
        if fails:
            raise TimeoutError


async def test_more_while_answers_come_as_fast_and_half_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("ingestion.turns.time.monotonic", lambda: now)
    found = Turns()

    async def answered_in(seconds: float) -> None:
        nonlocal now
        async with found.taken(ANN, 1):
            now += seconds

    for _ in range(500):
        await answered_in(1.0)
    assert found.limit == MOST
    with pytest.raises(TimeoutError):
        await request(found, fails=True)
    assert found.limit == MOST / 2
    now += 1
    for _ in range(500):
        await answered_in(1.0)
    assert found.limit == MOST
    for _ in range(20):
        await answered_in(3.0)  # queued up in the server
    assert found.limit < MOST
    for _ in range(10):
        now += 1
        with pytest.raises(TimeoutError):
            await request(found, fails=True)
    assert found.limit == FEWEST


async def test_requests_that_fail_together_halve_once() -> None:
    found = Turns()
    found.limit = float(MOST)
    barrier = asyncio.Barrier(4)

    async def fail() -> None:
        async with found.taken(ANN, 1):
            await barrier.wait()
            raise TimeoutError

    tasks = [asyncio.create_task(fail()) for _ in range(4)]
    await asyncio.wait(tasks)
    assert all(isinstance(task.exception(), TimeoutError) for task in tasks)
    assert found.limit == MOST / 2


@pytest.mark.parametrize(
    ("failure", "is_load"),
    [
        (InputTooLong("A text of 9,000 tokens."), False),
        (ModelError("Busy.", code="embedder_rate_limited"), True),
        (ModelError("Away.", code="embedder_unreachable"), True),
    ],
    ids=lambda one: getattr(one, "code", ""),
)
async def test_half_as_many_after_what_may_come_of_load_and_nothing_else(
    failure: ModelError,
    is_load: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    found = Turns()
    found.limit = float(MOST)
    with pytest.raises(ModelError):
        async with found.taken(ANN, 1):
            raise failure
    assert found.limit == (MOST / 2 if is_load else MOST)


async def test_only_full_requests_tell_how_fast_a_server_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer takes 0.1 s, and 0.1 s more for each 1,000 tokens."""
    now = 0.0
    monkeypatch.setattr("ingestion.turns.time.monotonic", lambda: now)
    found = Turns()

    async def answered(tokens: int, times_slower: float = 1.0) -> float:
        nonlocal now
        async with found.taken(ANN, tokens):
            now += times_slower * (0.1 + tokens / 10_000)
        return found.limit

    for _ in range(500):
        await answered(2_000)
    assert found.limit == MOST
    for tokens in (20, 100, 300, 1_500) * 5:  # the rests of documents
        await answered(2_000)
        assert await answered(tokens) == MOST
    for tokens in (1_990, 1_700, 1_650) * 10:  # full, as far as passages go into them
        assert await answered(tokens) == MOST
    await answered(20, times_slower=50)
    assert found.limit == MOST
    assert await answered(1_700, times_slower=3) < MOST


async def test_where_all_requests_are_small_the_largest_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("ingestion.turns.time.monotonic", lambda: now)
    found = Turns()
    for tokens in [2_000, *[200] * 500]:
        async with found.taken(ANN, tokens):
            now += 1.0
    assert found.limit == MOST
