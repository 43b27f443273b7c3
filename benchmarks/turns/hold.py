"""The load process that holds answers open: as many streams as it is told, until it is told.

It says "ready" when its chats are made, then how many streams have brought their first piece, and
hangs up at the end of its input.
"""

import asyncio
import itertools
import sys

import msgspec
import uvloop

from benchmarks.turns.load import FIRST_PIECE
from benchmarks.turns.wire import Connection
from benchmarks.turns.work import Job

MAKING = 8
"""Chats made at once."""
OPENING = 16
"""Streams begun at once: a thousand at one instant would measure the queue, not the streams."""
FIRST_PIECE_SECONDS = 60


class Held(msgspec.Struct, frozen=True):
    """How many of the streams are open."""

    open: int
    errors: list[str]


async def hold(job: Job) -> None:
    """Open all streams and keep them."""
    connections = [Connection(job.base_url, job.token) for _ in range(job.at_once)]
    making, assistant = asyncio.Semaphore(MAKING), job.assistant_ids[0]

    async def chat(connection: Connection) -> int:
        async with making:
            answer = await connection.ask("POST", "/chat/", {"assistant_id": assistant})
            connection.close()  # the server hangs up on who is silent until all chats are made
        return int(msgspec.json.decode(answer.body)["id"])

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(chat(one)) for one in connections]
    chats = [task.result() for task in tasks]
    await _say("ready")

    opening, errors = asyncio.Semaphore(OPENING), list[str]()

    async def stream(connection: Connection, chat_id: int, question: str) -> None:
        body = {"assistant_id": assistant, "input": question, "stream": True}
        async with opening:
            try:
                async with asyncio.timeout(FIRST_PIECE_SECONDS):
                    reader = await connection.begin("PUT", f"/chat/{chat_id}/", body)
                    await reader.readuntil(FIRST_PIECE)
            except (OSError, EOFError, TimeoutError) as error:
                errors.append(repr(error)[:300])

    async with asyncio.TaskGroup() as group:
        for one, number, question in zip(
            connections, chats, itertools.cycle(job.questions), strict=False
        ):
            group.create_task(stream(one, number, question))
    held = Held(job.at_once - len(errors), errors[:3])
    await _say(msgspec.json.encode(held).decode())
    for one in connections:
        one.close()


async def _say(line: str) -> None:
    """Say something, and wait to be told to go on."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


def main() -> None:
    """Do one job."""
    uvloop.run(hold(msgspec.json.decode(sys.stdin.readline(), type=Job)))


if __name__ == "__main__":
    main()
