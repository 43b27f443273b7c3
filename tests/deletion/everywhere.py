"""Where words can come back from: every address of a user, the database, the data folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from support.server import API, Client, Server

INCLUDE = "include[]=step_details.tool_calls[*].file_search.results[*].content"


def told_to(user: Client, addresses: list[str]) -> Iterator[str]:
    """What a user can read: lists, all that they lead to, and addresses noted before."""
    seen: set[str] = set()
    waiting = [f"{API}/assistants/", f"{API}/chat/", f"{API}/widgets/", "/v1/files"]
    waiting += ["/v1/vector_stores", "/v1/assistants", f"{API}/usage/", *addresses]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = user.get(path)
        yield f"{path}: {answer.text}"
        if answer.is_success and "json" in answer.headers["content-type"]:
            waiting += _further(path, answer.json())


def _further(path: str, found: object) -> list[str]:
    """Addresses of what an answer names."""
    rows = found if isinstance(found, list) else [found]
    paths: list[str] = []
    for row in rows:
        if not isinstance(row, dict):
            continue
        if path == f"{API}/assistants/":
            paths.append(f"{API}/assistants/{row['id']}/")
        if path == f"{API}/chat/":
            paths += chat_addresses(row["id"], row["thread_id"])
        for document in row.get("documents", []):
            paths += document_addresses(document["url"])
        said = row.get("messages", [])
        for message in said if isinstance(said, list) else []:
            if "id" not in message:  # a receipt's
                continue
            one = f"{path.partition('?')[0]}messages/{message['id']}/"
            paths += [one, f"{one}?html=true", f"{one}receipt/"]
        data = row.get("data", [])
        for each in data if isinstance(data, list) else []:
            paths += _of_v1(path, each)
    return paths


def chat_addresses(chat_id: int, thread_id: str) -> list[str]:
    """Everything about a chat."""
    chat, thread = f"{API}/chat/{chat_id}/", f"/v1/threads/{thread_id}"
    return [
        *(chat, f"{chat}?html=true", f"{chat}export/?format=markdown"),
        *(f"{chat}export/?format=json", f"{thread}/messages", f"{thread}/runs"),
    ]


def document_addresses(url: str) -> list[str]:
    """Everything about a document of one page."""
    path = url[url.index(API) :]
    pages = [f"{path}pages/1/{rest}" for rest in ("", "?version=1", "?version=2")]
    marks = f"{path}pages/1/marks/?start=0&end=40"
    return [path, f"{path}content/", *pages, f"{path}pages/1/picture/", marks]


def _of_v1(path: str, each: dict[str, str]) -> list[str]:
    path, _, _ = path.partition("?")
    one = f"{path}/{each.get('id')}"  # a text has none
    match path.split("/")[2:]:
        case ["vector_stores"]:
            return [one, f"{one}/files"]
        case ["files"] | ["vector_stores", *_]:
            return [one, f"{one}/content"]
        case [*_, "runs"]:
            return [one, f"{one}/steps?{INCLUDE}"]
        case [*_, "steps"]:
            return [f"{one}?{INCLUDE}"]
        case _:
            return []


def in_database(url: str) -> Iterator[str]:
    """Every value of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            for row in connection.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            ):
                yield f"{table}: {[_text(value) for value in row]}"


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return json.dumps(value, default=str, ensure_ascii=False)


def data_of(server: Server) -> Path:
    """The server's data folder."""
    return Path(server.process.environment["AICONVOKIT_DATA_DIR"])


def in_folder(folder: Path) -> Iterator[str]:
    """Every file below a folder, with its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield f"{path.name}: {path.read_bytes().decode('latin-1')}"
