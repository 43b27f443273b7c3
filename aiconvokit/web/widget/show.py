"""Answers and messages as visitors see them: no ids of documents, no addresses of the owner's."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from aiconvokit.chat.answer import Cited, Event, Started, TextDelta
from aiconvokit.chat.html import render
from aiconvokit.chat.html_wire import on_thread
from aiconvokit.chat.schemas import ClaimOut
from aiconvokit.chat.tables import Message
from aiconvokit.chat.turn import Done, stored_citation
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.sse import event
from aiconvokit.web.widget.schemas import AnsweredOut, LookOut, SaidOut, SourceOut
from aiconvokit.web.widget.tables import Widget


def show_look(widget: Widget) -> LookOut:
    """What a visitor sees of a widget before a word is said."""
    return LookOut(
        title=widget.title,
        color=widget.color,
        greeting=widget.greeting,
        suggestions=widget.suggestions,
        language=widget.language,
        shows_pictures=widget.shows_pictures,
    )


async def show_event(widget: Widget, message_id: str, one: Event) -> bytes:
    """One event of a turn."""
    match one:
        case Started():
            return event("start", {"message_id": one.message_id, "passages": one.passages})
        case TextDelta():
            return event("delta", {"text": one.text})
        case Cited():
            return event("citation", _source(widget, message_id, stored_citation(one.citation)))
        case Done():
            return event("done", await show_answer(widget, one))
        case _:
            return event("restart", {})


async def show_answer(widget: Widget, done: Done) -> AnsweredOut:
    """An answer that stands; its HTML is drawn on a thread, since it is CPU time."""
    cited = [stored_citation(one) for one in done.citations]
    return AnsweredOut(
        message_id=done.message_id,
        output=done.output,
        html=await on_thread(lambda: _html(done.output, done.claims, done.citations)),
        citations=[_source(widget, done.message_id, one) for one in cited],
    )


async def show_messages(widget: Widget, messages: Sequence[Message]) -> list[SaidOut]:
    """Stored messages."""
    return await on_thread(lambda: [_show_message(widget, one) for one in messages])


def _show_message(widget: Widget, message: Message) -> SaidOut:
    """A stored message; a redacted answer has lost what it cited."""
    cited = [] if message.status == "redacted" else message.citations or []
    sources = [_source(widget, message.public_id, one) for one in cited]
    is_answer = message.role == "assistant" and message.status != "redacted"
    return SaidOut(
        id=message.public_id,
        role=cast("Literal['user', 'assistant']", message.role),
        status=message.status,
        content=message.content,
        html=_html(message.content, message.claims or [], sources) if is_answer else None,
        citations=sources,
        rating=message.rating,
        created_at=stamp(message.created_at),
    )


def _html(output: str, claims: Sequence[Mapping[str, Any]], citations: Sequence[Any]) -> str:
    return render(output, [ClaimOut(**one) for one in claims], citations)


def _source(widget: Widget, message_id: str, stored: Mapping[str, Any]) -> SourceOut:
    index = stored["index"]
    address = f"/embed/{widget.key}/messages/{message_id}/citations/{index}/"
    return SourceOut(
        index=index,
        filename=stored["filename"],
        page=stored["page"],
        quote=stored["quote"],
        picture=f"{address}picture/" if widget.shows_pictures else None,
        marks=f"{address}marks/" if widget.shows_pictures else None,
    )
