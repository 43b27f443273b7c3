"""Lines of conversations and what was said in them, and of what was counted and deleted."""

from collections.abc import Mapping
from typing import Any

from aiconvokit.accounts.queries import NO_ASSISTANT
from aiconvokit.operations.transfer import asked
from aiconvokit.operations.transfer.asked import Attached, Item, ResponseParameters, RunParameters
from aiconvokit.operations.transfer.known import LISTS, OBJECTS, Reading, WrongError
from aiconvokit.operations.transfer.records import Deletion, Usage
from aiconvokit.operations.transfer.said import Message, Run, Thread

THREAD = "thread"
"""What the ids of threads begin with that hold runs, and messages with files."""
SPOKEN_IN: Mapping[str, tuple[str, ...]] = {
    "run": (THREAD,),
    "resp": ("conv", "rthread"),
}
"""What is a run and what a response: by how its id begins, how those of its threads do."""
SHAPES: Mapping[str, Any] = {"run": RunParameters, "resp": ResponseParameters}


def thread(found: Reading, one: Thread, _line: int) -> None:
    """A conversation; what it reads, and whose chat it is, was read."""
    found.add("thread", one.id, one.number)
    found.there("collection", one.vector_store)
    found.in_order(one.number)
    if _kind(one.id) not in {THREAD, *SPOKEN_IN["resp"]}:
        raise WrongError(f"{one.id} is no id of a thread")
    if (chat := one.chat) is None:
        return
    found.once("chat", chat.number)
    found.known.ids["chat"][one.id] = chat.number
    found.there("assistant", chat.assistant)
    found.there("widget", chat.widget)
    if (chat.widget is None) != (chat.visitor is None):
        raise WrongError("it has a widget without a visitor, or a visitor without a widget")


def _kind(public_id: str) -> str:
    return public_id.partition("_")[0]


def message(found: Reading, one: Message, line: int) -> None:
    """A message; what it cites is looked up when its page is read."""
    found.add("message", one.id, one.number)
    found.there("thread", one.thread)
    found.in_order(found.known.ids["thread"][one.thread], one.number)
    found.thread_of[one.id] = one.thread
    for cited in one.citations or []:
        found.mention("document", [cited.document_id])
        if one.status != "redacted":
            name = found.documents().get(cited.document_id)
            if name is None:
                raise WrongError(f"it cites document {cited.document_id}, which is not there")
            found.quotes[name, cited.version, cited.page].append((line, cited))
    if one.receipt is not None:
        found.mention("document", (passage.document_id for passage in one.receipt.passages))
        if not {*(one.receipt_documents or ())} <= found.documents().keys():
            raise WrongError("its receipt is of documents that are not there")
    if one.attachments:
        _check_attachments(one)


def _check_attachments(one: Message) -> None:
    """Files in a thread; in a conversation of `/v1` the one item that the message is."""
    if _kind(one.thread) == THREAD:
        asked.check(one.attachments, list[Attached])
        return
    asked.check(one.attachments, list[Item])
    if len(one.attachments or ()) != 1:
        raise WrongError("it is more than one item")


def run(found: Reading, one: Run, _line: int) -> None:
    """A run or a response; its answer was read."""
    found.add("run", one.id, one.number)
    found.there("thread", one.thread)
    found.in_order(found.known.ids["thread"][one.thread], one.number)
    if one.message is not None:
        found.there("message", one.message)
        found.once("answer of a run", one.message)
        if found.thread_of[one.message] != one.thread:
            raise WrongError("its answer is in another thread")
    kind = _kind(one.id)
    if _kind(one.thread) not in SPOKEN_IN.get(kind, ()):
        raise WrongError(f"there is no {one.id} in {one.thread}")
    asked.check(one.parameters, SHAPES[kind])
    # The calls go with the answer; where it stays, redaction looks for some.
    rounds = one.parameters.get("rounds", ())
    if one.message is not None and not all(kept["calls"] for kept in rounds):
        raise WrongError("one of its rounds has no calls")


def usage(found: Reading, one: Usage, _line: int) -> None:
    """What was asked on a day; the assistant may be gone."""
    found.once("usage", one.day, one.assistant)
    if one.assistant != NO_ASSISTANT:
        found.mention("assistant", [one.assistant])


def deletion(found: Reading, one: Deletion, _line: int) -> None:
    """What was removed: all of it may be gone."""
    found.once("deletion", one.number)
    found.mention("deletion", [one.number])
    for name, table in LISTS.items():
        found.mention(table, getattr(one.removed, name))
    if table := OBJECTS.get(one.kind, ""):
        found.mention(table, [one.object_number])
