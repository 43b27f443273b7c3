"""Answers and messages as the wire shows them, whole or as events."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from aiconvokit.accounts.idempotency import REPLAYED, Stored
from aiconvokit.chat.answer import Cited, Event, Started, TextDelta
from aiconvokit.chat.html_wire import with_html
from aiconvokit.chat.schemas import AnswerOut, CitationOut, ClaimOut, MessageOut
from aiconvokit.chat.tables import Message
from aiconvokit.chat.turn import Asked, Done, stored_citation
from aiconvokit.errors import AIConvoKitError
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.problems import as_ours
from aiconvokit.rest.sse import Announced, event
from aiconvokit.rest.urls import chat_url, page_url


async def told(
    request: ApiRequest, asked: Asked, first: Event, rest: AsyncGenerator[Event], *, html: bool
) -> AsyncGenerator[bytes]:
    """A turn as server-sent events; what goes wrong on the way is the last of them."""
    try:
        async with aclosing(rest):
            yield _event(request, asked, first)
            async for one in rest:
                if html and isinstance(one, Done):
                    yield event("done", await with_html(show_answer(request, asked, one)))
                else:
                    yield _event(request, asked, one)
    except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with a word on it
        yield failed(as_ours(request, error))


def failed(problem: AIConvoKitError) -> bytes:
    """The last event of a stream that came to no answer."""
    return event("error", {"code": problem.code, "detail": problem.detail})


def told_again(stored: Stored) -> Announced:
    """An answer that was given before, as the events of its end."""
    return Announced(_retold(stored), REPLAYED)


async def _retold(stored: Stored) -> AsyncGenerator[bytes]:
    answer = msgspec.json.decode(stored.body, type=AnswerOut)
    known = {"chat_id": answer.id, "message_id": answer.message_id}
    yield event("start", {**known, "passages": answer.passages})
    for citation in answer.citations:
        yield event("citation", citation)
    yield event("delta", {"text": answer.output})
    yield event("done", answer)


def _event(request: ApiRequest, asked: Asked, one: Event) -> bytes:
    match one:
        case Started():
            started = {"chat_id": one.chat_id, "message_id": one.message_id}
            return event("start", {**started, "passages": one.passages})
        case TextDelta():
            return event("delta", {"text": one.text})
        case Cited():
            stored = stored_citation(one.citation)
            return event("citation", _show_citation(request, stored, asked.assistant_id))
        case Done():
            return event("done", show_answer(request, asked, one))
        case _:
            return event("restart", {})


def show_answer(request: ApiRequest, asked: Asked, done: Done) -> AnswerOut:
    """The documented answer with its additions."""
    return AnswerOut(
        id=asked.chat_id,
        absolute_url=chat_url(request, asked.chat_id),
        thread_id=done.thread_id,
        input=asked.question,
        output=done.output,
        passages=done.passages,
        citations=[
            _show_citation(request, stored_citation(one), asked.assistant_id)
            for one in done.citations
        ],
        claims=_show_claims(done.claims),
        message_id=done.message_id,
        model=done.model,
        usage=done.usage,
        finish_reason=done.finish_reason,
        milliseconds=done.milliseconds,
    )


def show_message(
    request: ApiRequest, message: Message, assistant_id: int, versions: Mapping[int, int | None]
) -> MessageOut:
    """A stored message; `versions` are those that its cited documents have now."""
    return MessageOut(
        id=message.public_id,
        role=message.role,
        status=message.status,
        content=message.content,
        created_at=stamp(message.created_at),
        model=message.model,
        finish_reason=message.finish_reason,
        error=message.error_code,
        usage=message.usage,
        citations=[
            _show_citation(
                request,
                one,
                assistant_id,
                stale=versions.get(one["document_id"]) != one["version"],
            )
            for one in message.citations or []
        ],
        claims=_show_claims(message.claims or []),
        milliseconds=message.milliseconds,
        rating=message.rating,
    )


def _show_citation(
    request: ApiRequest, stored: Mapping[str, Any], assistant_id: int, *, stale: bool = False
) -> CitationOut:
    """A citation with its address; `stale` when its document has a newer version, or is gone."""
    url = page_url(request, assistant_id, stored["document_id"], stored["page"])
    return CitationOut(**stored, stale=stale, url=url)


def _show_claims(stored: Sequence[Mapping[str, Any]]) -> list[ClaimOut]:
    return [ClaimOut(**one) for one in stored]
