"""From the tokens of a parsed answer to HTML: words, links, marks and claims.

Everything that an answer says is escaped here; `html.py` cleans the result once more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from typing_extensions import override

from aiconvokit.chat.html_places import Unsupported

CLAIM = "claim"
"""A token without words: from here on they are a claim's (`meta["reason"]`), or no longer."""
MARK = "mark"
"""A token for a citation's number."""
PARTS = "parts"
"""In the `meta` of a block of code: its `Unsupported` parts."""

# Nothing that a browser reads otherwise than we do: no name and password, no escapes, no spaces.
_WEB = re.compile(
    r"https?://(?P<host>(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?|\[[0-9a-f:.]+\])(?::\d{1,5})?)(?=[/?#]|$)",
    re.IGNORECASE,
)
_REL = 'rel="noopener noreferrer nofollow" target="_blank"'
_FIRST_HEADING = 3
"""The page's own headings stand above those of an answer."""
_LAST_HEADING = 6


def web_host(address: str) -> str | None:
    """The host (and port) that an address leads to; None for one that is not linked at all."""
    found = _WEB.match(address)
    return found["host"].lower() if found else None


def unsupported(shown: str, reason: str) -> str:
    """HTML without tags of blocks, as words that nothing supports."""
    return f'<span class="unsupported" data-reason="{escape(reason)}">{shown}</span>'


@dataclass(slots=True)
class _Link:
    """An open link; without a host only its words are shown."""

    address: str
    host: str | None
    words: list[str] = field(default_factory=list)

    @property
    def opening(self) -> str:
        return f'<a href="{escape(self.address)}" {_REL}>' if self.host else ""

    @property
    def closing(self) -> str:
        return "</a>" if self.host else ""

    @property
    def destination(self) -> str:
        """Behind the link: where it leads, unless its words say just that."""
        said = "".join(self.words).strip()
        if self.host is None or said.lower() == self.host or said == self.address:
            return ""
        return f' <span class="host">{escape(self.host)}</span>'


class _Words:
    """The words of one block. Claims and marks may begin and end anywhere; tags are nested."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._reason: str | None = None
        self._links: list[_Link] = []

    def take(self, token: Token) -> None:
        """The next token of the block."""
        match token.type:
            case "claim":
                self._reason = token.meta["reason"]
            case "mark":
                self._mark(token.content)
            case "link_open":
                self._open(str(token.attrs.get("href", "")))
            case "link_close":
                link = self._links.pop()
                self.pieces += [link.closing, link.destination]
            case "hardbreak":
                self.pieces.append("<br>\n")
            case "softbreak":
                self.pieces.append("\n")
            case "image":
                self._say(words_of(token.children or []))
            case "code_inline":
                self._say(token.content, "<code>{}</code>")
            case _ if token.nesting:
                self.pieces.append(f"</{token.tag}>" if token.nesting < 0 else f"<{token.tag}>")
            case _:
                self._say(token.content)

    def _say(self, words: str, form: str = "{}") -> None:
        if not words:
            return
        for link in self._links:
            link.words.append(words)
        shown = form.format(escape(words))
        self.pieces.append(unsupported(shown, self._reason) if self._reason else shown)

    def _open(self, address: str) -> None:
        is_inside = any(link.host for link in self._links)
        self._links.append(_Link(address, None if is_inside else web_host(address)))
        self.pieces.append(self._links[-1].opening)

    def _mark(self, number: str) -> None:
        """A link of its own: one around it ends before it, and goes on after it."""
        self.pieces += [link.closing for link in self._links]
        shown = f'<a class="mark" href="#citation-{number}" data-index="{number}">{number}</a>'
        self.pieces.append(shown)
        self.pieces += [link.opening for link in self._links]


def words_of(tokens: Sequence[Token]) -> str:
    """What an image is called: no image is shown."""
    said = []
    for token in tokens:
        if token.type == "image":
            said.append(words_of(token.children or []))
        elif token.type in {"softbreak", "hardbreak"}:
            said.append(" ")
        elif token.type == MARK:
            said.append(f"[{token.content}]")
        else:
            said.append(token.content)
    return "".join(said)


class Html(RendererHTML):
    """Draws the tokens of an answer."""

    @override
    def renderInline(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> str:
        words = _Words()
        for token in tokens:
            words.take(token)
        return "".join(words.pieces)

    @override
    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return _code(tokens[idx])

    @override
    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _code(tokens[idx])

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A heading, below those of the page that shows it."""
        return f"<{_heading(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Its end."""
        return f"</{_heading(tokens[idx])}>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A cell of a table's head."""
        return _cell(tokens[idx])

    def td_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A cell of a table's row."""
        return _cell(tokens[idx])


def _heading(token: Token) -> str:
    return f"h{min(int(token.tag[1]) + _FIRST_HEADING - 1, _LAST_HEADING)}"


def _cell(token: Token) -> str:
    """An attribute in the place of a style: pages that allow no inline styles show it, too."""
    side = str(token.attrs.get("style", "")).removeprefix("text-align:")
    return f'<{token.tag} align="{escape(side)}">' if side else f"<{token.tag}>"


def _code(token: Token) -> str:
    shown, at = [], 0
    parts: list[Unsupported] = token.meta.get(PARTS, [])
    for part in parts:
        shown.append(escape(token.content[at : part.start]))
        shown.append(unsupported(escape(token.content[part.start : part.end]), part.reason))
        at = part.end
    shown.append(escape(token.content[at:]))
    return f"<pre><code>{''.join(shown)}</code></pre>\n"
