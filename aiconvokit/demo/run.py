"""The demo: two documents, five questions, answers with their proof, over the documented wire."""

import asyncio
import secrets
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx

from aiconvokit.accounts import queries
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.demo.questions import QUESTIONS, DemoQuestion
from aiconvokit.services import Services

USERNAME = "demo"
ASSISTANT = {
    "name": "Investor relations",
    "company_name": "the company in the documents",
    "instructions": "Answer questions about the annual report and the supply agreement.",
}
DOCUMENTS = ("annual_report.pdf", "supply_agreement.pdf")
POLL_SECONDS = 0.3
INGEST_SECONDS = 900
WIDTH = 96


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a question ended: whether the answer cites what it should, and what was answered."""

    question: DemoQuestion
    answer: dict[str, Any]
    as_expected: bool


def say(text: str = "", *, end: str = "\n") -> None:
    """Show the person at the terminal something, at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


async def show(services: Services, base_url: str) -> bool:
    """Run the demo against a server that listens.

    Returns:
        whether all answers were as they should be.
    """
    password = secrets.token_hex(6)  # for a person to copy
    await _prepare_user(services, password)
    async with httpx.AsyncClient(
        base_url=f"{base_url}/api/v1", timeout=120, trust_env=False
    ) as client:
        login = {"username": USERNAME, "password": password}
        token = (await _json(client.post("/tokens/", json=login)))["token"]
        client.headers["Authorization"] = f"Token {token}"
        assistant = await _ingest(client)
        outcomes = await _ask_all(client, assistant["id"])
        chat = await _json(client.post("/chat/", json={"assistant_id": assistant["id"]}))
    good = sum(one.as_expected for one in outcomes)
    say(f"{good} of {len(outcomes)} as they should be.")
    page = f"{base_url}/#/assistants/{assistant['id']}/chat"  # to the documents just read
    say(f"\nSee it in a browser: {page}\n  log in as {USERNAME}, password {password}")
    _next_steps(base_url, token, assistant["id"], chat["id"])
    return good == len(outcomes)


async def _prepare_user(services: Services, password: str) -> None:
    """The demo's user gets a new password each time; nobody has to remember one."""
    password_hash = await Passwords().hash(password)
    async with services.owner_sessions.begin() as session:
        user = await queries.user_by_name(session, USERNAME)
        if user is None:
            await queries.insert_user(session, USERNAME, "", password_hash)
        else:
            await queries.set_password_hash(session, user.id, password_hash)


async def _json(request: Any) -> Any:
    response: httpx.Response = await request
    response.raise_for_status()
    return response.json()


async def _ingest(client: httpx.AsyncClient) -> dict[str, Any]:
    """Upload the documents (known ones are skipped) and wait until they can be searched."""
    folder = files("aiconvokit.demo").joinpath("documents")
    parts = [("files", (name, folder.joinpath(name).read_bytes())) for name in DOCUMENTS]
    known = await _json(client.get("/assistants/"))
    began = time.monotonic()
    if known:
        address = f"/assistants/{known[0]['id']}/"
        made = await _json(client.put(address, data=ASSISTANT, files=parts))
    else:
        made = await _json(client.post("/assistants/", data=ASSISTANT, files=parts))
    say(f"Reading {' and '.join(DOCUMENTS)} …")
    while True:
        assistant: dict[str, Any] = await _json(client.get(f"/assistants/{made['id']}/"))
        seconds = time.monotonic() - began
        waiting = [one for one in assistant["documents"] if one["status"] in _UNFINISHED]
        if not waiting:
            break
        if seconds > INGEST_SECONDS:
            raise TimeoutError(f"The documents were not read within {INGEST_SECONDS} s.")
        if sys.stdout.isatty():
            say(f"\r  {len(waiting)} to go, {seconds:.0f} s ", end="")
        await asyncio.sleep(POLL_SECONDS)
    say("\r", end="")
    for one in assistant["documents"]:
        problem = f": {one['error']['detail']}" if one["error"] else ""
        say(f"  {one['filename']:24} {one['pages'] or 0:3} pages  {one['status']}{problem}")
    say(f"  in {seconds:.0f} s\n" if made["documents"] and seconds > 1 else "  known already\n")
    return assistant


_UNFINISHED = {"queued", "processing"}


async def _ask_all(client: httpx.AsyncClient, assistant_id: int) -> Sequence[Outcome]:
    outcomes = []
    chat_id = 0
    for number, question in enumerate(QUESTIONS, start=1):
        if not question.follow_up:
            body = {"assistant_id": assistant_id}
            chat_id = (await _json(client.post("/chat/", json=body)))["id"]
        began = time.monotonic()
        asked = {"assistant_id": assistant_id, "input": question.text}
        answer = await _json(client.put(f"/chat/{chat_id}/", json=asked))
        milliseconds = 1000 * (time.monotonic() - began)
        outcome = Outcome(question, answer, _is_as_expected(question, answer))
        outcomes.append(outcome)
        _print_outcome(number, outcome, milliseconds)
    return outcomes


def _is_as_expected(question: DemoQuestion, answer: dict[str, Any]) -> bool:
    """Cites the right page with the right words, or cites nothing where nothing is to be found."""
    if question.page is None:
        return not answer["citations"]
    return any(
        one["filename"] == question.document
        and one["page"] == question.page
        and question.expect in " ".join(one["quote"].split())
        for one in answer["citations"]
    )


def _print_outcome(number: int, outcome: Outcome, milliseconds: float) -> None:
    follow_up = "  (follow-up)" if outcome.question.follow_up else ""
    mark = "✓" if outcome.as_expected else "✗ not as expected"
    say(f"Q{number}  {outcome.question.text}{follow_up}")
    say(_wrapped("A   ", outcome.answer["output"]))
    for one in outcome.answer["citations"]:
        quote = " ".join(one["quote"].split())
        say(_wrapped(f"    [{one['index']}] ", f"{one['filename']}, page {one['page']}: “{quote}”"))
    say(f"    {mark}  {milliseconds:.0f} ms\n")


def _wrapped(first: str, text: str) -> str:
    indent = " " * len(first)
    lines = [
        textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
        for line in text.splitlines()
    ]
    return first + "\n".join(lines)[len(first) :]


def _next_steps(base_url: str, token: str, assistant_id: int, chat_id: int) -> None:
    api = f"{base_url}/api/v1"
    header = f'-H "Authorization: Token {token}"'
    say(
        f"""
Ask something of your own (each line works as it stands):

  curl -s -X PUT {api}/chat/{chat_id}/ {header} \\
       -d assistant_id={assistant_id} --data-urlencode "input=Who audits the company?"

Add a document of your own:

  curl -s {api}/assistants/{assistant_id}/documents/ {header} -F files=@README.md

API reference: {base_url}/docs
Answers with a model of yours: set OPENAI_BASE_URL and AICONVOKIT_CHAT_MODEL, then: make serve
"""
    )
