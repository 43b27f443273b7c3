"""Shapes of widgets on the wire: those of owners, and those of visitors."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from aiconvokit.rest.fields import Id, Timestamp
from aiconvokit.web.widget.origins import MAX_CHARACTERS as ORIGIN_CHARACTERS

MAX_TITLE = 100
MAX_SUGGESTIONS = 6
SUGGESTION_CHARACTERS = 200
MAX_ORIGINS = 50
MAX_MESSAGES = 10_000_000
MAX_TOKENS = 1_000_000_000_000
"""More than any day has; the columns hold a little more."""
QUESTION_CHARACTERS = 4_000
"""Of a visitor: a page and a half. The documented API takes more, from people one knows."""

Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Color = Annotated[str, Meta(max_length=7, extra_json_schema={"pattern": "^#[0-9a-fA-F]{6}$"})]
Greeting = Annotated[str, Meta(max_length=500)]
Language = Annotated[str, Meta(max_length=4, extra_json_schema={"enum": ["auto", "en", "de"]})]
Suggestions = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=SUGGESTION_CHARACTERS)]],
    Meta(max_length=MAX_SUGGESTIONS),
]
Origins = Annotated[
    list[Annotated[str, Meta(max_length=ORIGIN_CHARACTERS)]], Meta(max_length=MAX_ORIGINS)
]
Messages = Annotated[int, Meta(ge=1, le=MAX_MESSAGES)]
Tokens = Annotated[int, Meta(ge=1, le=MAX_TOKENS)]


class WidgetFields(Struct, kw_only=True):
    """What `read_fields` reads of a body; the lists are read beside it."""

    title: Title | None = None
    color: Color = "#1f5fbf"
    greeting: Greeting = ""
    language: Language = "auto"
    shows_pictures: bool = False
    is_paused: bool = False
    messages_per_day: Messages = 1_000
    tokens_per_day: Tokens = 2_000_000
    visitor_messages_per_day: Messages = 50
    visitor_tokens_per_day: Tokens = 200_000


class PlainWidget(WidgetFields, kw_only=True):
    assistant_id: Id


class NewWidget(WidgetFields, kw_only=True):
    assistant_id: Id
    suggestions: Suggestions = []
    origins: Origins = []


class WidgetUpdate(Struct, kw_only=True):
    """What is not given keeps its value."""

    assistant_id: Id | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    color: Color | UnsetType = UNSET
    greeting: Greeting | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    shows_pictures: bool | UnsetType = UNSET
    is_paused: bool | UnsetType = UNSET
    messages_per_day: Messages | UnsetType = UNSET
    tokens_per_day: Tokens | UnsetType = UNSET
    visitor_messages_per_day: Messages | UnsetType = UNSET
    visitor_tokens_per_day: Tokens | UnsetType = UNSET
    suggestions: Suggestions | UnsetType = UNSET
    origins: Origins | UnsetType = UNSET


class SpentOut(Struct):
    messages: int
    tokens: int


class WidgetOut(Struct):
    id: int
    key: str
    assistant_id: int
    title: str
    color: str
    greeting: str
    suggestions: list[str]
    language: str
    origins: list[str]
    shows_pictures: bool
    is_paused: bool
    messages_per_day: int
    tokens_per_day: int
    visitor_messages_per_day: int
    visitor_tokens_per_day: int
    snippet: str
    usage: SpentOut
    created_at: Timestamp
    updated_at: Timestamp


class TranscriptOut(Struct):
    """A visitor's conversation; `id` is that of the chat."""

    id: int
    absolute_url: str
    visitor: str
    title: str
    messages: int
    thumbs_up: int
    thumbs_down: int
    created_at: Timestamp
    updated_at: Timestamp


class NewSession(Struct):
    origin: Annotated[str, Meta(max_length=2_000)]
    visitor: Annotated[str, Meta(max_length=64)] | None = None


class Question(Struct):
    input: Annotated[str, Meta(max_length=QUESTION_CHARACTERS)]


class Thumb(Struct):
    rating: Annotated[int, Meta(ge=-1, le=1)] | None


class Nothing(Struct):
    """A body without fields."""


class LookOut(Struct):
    title: str
    color: str
    greeting: str
    suggestions: list[str]
    language: str
    shows_pictures: bool


class SourceOut(Struct):
    """A citation as visitors see it: words and where they stand, no address of its owner's."""

    index: int
    filename: str
    page: int
    quote: str
    picture: str | None
    marks: str | None


class SaidOut(Struct):
    """A message as visitors see it."""

    id: str
    role: Literal["user", "assistant"]
    status: str
    content: str
    html: str | None
    citations: list[SourceOut]
    rating: int | None
    created_at: Timestamp


class AnsweredOut(Struct):
    """The end of a turn as visitors see it."""

    message_id: str
    output: str
    html: str
    citations: list[SourceOut]


class SessionOut(Struct):
    token: str
    visitor: str
    expires_at: Timestamp
    widget: LookOut
    messages: list[SaidOut]


class HistoryOut(Struct):
    """What a page that was reloaded goes on with; `widget` is the look of now."""

    widget: LookOut
    messages: list[SaidOut]
