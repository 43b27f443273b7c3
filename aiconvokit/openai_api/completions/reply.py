"""The events of a turn as the text of a chat completion, with an annotation at each mark."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiconvokit.accounts.auth import principal_of
from aiconvokit.accounts.streams import answering
from aiconvokit.chat.answer import Called, Cited, Event, Started, TextDelta
from aiconvokit.chat.prompt import MESSAGE_OVERHEAD
from aiconvokit.chat.proof import Citation
from aiconvokit.chat.schemas import CitationOut
from aiconvokit.chat.turn import Done, stored_citation
from aiconvokit.llm.text import token_counts
from aiconvokit.openai_api.annotations import Mark, marks_in
from aiconvokit.openai_api.completions.schemas import (
    Annotation,
    CalledOut,
    CallOut,
    PlaceOut,
    QuoteOut,
    TokensOut,
)
from aiconvokit.openai_api.completions.sources import Source, listed
from aiconvokit.openai_api.completions.work import Work
from aiconvokit.openai_api.originals.links import Original, link_to
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.urls import page_url
from aiconvokit.retrieval.types import Passage
from aiconvokit.services import Services

REASONING_ENDS = "\n</think>\n\n"
"""Sent where what was sent before turns out to be the model's reasoning.

This wire has no way to take text back. So a stream says what the model said, the closing tag
included, and who does not want the reasoning cuts there. It happens with the first answer of a
model whose template opens the tag itself; from then on its reasoning is held back."""


@dataclass(frozen=True, slots=True)
class Piece:
    """More of the text, the annotations of its marks, and the sources that it is the first with."""

    text: str
    annotations: list[Annotation]
    sources: Sequence[Source] = ()
    calls: Sequence[CallOut] = ()


class Reply:
    """One answer as far as it came.

    Attributes:
        text: all that the client has.
        annotations: those of its marks; places are into `text`.
        calls: of functions, with which it ends.
        message_id: of the stored answer, where the work is a thread's turn.
    """

    def __init__(
        self,
        request: ApiRequest,
        services: Services,
        work: Work,
        *,
        streams: bool,
        lists: bool = False,
    ) -> None:
        """Take whose events it is made of.

        Args:
            request: the caller's.
            services: whose pool and settings are used.
            work: who answers.
            streams: text that was taken is gone.
            lists: the text ends with its sources.
        """
        self.work = work
        self.text = ""
        self.annotations: list[Annotation] = []
        self.calls: list[CallOut] = []
        self.message_id: str | None = None
        self._request = request
        self._services = services
        self._streams = streams
        self._lists = lists
        self._cited: dict[int, Citation] = {}
        self._sources: dict[int, Source] = {}
        self._file_ids: Mapping[int, str] | None = None

    async def pieces(self) -> AsyncGenerator[Piece]:
        """The text as it comes, to the end of the work."""
        user_id = principal_of(self._request.scope).user_id
        async with (
            answering(self._request, self._services, user_id),
            aclosing(self.work.events) as events,
        ):
            async for event in events:
                if (piece := await self._piece(event)) is not None:
                    yield piece
        if self._lists and self._sources and not self.calls:
            text = listed(self._sources.values())
            self.text += text
            yield Piece(text, [])

    async def _piece(self, event: Event) -> Piece | None:
        match event:
            case TextDelta():
                return await self._said(event.text)
            case Called():
                self.calls = [
                    CallOut(one.id, CalledOut(one.name, one.arguments)) for one in event.calls
                ]
                return Piece("", [], calls=self.calls)
            case Cited():
                self._cited[event.citation.index] = event.citation
            case Started():
                self.message_id = event.message_id
            case Done():
                self._end(event)
            case _:
                return self._restart()
        return None

    async def _said(self, text: str) -> Piece:
        annotations: list[Annotation] = []
        known = len(self._sources)
        for mark in marks_in(text, self._cited):
            annotations += await self._annotate(mark)
        self.text += text
        self.annotations += annotations
        return Piece(text, annotations, list(self._sources.values())[known:])

    def _forget_citations(self) -> None:
        self._cited.clear()
        self._sources.clear()
        self.annotations.clear()

    def _restart(self) -> Piece | None:
        self._forget_citations()
        if not self._streams or not self.text:
            self.text = ""
            return None
        self.text += REASONING_ENDS
        return Piece(REASONING_ENDS, [])

    def _end(self, done: Done) -> None:
        """The answer as it is stored: a document that it cited may be deleted meanwhile."""
        if self._cited and not done.citations:
            self._forget_citations()
            self.text = done.output

    async def _annotate(self, mark: Mark) -> list[Annotation]:
        citation = self._cited[mark.number]
        passage, source = citation.passage, self._source(citation)
        place = PlaceOut(
            start_index=len(self.text) + mark.start,
            end_index=len(self.text) + mark.end,
            title=source.title,
            url=source.url,
        )
        found = [Annotation("url_citation", url_citation=place)]
        file_id = (await self._known_files()).get(passage.document_id)
        if file_id is not None:
            quote = QuoteOut(
                file_id, passage.filename, passage.page, citation.quote, citation.index
            )
            found.append(Annotation("file_citation", file_citation=quote))
        return found

    def _source(self, citation: Citation) -> Source:
        """What a mark rests on: for each number one address that no other has.

        Front ends count addresses to find the source of `[2]`; two quotes of a page are two.
        """
        number, passage = citation.index, citation.passage
        if number not in self._sources:
            title = f"{passage.filename}, page {passage.page}"
            url = f"{self._link(passage)}&citation={number}"
            self._sources[number] = Source(number, title, url, citation.quote)
        return self._sources[number]

    def _link(self, passage: Passage) -> str:
        place = Original(self.work.assistant_id or 0, passage.document_id, passage.version)
        return link_to(self._request, place, passage.page)

    async def _known_files(self) -> Mapping[int, str]:
        if self._file_ids is None:
            documents = {source.passage.document_id for source in self.work.trace.sent}
            async with self._services.sessions() as session:
                self._file_ids = await file_ids_of(session, documents)
        return self._file_ids

    def citations(self) -> list[CitationOut]:
        """All of them, as `/api/v1` shows them."""
        return [self._shown(one) for one in self._cited.values()]

    def _shown(self, citation: Citation) -> CitationOut:
        passage = citation.passage
        url = page_url(
            self._request, self.work.assistant_id or 0, passage.document_id, passage.page
        )
        return CitationOut(**stored_citation(citation), stale=False, url=url)

    async def usage(self) -> TokensOut:
        """What it cost; counted here where no model told it."""
        told = self.work.answer.usage
        if told is not None:
            return _usage(told.prompt_tokens, told.completion_tokens)
        sent = self.work.trace.messages or self.work.asked
        *prompt, answer = await token_counts([*(one.content for one in sent), self.text])
        return _usage(sum(prompt) + MESSAGE_OVERHEAD * len(sent), answer)


def _usage(prompt: int, answer: int) -> TokensOut:
    return TokensOut(prompt, answer, prompt + answer)
