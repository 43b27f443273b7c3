"""A small export's story, and how exports are altered."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiconvokit.services import Services
from ingestion.store import driver_connection

LEASE = b"# Lease\n\nThe rent of flat nine is EUR 900 a month.\n"
CANTEEN = b"# Canteen\n\nThe canteen opens at noon on weekdays.\n"
QUOTE = "The rent of flat nine is EUR 900 a month."
GONE = 77
"""The number of a document that was deleted, and is cited by a redacted answer."""

THREADS = """
INSERT INTO thread (public_id, owner_id, title)
    VALUES ('thread_1', %(owner)s, 'The rent'), ('thread_2', %(owner)s, NULL);
INSERT INTO chat (thread_id, assistant_id)
    SELECT t.id, a.id FROM thread t, assistant a WHERE t.owner_id = a.owner_id;
INSERT INTO message (public_id, thread_id, role, status, content) SELECT
    'msg_q' || substr(public_id, 8), id, 'user', 'complete', 'What is the rent?' FROM thread;
INSERT INTO message (public_id, thread_id, role, status, content, citations, claims)
    SELECT 'msg_a1', id, 'assistant', 'complete', %(quote)s || ' [1]', %(citations)s, '[]'
    FROM thread WHERE public_id = 'thread_1';
INSERT INTO message (public_id, thread_id, role, status, content, citations, claims)
    SELECT 'msg_a2', id, 'assistant', 'redacted', '[redacted]', %(gone)s, '[]'
    FROM thread WHERE public_id = 'thread_2';
INSERT INTO receipt (message_id, document_ids, content)
    SELECT id, ARRAY[CAST(%(document)s AS bigint)], %(receipt)s FROM message
    WHERE public_id = 'msg_a1';
INSERT INTO run (public_id, thread_id, assistant_id, message_id, parameters)
    SELECT 'run_1', thread_id, 'asst_x', id, %(run)s || jsonb_build_object(
        'first_row', id, 'rounds', jsonb_build_array(%(round)s || jsonb_build_object('said', id)))
    FROM message WHERE public_id = 'msg_a1';
INSERT INTO thread (public_id, owner_id) VALUES ('conv_1', %(owner)s);
INSERT INTO message (public_id, thread_id, role, status, content, attachments)
    SELECT 'fc_1', id, 'assistant', 'complete', '', jsonb_build_array(%(call)s)
    FROM thread WHERE public_id = 'conv_1';
INSERT INTO run (public_id, thread_id, assistant_id, parameters)
    SELECT 'resp_1', id, '', %(response)s FROM thread WHERE public_id = 'conv_1';
UPDATE assistant SET options = %(options)s;
INSERT INTO usage_day VALUES (%(owner)s, '2026-11-01', 0, 1, 2, 3),
           (%(owner)s, '2026-11-01', 55, 4, 5, 6);
INSERT INTO deletion (owner_id, kind, object_id, removed)
    VALUES (%(owner)s, 'document', 77, '{"documents": [77]}');
INSERT INTO widget (key, owner_id, assistant_id, title, color, greeting, suggestions, language,
    origins, shows_pictures, is_paused, messages_per_day, tokens_per_day,
    visitor_messages_per_day, visitor_tokens_per_day)
    SELECT 'acw_pk_' || repeat('k', 32), owner_id, id, 'Ask', '#123456', 'Hello', '{}', 'en',
           '{https://example.org}', true, false, 9, 9, 9, 9 FROM assistant;
UPDATE document SET attributes = '{"year": 2026}', chunking = '{}' WHERE id = %(document)s;
"""
TOOLS = [{"type": "file_search"}, {"type": "function", "function": {"name": "weigh"}}]
OPTIONS = {"tools": TOOLS, "temperature": 0.5, "response_format": {"type": "text"}}
CALL = {"id": "call_1", "name": "weigh", "arguments": "{}"}
ROUND = {"calls": [CALL], "outputs": ["9 kg"], "usage": {"prompt_tokens": 1}, "at": 1_790_000_000}
RUN = {
    "model": "m",
    "instructions": "",
    "tools": TOOLS,
    "temperature": None,
    "top_p": 1.0,
    "max_prompt_tokens": None,
    "max_completion_tokens": 9,
    "tool_choice": "auto",
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "response_format": "auto",
    "parallel_tool_calls": True,
    "searches": False,
    "score_threshold": 0.0,
}
"""What a run was asked for with; `first_row` and `rounds` come with its messages."""
SHOWN: dict[str, object] = {
    "model": "m",
    "instructions": None,
    "previous_response_id": None,
    "max_tool_calls": None,
    "max_output_tokens": 9,
    "temperature": 0.5,
    "top_p": None,
    "truncation": "disabled",
    "text": {"format": {"type": "text"}},
    "reasoning": None,
    "service_tier": None,
    "user": "u",
    "safety_identifier": None,
    "prompt_cache_key": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "background": False,
    "store": True,
}
RESPONSE = {
    "shown": SHOWN,
    "searches": False,
    "before": [],
    "asked": [],
    "input": [],
    "output": ["fc_1"],
}
STORED = {
    "options": OPTIONS,
    "run": RUN,
    "round": ROUND,
    "call": {"type": "function_call", "call_id": "call_1", "name": "weigh", "arguments": "{}"},
    "response": RESPONSE,
}
"""What is kept as JSON, by its name in the statements."""


def citation(document: int, quote: str, start: int) -> dict[str, Any]:
    """As it is kept with an answer."""
    place = {"index": 1, "document_id": document, "version": 1, "filename": "lease.md", "page": 1}
    return {**place, "quote": quote, "start": start, "end": start + len(quote)}


def receipt(document: int) -> dict[str, Any]:
    """How the answer came about."""
    found = {"rank": 1, "document_id": document, "version": 1, "filename": "lease.md", "page": 1}
    found |= {"start": 0, "end": 9, "heading": "", "sha256": "x", "score": 1.0, "dense": 1.0}
    asked = {"model": None, "chat_deadline_seconds": 60, "prompt_passages": 12}
    return {
        "message_id": "msg_a1",
        "redacted": False,
        "rewritten": None,
        "space": None,
        "passages": [found | {"lexical": 1.0, "sent": True}],
        "messages": [],
        "model": None,
        "parameters": {**asked, "passage_tokens": 3500, "history_tokens": 2000},
        "usage": None,
        "milliseconds": {},
    }


@dataclass(frozen=True)
class Place:
    """A server of which only the parts are open, with what its commands are told."""

    services: Services
    folder: Path

    async def execute(self, statement: str, values: dict[str, Any] | None = None) -> list[Any]:
        """Statements of the owner."""
        async with self.services.owner_sessions.begin() as session:
            connection = await driver_connection(session)
            answer = await connection.execute(statement.encode(), values)
            return await answer.fetchall() if answer.description else []


def sealed(folder: Path, name: str, content: bytes) -> None:
    """Another file of lines, with a manifest that fits it: whoever alters the one can the other."""
    (folder / f"{name}.jsonl").write_bytes(content)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    rows = len(content.splitlines())
    manifest["kinds"][name] = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(manifest))
