"""What each operation takes besides the ids in its path; those without any id have a reason."""

from security.templates import Carried, Slot

NEW = {"name": "New", "company_name": "Acme", "instructions": "Be brief."}
ASKED = [{"role": "user", "content": "Where is the ledger?"}]
UPLOAD = {"files": ("new.md", b"# New\n\nNothing of anybody's.\n")}
FOUND = {"query": "ledger"}
META = {"metadata": {"a": "b"}}
ATTACHED = [{"file_id": Slot("file"), "tools": [{"type": "file_search"}]}]
SAID = {"role": "user", "content": "See there.", "attachments": ATTACHED}
SEARCHED = {"file_search": {"vector_store_ids": [Slot("store")]}}
NAMED = [{"type": "item_reference", "id": Slot("item")}]
FED = {"file_search": {"vector_stores": [{"file_ids": [Slot("file")]}]}}


def after(kind: str) -> Carried:
    """A list that goes on behind an object."""
    return Carried(query={"after": Slot(kind)})


def read_of(*bodies: object) -> list[Carried]:
    """Some JSON bodies."""
    return [Carried(json=body) for body in bodies]


NOTHING = [Carried()]

API_BODIES: dict[str, list[Carried]] = {
    "PUT /assistants/{assistant_id}/": [
        Carried(json=NEW),
        Carried(data=NEW, files=UPLOAD),
    ],
    "PUT /assistants/{assistant_id}/retrieval/": read_of({"language": "german"}),
    "POST /assistants/{assistant_id}/documents/": [Carried(files=UPLOAD)],
    "PUT /assistants/{assistant_id}/documents/{document_id}/": read_of({"attributes": {"a": 1}}),
    "POST /assistants/{assistant_id}/search/": read_of(FOUND),
    "GET /chat/": [Carried(query={"assistant_id": Slot("assistant")}, is_quiet=True)],
    "POST /chat/": read_of(
        {"assistant_id": Slot("assistant")},
        {"assistant_id": Slot("assistant"), "thread_id": Slot("thread")},
    ),
    "PUT /chat/{chat_id}/": read_of(
        {"assistant_id": Slot("assistant"), "input": "Who?"},
        {"assistant_id": Slot("assistant"), "input": "Who?", "stream": True},
    ),
    "PUT /chat/{chat_id}/title/": read_of({"title": "Taken"}),
    "GET /usage/": [Carried(query={"assistant_id": Slot("assistant")}, is_quiet=True)],
    "POST /widgets/": read_of({"assistant_id": Slot("assistant"), "origins": []}),
    "PUT /widgets/{widget_id}/": read_of(
        {"title": "Taken"}, {"assistant_id": Slot("assistant", "body")}
    ),
    "GET /assistants/{assistant_id}/documents/{document_id}/pages/{number}/marks/": [
        Carried(query={"start": "0", "end": "3"})
    ],
    "GET /chat/{chat_id}/export/": [Carried(query={"format": "json"})],
}
V1_BODIES: dict[str, list[Carried]] = {
    "POST /assistants": read_of(
        {"model": "m", "tools": [{"type": "file_search"}], "tool_resources": SEARCHED},
        {"model": "m", "tools": [{"type": "file_search"}], "tool_resources": FED},
    ),
    "GET /assistants": [after("asst")],
    "POST /assistants/{assistant_id}": read_of(
        {"name": "Taken"}, {"tool_resources": SEARCHED}, {"tool_resources": FED}
    ),
    "POST /chat/completions": read_of(
        {"model": Slot("asst"), "messages": ASKED},
        {"model": Slot("slug"), "messages": ASKED, "stream": True},
        {"model": Slot("asst"), "messages": ASKED, "metadata": {"thread_id": Slot("thread")}},
    ),
    "POST /responses": read_of(
        {"model": Slot("asst"), "input": "Who?"},
        {"model": Slot("slug"), "input": ASKED, "stream": True},
        {"model": Slot("asst"), "input": "Who?", "conversation": Slot("conversation")},
        {"model": Slot("asst"), "input": "Who?", "previous_response_id": Slot("response")},
        {"model": Slot("asst"), "input": NAMED, "store": False},
        {
            "model": "m",
            "input": "Who?",
            "tools": [{"type": "file_search", "vector_store_ids": [Slot("store")]}],
            "background": True,
        },
    ),
    "GET /responses/{response_id}": [Carried(), Carried(query={"stream": "true"})],
    "POST /responses/{response_id}/cancel": NOTHING,
    "GET /responses/{response_id}/input_items": [Carried(), after("input_item")],
    "POST /conversations": read_of({"items": NAMED}),
    "POST /conversations/{conversation_id}": read_of(META),
    "POST /conversations/{conversation_id}/items": read_of({"items": ASKED}, {"items": NAMED}),
    "GET /conversations/{conversation_id}/items": [Carried(), after("item")],
    "GET /files": [after("file")],
    "GET /models/{model}": [Carried()],
    "POST /threads": read_of(
        {"messages": [SAID]}, {"tool_resources": SEARCHED}, {"tool_resources": FED}
    ),
    "POST /threads/runs": read_of(
        {"assistant_id": Slot("asst"), "thread": {"messages": ASKED}},
        {"assistant_id": Slot("asst"), "thread": {"messages": [SAID]}, "stream": True},
        {"assistant_id": Slot("asst"), "thread": {"messages": ASKED}, "tool_resources": SEARCHED},
    ),
    "POST /threads/{thread_id}": read_of(META, {"tool_resources": SEARCHED}),
    "POST /threads/{thread_id}/messages": read_of({"role": "user", "content": "Who?"}, SAID),
    "GET /threads/{thread_id}/messages": [
        Carried(),
        after("thread_message"),
        Carried(query={"run_id": Slot("run")}, is_quiet=True),
    ],
    "POST /threads/{thread_id}/messages/{message_id}": read_of(META),
    "POST /threads/{thread_id}/runs": read_of(
        {"assistant_id": Slot("asst"), "additional_messages": ASKED},
        {"assistant_id": Slot("asst"), "additional_messages": [SAID], "stream": True},
    ),
    "GET /threads/{thread_id}/runs": [Carried(), after("run")],
    "POST /threads/{thread_id}/runs/{run_id}": read_of(META),
    "POST /threads/{thread_id}/runs/{run_id}/cancel": NOTHING,
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": read_of({"tool_outputs": []}),
    "GET /threads/{thread_id}/runs/{run_id}/steps": [Carried(), after("step")],
    "POST /vector_stores": read_of({"file_ids": [Slot("file")]}),
    "GET /vector_stores": [after("store")],
    "POST /vector_stores/{vector_store_id}": read_of({"name": "Taken"}),
    "POST /vector_stores/{vector_store_id}/search": read_of(FOUND),
    "POST /vector_stores/{vector_store_id}/files": read_of({"file_id": Slot("file")}),
    "GET /vector_stores/{vector_store_id}/files": [Carried(), after("file")],
    "POST /vector_stores/{vector_store_id}/files/{file_id}": read_of({"attributes": {"a": "b"}}),
    "POST /vector_stores/{vector_store_id}/file_batches": read_of(
        {"file_ids": [Slot("file")]},
        {"files": [{"file_id": Slot("file"), "attributes": {"a": "b"}}]},
    ),
    "POST /vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": NOTHING,
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files": [
        Carried(),
        after("file"),
    ],
}
BODIES = {
    **{key.replace(" ", " /api/v1", 1): rows for key, rows in API_BODIES.items()},
    **{key.replace(" ", " /v1", 1): rows for key, rows in V1_BODIES.items()},
}
"""By method and path: GET and DELETE without anything but ids in the path need no row."""

WITHOUT_IDS = {
    "GET /api/v1/assistants/": "a list of one's own",
    "POST /api/v1/assistants/": "names nothing that is there",
    "GET /api/v1/tokens/": "a list of one's own",
    "POST /api/v1/tokens/": "a login",
    "POST /api/v1/users/": "registration",
    "GET /api/v1/users/me/": "who one is",
    "PUT /api/v1/users/me/password/": "one's own",
    "POST /api/v1/users/me/tokens/": "one's own",
    "GET /api/v1/widgets/": "a list of one's own",
    "POST /v1/embeddings": "texts of the request",
    "POST /v1/files": "bytes of the request",
    "GET /v1/models": "a list of one's own",
    "GET /api/v1/audit/": "administrators'",
    "GET /api/v1/invitations/": "administrators'",
    "POST /api/v1/invitations/": "administrators'",
    "GET /v1/originals": "the link is the credential: see test_a_link_that_one_signs_oneself",
    "GET /health/live": "nobody's",
    "GET /health/ready": "nobody's",
}
"""Operations that take nobody's ids, each with the reason; their lists are read all the same."""
FOR_ADMINISTRATORS = frozenset(["/api/v1/invitations/{invitation_id}/"])
"""Others are told that they are none (403), whatever the id."""
