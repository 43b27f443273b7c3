"""Absolute addresses: from the configured base where set, else from the request's Host."""

from typing import cast

from aiconvokit.config import Settings
from aiconvokit.rest.body import ApiRequest

API = "/api/v1"
MCP = "/mcp"


def absolute(request: ApiRequest, path: str) -> str:
    """The address of a path on this server, as the caller reaches it."""
    settings = cast("Settings", request.app.state.settings)
    base = settings.base_url or str(request.base_url)
    return base.rstrip("/") + path


def assistant_url(request: ApiRequest, assistant_id: int) -> str:
    """The address of an assistant."""
    return absolute(request, f"{API}/assistants/{assistant_id}/")


def document_url(request: ApiRequest, assistant_id: int, document_id: int) -> str:
    """The address of a document of an assistant."""
    return absolute(request, f"{API}/assistants/{assistant_id}/documents/{document_id}/")


def page_url(request: ApiRequest, assistant_id: int, document_id: int, page: int) -> str:
    """The address of a page's text."""
    return document_url(request, assistant_id, document_id) + f"pages/{page}/"


def deletion_url(request: ApiRequest, deletion_id: int) -> str:
    """The address of what a deletion removed."""
    return absolute(request, f"{API}/deletions/{deletion_id}/")


def chat_url(request: ApiRequest, chat_id: int) -> str:
    """The address of a chat."""
    return absolute(request, f"{API}/chat/{chat_id}/")
