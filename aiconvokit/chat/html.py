"""An answer's Markdown as HTML that a page may show: rendered, then cleaned. Pure.

Headings begin at h3. No images, no styles, no scripts, no ids; links lead to http and https only,
say where, and open in another window. What a model was talked into leaves words and nothing else.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from typing_extensions import override

from aiconvokit.chat.html_places import Places, Unsupported, apart
from aiconvokit.chat.html_words import CLAIM, MARK, PARTS, Html, unsupported, web_host

MAX_MARKDOWN = 40_000
"""Characters that are read as Markdown, as many as are judged: what follows are plain paragraphs.
Time grows with the length and not faster; the worst text (a head of 300 columns above 40 KB of
empty rows) takes a second or two."""

NOT_A_CLAIM = "not_a_claim"

_NUMBER = re.compile(r"\[(\d{1,6})\]")
_CITATION = re.compile(r"#citation-\d{1,6}")
_REASON = re.compile(r"[a-z_]{1,40}")
_PARAGRAPH = re.compile(r"\n\s*\n")
_CITED, _EDGES, _PLACES = "cited", "edges", "places"

_CLEAN: dict[str, set[str]] = {
    "a": {"href", "data-index"},
    "ol": {"start"},
    "span": {"data-reason"},
}
_VALUES = {
    "a": {"class": {"mark"}, "rel": {"noopener noreferrer nofollow"}, "target": {"_blank"}},
    "span": {"class": {"host", "unsupported"}},
    "th": {"align": {"left", "center", "right"}},
    "td": {"align": {"left", "center", "right"}},
}
_BLOCKS = {"p", "hr", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre"}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
_WORDS = {"a", "br", "code", "em", "span", "strong"}


class Judged(Protocol):
    """A claim of an answer: `output[start:end]`, and why nothing supports it."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def supported(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...


class Numbered(Protocol):
    """A citation of an answer: the `[index]` in it."""

    @property
    def index(self) -> int: ...


def render(output: str, claims: Iterable[Judged], citations: Iterable[Numbered]) -> str:
    """Draw an answer.

    Args:
        output: its text, Markdown, from anybody.
        claims: offsets into it; those that nothing supports become
            `<span class="unsupported" data-reason="…">`, one for each run of words without tags.
        citations: their marks `[n]` outside code become
            `<a class="mark" href="#citation-n" data-index="n">n</a>`.

    Returns:
        HTML of h3 to h6, paragraphs, lists, quotes, code and tables.
    """
    text, found = _plain_ends(output, _lacking(claims))
    cut = _cut(text)
    cited = {one.index for one in citations}
    shown = _rendered(text[:cut], apart(found, cut), cited)
    if cut < len(text):
        is_lacking = any(one.end > cut for one in found)
        shown += _paragraphs(text[cut:], found[-1].reason if is_lacking else None)
    return _CLEANER.clean(shown)


def _lacking(claims: Iterable[Judged]) -> list[Unsupported]:
    return [
        Unsupported(one.start, one.end, one.reason)
        for one in claims
        if not one.supported and one.reason and one.reason != NOT_A_CLAIM
    ]


def _plain_ends(text: str, claims: Sequence[Unsupported]) -> tuple[str, list[Unsupported]]:
    """Ends of lines as the parser has them, and the claims' places then."""
    text = text.replace("\0", "\ufffd")
    if "\r" not in text:
        return text, list(claims)
    gone = [match.start() for match in re.finditer("\r\n", text)]

    def moved(position: int) -> int:
        return position - bisect_left(gone, position)

    places = [Unsupported(moved(one.start), moved(one.end), one.reason) for one in claims]
    return text.replace("\r\n", "\n").replace("\r", "\n"), places


def _cut(text: str) -> int:
    """How far a text is read as Markdown: a long one to the end of a line."""
    if len(text) <= MAX_MARKDOWN:
        return len(text)
    return text.rfind("\n", 0, MAX_MARKDOWN) + 1 or MAX_MARKDOWN


def _paragraphs(text: str, reason: str | None) -> str:
    bodies = [escape(one).replace("\n", "<br>\n") for one in _PARAGRAPH.split(text) if one.strip()]
    return "".join(f"<p>{unsupported(one, reason) if reason else one}</p>\n" for one in bodies)


