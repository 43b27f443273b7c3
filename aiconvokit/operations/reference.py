"""`/docs`: the OpenAPI document as one plain page, without scripts and without a network."""

import base64
import hashlib
import json
from html import escape
from typing import Any

from litestar import Request, Response, get

from aiconvokit.rest.openapi import complete

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h2 { border-bottom: 1px solid #ccc; margin-top: 2.5rem; text-transform: capitalize }
h3 { font: 600 1rem ui-monospace, monospace; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere }
h3 b { display: inline-block; min-width: 4.5rem }
p { margin: .25rem 0 }
dl { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: 0 1rem;
  overflow-wrap: anywhere }
dt { font-family: ui-monospace, monospace } dd { margin: 0 }
pre { overflow: auto; background: #f4f4f4; color: #111; padding: .75rem; font-size: .85rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'"
INTRODUCTION = """<p>Register with <code>POST /api/v1/users/</code>, log in with
<code>POST /api/v1/tokens/</code>, and send <code>Authorization: Token …</code> from then on.
Bodies may be JSON, urlencoded or multipart forms. The same as
<a href="/schema/openapi.json">OpenAPI JSON</a>.</p>"""


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any]) -> Response[str]:
    """The reference of this very server."""
    document = complete(request.app.openapi_schema.to_schema())
    headers = {"Content-Security-Policy": POLICY}
    return Response(_page(document), media_type="text/html", headers=headers)


def _page(document: dict[str, Any]) -> str:
    sections: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["more"])[0]
            sections.setdefault(tag, []).append(_operation(method, path, operation))
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in sections.items())
    schemas = _json("Shapes", document["components"]["schemas"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><h1>{title}</h1>{INTRODUCTION}{body}<h2>Shapes</h2>{schemas}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    description = escape(operation.get("description") or operation.get("summary") or "")
    bodies = operation.get("requestBody", {}).get("content", {})
    shape = bodies.get("multipart/form-data", {}).get("schema")
    parameters = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
    answers = "".join(
        f"<dt>{escape(status)}</dt><dd>{escape(answer['description'])}</dd>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f"<h3><b>{escape(method.upper())}</b> {escape(path)}</h3><p>{description}</p>"
        + (_json("Parameters", parameters) if parameters else "")
        + (_json("Body", shape) if shape else "")
        + f"<details><summary>Answers</summary><dl>{answers}</dl></details>"
    )


def _json(title: str, value: Any) -> str:
    text = escape(json.dumps(value, indent=2, ensure_ascii=False))
    return f"<details><summary>{title}</summary><pre>{text}</pre></details>"
