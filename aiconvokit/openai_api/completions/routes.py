"""`/v1/chat/completions`: an assistant, or the plain chat model, answers a conversation."""

import time
from typing import Any

from litestar import Response, post
from litestar.di import NamedDependency
from msgspec import UNSET

from aiconvokit.ids import public_id
from aiconvokit.openai_api import bodies
from aiconvokit.openai_api.completions.body import ChatBody
from aiconvokit.openai_api.completions.reply import Reply
from aiconvokit.openai_api.completions.schemas import (
    AnswerMessage,
    Choice,
    CompletionOut,
    finish_reason,
)
from aiconvokit.openai_api.completions.stream import failed, first_piece, told
from aiconvokit.openai_api.completions.work import prepare
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import MODEL_ERRORS, describe
from aiconvokit.rest.sse import EventStream, while_listening
from aiconvokit.services import Services


@post(
    "/chat/completions",
    status_code=200,
    operation_class=describe(ChatBody, errors=(404, 409, *MODEL_ERRORS), events=True),
    partly="images, several choices, JSON formats, stop words, sampling",
)
async def create_completion(
    request: ApiRequest, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> Response[CompletionOut]:
    """Answer a conversation, with citations where an assistant is asked."""
    body = await bodies.read(request, services, ChatBody)
    work = await prepare(services, user_id, body)
    reply = Reply(
        request, services, work, streams=bool(body.stream), lists=bool(body.sources_in_text)
    )
    if body.stream:
        pieces = reply.pieces()
        first = await while_listening(request, first_piece(pieces))
        return EventStream(told(request, body, reply, first, pieces), failed)
    return Response(await while_listening(request, _whole(body, reply)))


async def _whole(body: ChatBody, reply: Reply) -> CompletionOut:
    async for _ in reply.pieces():
        pass  # they are kept in the reply
    text = reply.text if reply.text or not reply.calls else None
    message = AnswerMessage("assistant", text, None, reply.annotations, reply.calls or UNSET)
    reason = finish_reason(reply.work.answer.finish_reason)
    return CompletionOut(
        id=public_id("chatcmpl"),
        object="chat.completion",
        created=int(time.time()),
        model=body.model,
        choices=[Choice(0, message, None, reason)],
        usage=await reply.usage(),
        citations=reply.citations(),
        thread_id=reply.work.thread_id,
        message_id=reply.message_id if reply.work.thread_id else None,
    )


HANDLERS: list[Any] = [create_completion]
