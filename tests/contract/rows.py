"""Every promise of the documented REST API, by a stable id; each has a test that names it."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", bound=Callable[..., object])

SUCCESSES = {
    "users.create": "POST /users/ is 201 with id, username and email, to the byte",
    "tokens.create": "POST /tokens/ is 200 with a token",
    "assistants.list": "GET /assistants/ is a bare array of assistant objects",
    "assistants.create": "POST /assistants/ is 201 with the assistant object; files repeatable",
    "assistants.get": "GET /assistants/{id}/ is 200 with the assistant object",
    "assistants.update": "PUT /assistants/{id}/ is 200 with the assistant object",
    "chat.create": "POST /chat/ is 201 with id, absolute_url and thread_id",
    "chat.ask": "PUT /chat/{id}/ is 200 with the chat, input, output and the additions",
}
ERRORS = {
    "error.missing": "missing fields, all at once",
    "error.blank": "blank; whitespace only counts",
    "error.null": "null",
    "error.not_a_string": "not a string",
    "error.email": "a bad email, or an email that is no string; an empty one is accepted",
    "error.too_long": "one character over the limit of each field",
    "error.password": "a password too short, too common, too long",
    "error.registration_closed": "registration closed",
    "error.duplicate": "duplicate username",
    "error.username": "bad username",
    "error.login": "wrong password, unknown or inactive user on /tokens/",
    "error.list_body": "the body is a list",
    "error.malformed_json": "malformed JSON",
    "error.no_credentials": "no credentials",
    "error.bad_token": "bad token",
    "error.token_header": "`Token` alone, `Token a b`",
    "error.inactive": "inactive user",
    "error.unknown_id": "unknown id, by kind",
    "error.foreign_id": "somebody else's id, by kind",
    "error.unknown_route": "unknown route",
    "error.non_integer_id": "an id that is no integer",
    "error.assistant_id": "assistant_id not an integer, or null; a string of digits is one",
    "error.chat_unknown_assistant": "POST /chat/ with an unknown or foreign assistant",
    "error.chat_other_assistant": "PUT /chat/ with another assistant than the chat's",
    "error.no_file": "files is not a file",
    "error.empty_file": "an empty file",
    "error.wrong_method": "wrong method, with Allow",
    "error.wrong_type": "wrong body type",
    "error.throttled": "too many requests, with Retry-After",
    "error.our_fault": "our fault: JSON, no traceback",
}
PROMISES = {
    "bodies": "JSON, form-urlencoded and multipart bodies are accepted",
    "slashes": "with and without the slash, never redirected",
    "compact": "JSON answers are compact UTF-8",
    "times": "times are ISO 8601 UTC with microseconds and Z",
    "keyword": "`Token` in any case, and `Bearer`",
    "www_authenticate": "every 401 carries WWW-Authenticate: Token",
    "credentials_first": "credentials are checked before the method and the body",
    "assistant_object": "the keys of an assistant and of a document, and what they hold",
    "new_name": "new_name, when given, becomes the name",
    "known_filename": "a file with a known filename replaces that document",
    "identical_content": "identical content is a no-op",
    "files_null": '"files": null means no files',
    "extremes": "1e400, deep nesting and huge integers are 400",
    "search_limit": "a search limit out of range is 400 under limit",
    "files_required": "files is required on POST documents",
    "assistant_gone": "deleting an assistant makes its chats and documents 404",
    "token_each_login": "a new token per login, the old ones stay valid",
    "document_status": "a document's status, and its error as code and detail",
    "codes": "additional statuses carry detail and code",
    "citations": "citations with offsets into the page's text",
    "claims": "claims with offsets into the output",
    "answer_additions": "message_id, model, usage, finish_reason",
    "stream": "server-sent events on PUT /chat/{id}/; the deltas put together equal output",
    "idempotency": "Idempotency-Key on POST and PUT /chat/{id}/: answered again, not done again",
    "usage": "GET /usage/: questions and tokens by day and assistant",
    "pages": "GET pages/{n}/ gives page, label and text",
    "pictures": "GET pages/{n}/picture/ is a PNG of a PDF's page; no_picture where there is none",
    "marks": "GET pages/{n}/marks/ says where page_text[start:end] stands on the picture",
    "documents": "GET and POST documents/, GET and DELETE documents/{id}/",
    "attributes": "attributes of documents: set on upload, replaced by PUT documents/{id}/, kept",
    "document_password": "PUT documents/{id}/ with a password reads a locked document",
    "filters": "POST search/ with filters finds passages of matching documents only",
    "retrieval": "GET and PUT /assistants/{id}/retrieval/: language and glossary, owner only",
    "search": "POST search/ gives passages, best first, and calls no model",
    "chat_list": "GET /chat/: own chats, newest first",
    "chat_detail": "GET /chat/{id}/: the chat with its messages",
    "chat_search": "GET /chat/?search=&assistant_id= finds in titles and messages",
    "chat_title": "PUT /chat/{id}/title/: a title of its own, or the first question's beginning",
    "chat_export": "GET /chat/{id}/export/: Markdown with footnotes or JSON, as a file",
    "chat_html": "?html=true: an answer's HTML beside its text; without it nothing changes",
    "chat_delete": "DELETE /chat/{id}/ is 204",
    "receipt": "GET /chat/{id}/messages/{id}/receipt/: how an answer came about, owner only",
    "receipt_redaction": "receipts lose the words of a deleted document",
    "assistant_delete": "DELETE /assistants/{id}/ is 204",
    "tokens": "GET /tokens/, GET and DELETE /tokens/{id}/: own tokens, never the secret",
    "own_account": "GET /users/me/: who one is",
    "own_password": "PUT /users/me/password/: the present one is asked for, logins end",
    "named_tokens": "POST /users/me/tokens/: a token with a name and a date, shown once",
    "progress": "a document that is read says how far it is",
    "paging": "limit and after, a bare array, Link rel=next when there is more",
    "health": "/health/live and /health/ready",
    "widgets": "/widgets/ and /widgets/{id}/: own ones, exact origins, changed by what is given",
    "widget_chats": "GET /widgets/{id}/chats/: what visitors said, for the owner",
    "ownership": "others get the 404 of an unknown id",
    "shared": "AICONVOKIT_SHARED_ASSISTANTS: all may ask, only owners change",
    "deletion": "DELETE answers with a Location that lists what went",
    "redaction": "answers that cited a deleted document lose its words",
    "versions": "a replaced document keeps its id; old citations are stale, old pages stay",
    "host": "absolute addresses follow the request's Host",
}
LATER = {
    "v1": "the OpenAI-compatible surface and its error shape (issue D)",
    "metrics": "/metrics (issue G)",
    "later_endpoints": "password of a document",
}
ROWS = SUCCESSES | ERRORS | PROMISES


def row(*ids: str) -> Callable[[T], T]:
    """Say which rows a test proves; `test_coverage` reads it from the source."""
    unknown = set(ids) - set(ROWS)
    if unknown:
        raise ValueError(f"No such rows: {unknown}")
    return lambda test: test
