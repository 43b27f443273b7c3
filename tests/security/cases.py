"""The matrix: every operation of the OpenAPI document, each of its ids being somebody else's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import httpx
from typing_extensions import override

from security.belongings import Ids
from security.carried import BODIES, WITHOUT_IDS
from security.templates import Carried, Slot, filled, slots_in
from support.server import API, Client

KINDS = {
    API: {
        "assistant_id": "assistant",
        "document_id": "document",
        "chat_id": "chat",
        "message_id": "message",
        "deletion_id": "deletion",
        "token_id": "token",
        "widget_id": "widget",
        "invitation_id": "invitation",
    },
    "/v1": {
        "assistant_id": "asst",
        "thread_id": "thread",
        "message_id": "thread_message",
        "run_id": "run",
        "response_id": "response",
        "conversation_id": "conversation",
        "item_id": "item",
        "step_id": "step",
        "file_id": "file",
        "vector_store_id": "store",
        "batch_id": "batch",
        "model": "asst",
    },
}
"""What the parameters of paths stand for."""
PAGE = {"number": "1"}
"""Parameters that are no ids."""
TELLING = frozenset(["date", "x-request-id"])
"""Headers that differ with every answer."""
GAP = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Case:
    """A request; `foreign` are those of its ids that are not one's own."""

    method: str
    path: str
    carried: Carried
    foreign: frozenset[Slot]

    @override
    def __str__(self) -> str:
        places = ", ".join(sorted(f"{one.kind}{one.at and ' in '}{one.at}" for one in self.foreign))
        return f"{self.method} {self.path} {self.carried.json or self.carried.query} ({places})"

    def send(self, user: Client, own: Ids, others: Ids) -> httpx.Response:
        """Ask, with one's own ids but for the foreign ones, which are others'."""

        def choose(slot: Slot) -> Any:
            return (others if slot in self.foreign else own)[slot.kind]

        found = dict(path_slots(self.path))
        path = GAP.sub(lambda gap: PAGE.get(gap[1]) or str(choose(found[gap[1]])), self.path)
        carried = self.carried
        return user.request(
            self.method,
            path,
            params=filled(carried.query, choose) or None,
            json=filled(carried.json, choose),
            data=carried.data,
            files=carried.files,
        )


def path_slots(path: str) -> Iterator[tuple[str, Slot]]:
    """The ids in a path by the name of their parameter."""
    kinds = next((kinds for prefix, kinds in KINDS.items() if path.startswith(f"{prefix}/")), {})
    for name in GAP.findall(path):
        if name not in PAGE:
            assert name in kinds, f"What is {name} in {path}? See KINDS."
            yield name, Slot(kinds[name], "path")


def operations(document: Mapping[str, Any]) -> list[str]:
    """Method and path of everything that the document describes."""
    return [
        f"{method.upper()} {path}"
        for path, found in document["paths"].items()
        for method in found
        if path.startswith((f"{API}/", "/v1/", "/health/"))
    ]


def cases(operation: str) -> Iterator[Case]:
    """All cases of an operation: each of its ids, and each few of them, somebody else's."""
    method, path = operation.split()
    in_path = [slot for _, slot in path_slots(path)]
    for carried in BODIES.get(operation, [Carried()]):
        slots = dict.fromkeys(chain(in_path, slots_in(carried.json), slots_in(carried.query)))
        for size in range(1, len(slots) + 1):
            for foreign in combinations(slots, size):
                yield Case(method, path, carried, frozenset(foreign))


def without_row(found: list[str]) -> set[str]:
    """Operations that the matrix knows nothing of: they have a body or no id, and no row."""
    known = BODIES.keys() | WITHOUT_IDS.keys()
    return {
        one
        for one in found
        if one not in known and (one.startswith(("POST", "PUT")) or "{" not in one)
    }


def told(answer: httpx.Response, others: Ids) -> tuple[int, dict[str, str], bytes]:
    """An answer without what it repeats of the request: ids that are texts."""
    body = answer.content
    texts = {kind: one for kind, one in others.items() if isinstance(one, str)}
    for kind, one in sorted(texts.items(), key=lambda item: -len(item[1])):
        body = body.replace(one.encode(), f"<{kind}>".encode())
    headers = {name: value for name, value in answer.headers.items() if name not in TELLING}
    headers.pop("content-length", None)  # the bytes are compared
    return answer.status_code, headers, body
