"""The protocol, by its official library: which tools and resources there are, and what they say."""

import logging
from typing import Any

import mcp_types as types
import msgspec
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from aiconvokit import __version__
from aiconvokit.errors import InvalidFields
from aiconvokit.mcp_api import pages
from aiconvokit.mcp_api.asking import ASKING
from aiconvokit.mcp_api.tools import TOOLS, Tool, schema
from aiconvokit.rest.problems import as_ours

INSTRUCTIONS = (
    "Assistants answer questions from their documents, with quotes that are proven. Find one with"
    " list_assistants; ask_assistant answers, search_documents gives the passages alone."
)


def session_manager(max_bytes: int) -> StreamableHTTPSessionManager:
    """What answers one request: no session is kept, so that any process can answer the next.

    Args:
        max_bytes: of a request's body.
    """
    return StreamableHTTPSessionManager(
        _server(), json_response=True, stateless=True, max_request_body_size=max_bytes
    )


def _server() -> Server[Any]:
    return Server(
        "aiconvokit",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resource_templates=_list_templates,
        on_list_resources=_list_resources,
        on_read_resource=_read,
    )


async def _list_tools(_: object, __: object) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_describe(tool) for tool in TOOLS.values()])


def _describe(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=schema(tool.arguments),
        output_schema=schema(tool.result),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.only_reads, destructive_hint=False, open_world_hint=False
        ),
    )


async def _call_tool(_: object, params: types.CallToolRequestParams) -> types.CallToolResult:
    """A tool's answer; what goes wrong is an answer, too, which a model can read."""
    asking = ASKING.get()
    tool = TOOLS.get(params.name)
    if tool is None:
        return _failed(f"There is no tool named {params.name}.")
    try:
        told = await tool.call(asking, params.arguments or {})
    except InvalidFields as error:
        return _failed("\n".join(f"{name}: {' '.join(why)}" for name, why in error.fields.items()))
    except Exception as error:  # noqa: BLE001  # whatever it is: our own faults are logged there
        return _failed(as_ours(asking.request, error).detail)
    return types.CallToolResult(
        content=[types.TextContent(text=told.text)],
        structured_content=msgspec.to_builtins(told.structured),
    )


def _failed(why: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=why)], is_error=True)


async def _list_resources(_: object, __: object) -> types.ListResourcesResult:
    """None by name: a page's address comes with what was found on it."""
    return types.ListResourcesResult(resources=[])


async def _list_templates(_: object, __: object) -> types.ListResourceTemplatesResult:
    page = types.ResourceTemplate(
        name="page",
        title="Page of a document",
        description="The text of a page; search_documents and ask_assistant say which.",
        uri_template=pages.TEMPLATE,
        mime_type="text/plain",
    )
    return types.ListResourceTemplatesResult(resource_templates=[page])


async def _read(_: object, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    asking = ASKING.get()
    try:
        text = await pages.read(asking, params.uri)
    except Exception as error:
        ours = as_ours(asking.request, error)
        code = types.INVALID_PARAMS if ours.status < 500 else types.INTERNAL_ERROR
        raise MCPError(code=code, message=ours.detail) from error
    shown = types.TextResourceContents(uri=params.uri, text=text, mime_type="text/plain")
    return types.ReadResourceResult(contents=[shown])


# Its lines of information are about every request, and quote what was asked.
logging.getLogger("mcp").setLevel(logging.WARNING)
