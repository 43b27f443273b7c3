"""Pages of documents as resources: what a citation points at."""

import re

from aiconvokit.assistants import access
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.errors import NotFound
from aiconvokit.files import documents
from aiconvokit.mcp_api.asking import Asking

TEMPLATE = "aiconvokit://assistants/{assistant_id}/documents/{document_id}/pages/{page}"
_ADDRESS = re.compile(
    r"aiconvokit://assistants/(\d{1,18})/documents/(\d{1,18})/pages/(\d{1,9})", re.ASCII
)


def address(assistant_id: int, document_id: int, page: int) -> str:
    """The address of a page, as `read` takes it."""
    return TEMPLATE.format(assistant_id=assistant_id, document_id=document_id, page=page)


async def read(asking: Asking, uri: str) -> str:
    """The text of a page that the user may read.

    Raises:
        NotFound: there is none at that address, or it is somebody else's.
    """
    found = _ADDRESS.fullmatch(uri)
    if found is None:
        raise NotFound.of("Page")
    assistant_id, document_id, number = (int(one) for one in found.groups())
    services, user_id = asking.services, asking.user_id
    async with services.sessions.begin() as session:
        await access.to_ask(services, session, user_id, assistant_id)
        shared = services.settings.shared_assistants
        ids = await assistant_queries.citable_ids(session, user_id, assistant_id, shared=shared)
        document = (await documents.find(session, ids, document_id)).document
        version = document.ready_version or document.version
        return (await documents.page(session, document, number, version)).text
