"""Every address that can be read of a user, by the paths of the OpenAPI document.

A statement gives what stands in a path's gaps, a row for each address. Whoever adds a GET says here
what it is compared with, or why it is not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

GAP = re.compile(r"\{\w+\}")
_DOCUMENTS = """
SELECT l.assistant_id, d.id AS document_id, d.* FROM assistant_collection l
JOIN document d ON d.collection_id = l.collection_id
"""
_PAGES = """
SELECT l.assistant_id, p.document_id, p.number FROM assistant_collection l
JOIN document d ON d.collection_id = l.collection_id JOIN page p ON p.document_id = d.id
"""
_CHAT_MESSAGES = "SELECT c.id, m.public_id FROM chat c JOIN message m ON m.thread_id = c.thread_id"
_THREADS = "SELECT public_id FROM thread WHERE public_id LIKE 'thread_%'"
_RUNS = """
SELECT t.public_id, r.public_id FROM run r JOIN thread t ON t.id = r.thread_id
WHERE r.public_id LIKE 'run_%'
"""
_STEPS = """
SELECT t.public_id, r.public_id, 'step_' || replace(r.public_id, 'run_', '') || letter
FROM run r JOIN thread t ON t.id = r.thread_id, unnest(ARRAY['s', 'm']) AS letter
WHERE r.public_id LIKE 'run_%'
"""
_STORE_FILES = """
SELECT c.public_id, f.public_id FROM document d JOIN collection c ON c.id = d.collection_id
JOIN file f ON f.id = d.file_id
"""
_BATCHES = """
SELECT c.public_id, b.public_id FROM file_batch b JOIN collection c ON c.id = b.collection_id
"""
_RESPONSES = "SELECT public_id FROM run WHERE public_id LIKE 'resp_%'"
_CONVERSATIONS = "SELECT public_id FROM thread WHERE public_id LIKE 'conv_%'"

LIST = "SELECT"
"""One address, without gaps."""
READ: Mapping[str, str] = {
    "/api/v1/assistants/": LIST,
    "/api/v1/assistants/{assistant_id}/": "SELECT id FROM assistant",
    "/api/v1/assistants/{assistant_id}/retrieval/": "SELECT id FROM assistant",
    "/api/v1/assistants/{assistant_id}/documents/": "SELECT id FROM assistant",
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/": _DOCUMENTS,
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/content/": _DOCUMENTS,
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/pages/{number}/": _PAGES,
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/pages/{number}/picture/": _PAGES,
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/pages/{number}/marks/": _PAGES,
    "/api/v1/chat/": LIST,
    "/api/v1/chat/{chat_id}/": "SELECT id FROM chat",
    "/api/v1/chat/{chat_id}/export/": "SELECT id FROM chat",
    "/api/v1/chat/{chat_id}/messages/{message_id}/": _CHAT_MESSAGES,
    "/api/v1/chat/{chat_id}/messages/{message_id}/receipt/": _CHAT_MESSAGES,
    "/api/v1/deletions/{deletion_id}/": "SELECT id FROM deletion",
    "/api/v1/usage/": LIST,
    "/api/v1/widgets/": LIST,
    "/api/v1/widgets/{widget_id}/": "SELECT id FROM widget",
    "/api/v1/widgets/{widget_id}/chats/": "SELECT id FROM widget",
    "/v1/assistants": LIST,
    "/v1/assistants/{assistant_id}": "SELECT openai_id FROM assistant",
    "/v1/files": LIST,
    "/v1/files/{file_id}": "SELECT public_id FROM file",
    "/v1/files/{file_id}/content": "SELECT public_id FROM file",
    "/v1/models": LIST,
    "/v1/models/{model}": "SELECT openai_id FROM assistant",
    "/v1/threads/{thread_id}": _THREADS,
    "/v1/threads/{thread_id}/messages": _THREADS,
    "/v1/threads/{thread_id}/messages/{message_id}": (
        "SELECT t.public_id, m.public_id FROM message m JOIN thread t ON t.id = m.thread_id"
    ),
    "/v1/threads/{thread_id}/runs": _THREADS,
    "/v1/threads/{thread_id}/runs/{run_id}": _RUNS,
    "/v1/threads/{thread_id}/runs/{run_id}/steps": _RUNS,
    "/v1/threads/{thread_id}/runs/{run_id}/steps/{step_id}": _STEPS,
    "/v1/vector_stores": LIST,
    "/v1/vector_stores/{vector_store_id}": "SELECT public_id FROM collection",
    "/v1/vector_stores/{vector_store_id}/files": "SELECT public_id FROM collection",
    "/v1/vector_stores/{vector_store_id}/files/{file_id}": _STORE_FILES,
    "/v1/vector_stores/{vector_store_id}/files/{file_id}/content": _STORE_FILES,
    "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}": _BATCHES,
    "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files": _BATCHES,
}
"""By path: the statement whose rows fill its gaps."""
LATER: Mapping[str, str] = {
    "/v1/responses/{response_id}": _RESPONSES,
    "/v1/responses/{response_id}/input_items": _RESPONSES,
    "/v1/conversations/{conversation_id}": _CONVERSATIONS,
    "/v1/conversations/{conversation_id}/items": _CONVERSATIONS,
    "/v1/conversations/{conversation_id}/items/{item_id}": (
        "SELECT t.public_id, m.public_id FROM message m JOIN thread t ON t.id = m.thread_id"
        " WHERE t.public_id LIKE 'conv_%'"
    ),
}
STAYS: Mapping[str, str] = {
    "/api/v1/tokens/": "tokens stay behind",
    "/api/v1/tokens/{token_id}/": "tokens stay behind",
    "/api/v1/users/me/": "the account is the new server's own",
    "/api/v1/audit/": "administrators'",
    "/api/v1/invitations/": "administrators'",
    "/api/v1/invitations/{invitation_id}/": "administrators'",
    "/v1/originals": "links say until when they are good",
    "/health/live": "nobody's",
    "/health/ready": "nobody's",
}
"""What is not compared, and why."""
ASKED: Mapping[str, tuple[str, ...]] = {
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/pages/{number}/": (
        *("", "?version=1", "?version=2"),
    ),
    "/api/v1/assistants/{assistant_id}/documents/{document_id}/pages/{number}/marks/": (
        "?start=0&end=3",
    ),
    "/api/v1/chat/": ("", "?search=ledger"),
    "/api/v1/chat/{chat_id}/": ("", "?html=true"),
    "/api/v1/chat/{chat_id}/export/": ("?format=json", "?format=markdown"),
    "/api/v1/usage/": ("?from=2026-01-01&to=2026-12-31",),
    "/v1/threads/{thread_id}/runs/{run_id}/steps": (
        "?include[]=step_details.tool_calls[*].file_search.results[*].content",
    ),
}
"""What stands behind an address; nothing but where it is said here."""


def addresses(database: str, paths: Mapping[str, Any]) -> Iterator[str]:
    """All addresses of a server with one user, of the paths that it describes."""
    known = {**READ, **LATER}
    with psycopg.connect(database) as connection:
        for path in paths:
            if path in STAYS:
                continue
            gaps = len(GAP.findall(path))
            for row in connection.execute(known[path].encode()).fetchall():
                values = iter(row[:gaps])
                filled = GAP.sub(lambda _, rest=values: str(next(rest)), path)  # type: ignore[misc]  # a default
                yield from (filled + rest for rest in ASKED.get(path, ("",)))


def unknown(paths: Mapping[str, Any]) -> set[str]:
    """Paths that can be read, and of which it is not said here with what they are compared."""
    return {path for path, found in paths.items() if "get" in found} - {*READ, *LATER, *STAYS}
