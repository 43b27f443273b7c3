"""`/widgets/`: an owner's widgets, and what visitors said."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, deletions, idempotency_store
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.idempotency import Once
from aiconvokit.assistants import access
from aiconvokit.chat.chats import title_of
from aiconvokit.errors import NotFound
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.lists import MAX_ID, answer, window
from aiconvokit.rest.openapi import LIST, describe
from aiconvokit.rest.urls import absolute, chat_url
from aiconvokit.services import Services
from aiconvokit.web.widget import keys, queries
from aiconvokit.web.widget.queries import Transcript, WidgetRow
from aiconvokit.web.widget.reading import read_widget
from aiconvokit.web.widget.schemas import (
    MAX_TITLE,
    NewWidget,
    SpentOut,
    TranscriptOut,
    WidgetOut,
    WidgetUpdate,
)
from aiconvokit.web.widget.tables import Widget
from ingestion.store import driver_connection

_FIELDS = NewWidget.__struct_fields__


@post("/", operation_class=describe(NewWidget, errors=(403, 404, 409, 422)))
async def create_widget(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[WidgetOut]:
    """Make a widget of one of one's own assistants; without origins it is shown nowhere."""
    body = await read_body(request, services.settings.limits)
    wanted = read_widget(body, {})
    attempt = await once.take(body)
    if attempt.stored is not None:
        return attempt.stored.response()
    async with attempt, services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, wanted.assistant_id)
        await access.hold(session, assistant.id, "ask")
        values = {**asdict(wanted), "title": wanted.title or assistant.name[:MAX_TITLE]}
        row = await queries.insert_widget(session, user_id, keys.new_key(), values)
        await audit.note(session, "widget.created", "widget", row.id)
        transaction = await driver_connection(session)
        shown = _show(request, row)
        return await attempt.keep(transaction, shown, assistant_id=assistant.id)


@get("/", operation_class=describe(query=LIST))
async def list_widgets(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[WidgetOut]]:
    """One's own widgets, oldest first."""
    wanted = window(request)
    rows = await queries.widgets_of(session, user_id, wanted)
    return answer(request, rows, lambda row: _show(request, row), wanted)


@get("/{widget_id:int}/")
async def get_widget(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    widget_id: FromPath[int],
) -> WidgetOut:
    """One of one's own widgets, with what was spent today."""
    return _show(request, await _own(session, user_id, widget_id))


@put("/{widget_id:int}/", operation_class=describe(WidgetUpdate, errors=(403,)))
async def change_widget(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    widget_id: FromPath[int],
) -> WidgetOut:
    """Change what is given; open conversations end where it concerns who may have them."""
    body = await read_body(request, services.settings.limits)
    async with services.sessions.begin() as session:
        before = (await _own(session, user_id, widget_id)).widget
        wanted = read_widget(body, {name: getattr(before, name) for name in _FIELDS})
        changed = {name: value for name, value in asdict(wanted).items() if name in body.values}
        if changed.get("title", "") is None:
            changed["title"] = before.title
        assistant = await access.to_change(services, session, user_id, wanted.assistant_id)
        await access.hold(session, assistant.id, "ask")
        held = await queries.hold_widget(session, widget_id, "change")
        if held is None:
            raise NotFound.of("Widget")
        if _ends_sessions(held, changed):
            await queries.end_sessions(session, widget_id)
        await queries.update_widget(session, widget_id, changed)
        await audit.note(session, "widget.changed", "widget", widget_id)
        await session.refresh(held)
        return _show(request, await _own(session, user_id, widget_id))


def _ends_sessions(before: Widget, changed: Mapping[str, Any]) -> bool:
    """Whether a change takes a site or the assistant away from who is talking."""
    is_withdrawn = bool(set(before.origins) - set(changed.get("origins", before.origins)))
    return is_withdrawn or changed.get("assistant_id", before.assistant_id) != before.assistant_id


@delete("/{widget_id:int}/")
async def delete_widget(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    widget_id: FromPath[int],
) -> Response[None]:
    """Delete a widget with its visitors' conversations; its key is good for nothing at once."""
    async with services.sessions.begin() as session:
        widget = (await _own(session, user_id, widget_id)).widget
        await access.hold(session, widget.assistant_id, "ask")
        if await queries.hold_widget(session, widget_id, "delete") is None:
            raise NotFound.of("Widget")
        await idempotency_store.forget(session, widget.assistant_id, user_id)
        chats, messages = await queries.delete_widget(session, widget_id)
        removed = deletions.Removed(chats=chats, messages=messages)
        deletion = await deletions.keep(session, user_id, "widget", widget_id, removed)
    return deletions.answer(request, deletion)


@get("/{widget_id:int}/chats/", operation_class=describe(query=LIST))
async def list_transcripts(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    widget_id: FromPath[int],
) -> Response[list[TranscriptOut]]:
    """What visitors talked about, newest first; `GET /chat/{id}/` has the words."""
    wanted = window(request)
    widget = (await _own(session, user_id, widget_id)).widget
    rows = await queries.transcripts_of(session, widget.id, wanted)
    return answer(request, rows, lambda row: _show_transcript(request, row), wanted)


async def _own(session: AsyncSession, user_id: int, widget_id: int) -> WidgetRow:
    known = 0 <= widget_id <= MAX_ID
    row = await queries.widget_of(session, user_id, widget_id) if known else None
    if row is None:
        raise NotFound.of("Widget")
    return row


def _show(request: ApiRequest, row: WidgetRow) -> WidgetOut:
    widget = row.widget
    address = absolute(request, "/widget.js")
    return WidgetOut(
        **{name: getattr(widget, name) for name in _FIELDS},
        id=widget.id,
        key=widget.key,
        snippet=f'<script src="{address}" data-key="{widget.key}" async></script>',
        usage=SpentOut(row.messages, row.tokens),
        created_at=stamp(widget.created_at),
        updated_at=stamp(widget.updated_at),
    )


def _show_transcript(request: ApiRequest, row: Transcript) -> TranscriptOut:
    return TranscriptOut(
        id=row.id,
        absolute_url=chat_url(request, row.id),
        visitor=row.visitor,
        title=title_of(row.title, row.asked),
        messages=row.messages,
        thumbs_up=row.thumbs_up,
        thumbs_down=row.thumbs_down,
        created_at=stamp(row.created_at),
        updated_at=stamp(row.updated_at),
    )


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [
        create_widget,
        list_widgets,
        get_widget,
        change_widget,
        delete_widget,
        list_transcripts,
    ]
    return Router("/widgets", route_handlers=handlers, guards=[require_user], tags=["widgets"])
