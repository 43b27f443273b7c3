"""The load process: a job on standard input, an outcome on standard output.

A process of its own, so that its CPU is not the server's. It warms up, makes the chats it will
need, says "ready", waits for a line, measures, and tells.
"""

import asyncio
import itertools
import math
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvloop

from benchmarks.turns.wire import Answer, Connection
from benchmarks.turns.work import Job, Outcome

WARM_SECONDS = 1.0
SPARE = 1.5
"""Chats made for each that the warm-up lets one expect."""
ANSWER_SECONDS = 120
ERRORS_KEPT = 3
FIRST_PIECE = b"event: delta"
FAILED = b"event: error"
FIRST_TOKEN = b'"content"'


@dataclass(slots=True)
class Seen:
    """What a stretch of load brought."""

    seconds: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    streamed: int = 0
    cited: int = 0

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        if answer.status >= 400 or FAILED in answer.body:
            self.errors.append(f"{answer.status} {answer.body[:200]!r}")
            return
        self.seconds.append(answer.seconds)
        self.streamed += answer.is_stream
        self.cited += b'"quote"' in answer.body
        if answer.first is not None:
            self.firsts.append(answer.first)


class Client:
    """One client of a job: a connection, and chats that no other client uses."""

    def __init__(self, job: Job, number: int) -> None:
        self._job = job
        self._connection = Connection(job.base_url, job.token)
        self._assistants = itertools.islice(itertools.cycle(job.assistant_ids), number, None)
        self._chats = deque(zip(job.chat_ids[number : number + 1], job.assistant_ids, strict=False))
        self._asked = 0
        self._questions = itertools.islice(itertools.cycle(job.questions), number * 7, None)

    async def prepare(self, turns: int) -> None:
        """Make the chats for so many turns, on a fresh connection.

        Servers hang up on those who are silent for long, as a client that waits for others is.
        """
        self.close()
        if self._job.chat_ids or not self._job.kind.startswith("turn"):
            return
        self._chats.clear()
        self._asked = 0
        for _ in range(math.ceil(turns / self._job.chat_turns)):
            assistant_id = next(self._assistants)
            body = {"assistant_id": assistant_id}
            answer = await self._connection.ask("POST", "/chat/", body)
            self._chats.append((msgspec.json.decode(answer.body)["id"], assistant_id))

    async def ask(self) -> Answer:
        """One request of the job's kind."""
        job, question = self._job, next(self._questions)
        match job.kind:
            case "turn" | "turn stream":
                return await self._turn(question)
            case "search":
                path = f"/assistants/{job.assistant_ids[0]}/search/"
                return await self._connection.ask("POST", path, {"query": question})
            case "model" | "model stream":
                body = model_request(job, question)
                path = "/chat/completions"
                return await self._connection.ask("POST", path, body, first=FIRST_TOKEN)

    async def _turn(self, question: str) -> Answer:
        chat_id, assistant_id = self._chats[0]
        body: dict[str, Any] = {"assistant_id": assistant_id, "input": question}
        if self._job.kind == "turn stream":
            body["stream"] = True
        self._asked += 1
        if self._asked % self._job.chat_turns == 0:
            self._chats.rotate(-1)
        return await self._connection.ask("PUT", f"/chat/{chat_id}/", body, first=FIRST_PIECE)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def model_request(job: Job, question: str) -> dict[str, Any]:
    """A chat completion whose prompt is as long as those of the turns."""
    passage = '<passage number="1" document="report-00000.txt" page="1">\n'
    sentence = "The board of the company met in May and agreed on the accounts of the year. "
    missing = job.prompt_characters - len(passage) - len(question)
    content = passage + sentence * max(1, missing // len(sentence)) + question
    return {
        "model": job.model,
        "messages": [{"role": "user", "content": content}],
        "stream": job.kind == "model stream",
    }


async def _load(clients: list[Client], seconds: float) -> Seen:
    """All clients ask, each one question after the other, until the time is over."""
    seen, end = Seen(), time.perf_counter() + seconds

    async def go_on(client: Client) -> None:
        while time.perf_counter() < end:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    seen.add(await client.ask())
            except (OSError, EOFError, TimeoutError) as error:
                seen.errors.append(repr(error))
                client.close()

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(go_on(client))
    return seen


async def _prepare(clients: list[Client], turns: int) -> None:
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.prepare(turns))


async def run(job: Job) -> Outcome:
    """Warm up, wait for the word, measure."""
    clients = [Client(job, number) for number in range(job.at_once)]
    await _prepare(clients, 1)
    began = time.perf_counter()
    warm = await _load(clients, WARM_SECONDS)
    rate = len(warm.seconds) / (time.perf_counter() - began) / job.at_once
    await _prepare(clients, math.ceil(rate * job.seconds * SPARE))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for client in clients:
        client.close()
    began = time.perf_counter()
    seen = await _load(clients, job.seconds)
    wall = time.perf_counter() - began
    for client in clients:
        client.close()
    return Outcome(
        seconds=seen.seconds,
        firsts=seen.firsts,
        wall=wall,
        errors=[*warm.errors, *seen.errors][:ERRORS_KEPT],
        streamed=seen.streamed > 0,
        cited=seen.cited,
    )


def main() -> None:
    """Do one job."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    outcome = uvloop.run(run(job))
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")


if __name__ == "__main__":
    main()