@dataclass(slots=True)
class _Edges:
    """Where claims begin (with their reason) and end in the block whose tokens these are."""

    tokens: list[Token]
    waiting: list[tuple[int, str | None]]
    """The next one is the last."""

    @classmethod
    def of(cls, tokens: list[Token], parts: Sequence[Unsupported]) -> "_Edges":
        waiting: list[tuple[int, str | None]] = []
        for one in reversed(parts):
            waiting += (one.end, None), (one.start, one.reason)
        return cls(tokens, waiting)


class _Markdown(MarkdownIt):
    @override
    def validateLink(self, url: str) -> bool:
        """Every link is read as one, so that its address is not shown as text: see `web_host`."""
        return True


def _rendered(text: str, claims: Sequence[Unsupported], cited: set[int]) -> str:
    return str(_PARSER.render(text, {_CITED: cited, _PLACES: Places(text, claims)}))


def _inline(state: StateCore) -> None:
    """Core rule: the words of every block, with the edges of its claims."""
    for token, parts in state.env[_PLACES].of(state.tokens):
        if token.type == "inline":
            token.children = []
            state.env[_EDGES] = _Edges.of(token.children, parts)
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token.meta[PARTS] = parts


def _edges(state: StateInline) -> list[tuple[int, str | None]]:
    """Those of this very block: an image's name is parsed by itself."""
    found: _Edges = state.env[_EDGES]
    return found.waiting if found.tokens is state.tokens else []


def _edge(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # the parser's signature
    """Inline rule: note the edges that were reached; one inside of an address comes after it."""
    waiting = [] if silent else _edges(state)
    while waiting and waiting[-1][0] <= state.pos:
        _, reason = waiting.pop()
        state.push(CLAIM, "", 0).meta = {"reason": reason}
    return False


def _text(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # the parser's signature
    """Inline rule: words up to the next sign that may mean something, or the next edge."""
    waiting = [] if silent else _edges(state)
    limit = min(state.posMax, waiting[-1][0]) if waiting else state.posMax
    sign = state.md.inline.terminator_re.search(state.src, state.pos, limit)
    end = sign.start() if sign else limit
    if end <= state.pos:
        return False
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _mark(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # the parser's signature
    """Inline rule: a citation's number, before anything else can be made of its brackets."""
    if silent:  # looking for a link's end, where a mark is two brackets like others
        return False
    found = _NUMBER.match(state.src, state.pos, state.posMax)
    if found is None or int(found[1]) not in state.env[_CITED]:
        return False
    state.push(MARK, "", 0).content = str(int(found[1]))
    state.pos = found.end()
    return True


def _parser() -> MarkdownIt:
    # No HTML, no bare addresses as links. Blocks and brackets are nested at most 20 deep.
    options = {"html": False, "xhtmlOut": False}
    parser = _Markdown("commonmark", options, renderer_cls=Html).enable("table")
    parser.core.ruler.at("inline", _inline)
    parser.inline.ruler.at("text", _text)
    parser.inline.ruler.before("text", "edge", _edge)
    parser.inline.ruler.before("link", "mark", _mark)
    return parser


def _is_address(href: str) -> bool:
    """Of a citation below the answer, or of a web page."""
    return bool(_CITATION.fullmatch(href) or web_host(href))


def _attribute(_: str, name: str, value: str) -> str | None:
    """Values that no list can hold; None takes the attribute away."""
    fits: Callable[[str], object]
    match name:
        case "href":
            fits = _is_address
        case "data-reason":
            fits = _REASON.fullmatch
        case "data-index" | "start":
            fits = str.isdecimal
        case _:
            return value
    return value if fits(value) else None


_PARSER = _parser()
_CLEANER = nh3.Cleaner(
    tags=_BLOCKS | _TABLES | _WORDS,
    attributes=_CLEAN,
    tag_attribute_values=_VALUES,
    attribute_filter=_attribute,
    clean_content_tags={"script", "style"},
    url_schemes={"http", "https"},
    link_rel=None,  # ours says more, and stands on links that lead away only
    strip_comments=True,
)
