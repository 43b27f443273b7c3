"""Markdown of strangers in a file: whoever opens it loads no images of theirs and no HTML. Pure."""

import re
from collections.abc import Callable, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from aiconvokit.chat.html import MAX_MARKDOWN
from aiconvokit.chat.markdown import code_spans, holder
from aiconvokit.chat.sentences import Span

_LIVE = re.compile(r"!(?=\[)|<(?=[A-Za-z/!?])")
_DEAD = {"!": "!\\", "<": "&lt;"}
"""No backslash before a sign: behind another one it would bring the sign to life."""
_SHOWN = {"image", "html_inline", "html_block"}
_FENCES = re.compile("`{3}|~{3}")
_AFTER = "\n\n.\n"

_PARSER = MarkdownIt("commonmark").enable("table")


def harmless(text: str, shown: Callable[[str], str] = str.strip) -> str:
    """A text without images and HTML outside its code.

    Args:
        text: Markdown, from anybody.
        shown: makes of it what stands in the file.

    Returns:
        what stands in the file; what is code is changed as well where CommonMark sees less of it
        than `code_spans` does.
    """
    found = shown(_dead(text, code_spans(text)))
    if _LIVE.search(found) and (len(found) > MAX_MARKDOWN or _is_live(found)):
        found = shown(_dead(text, []))
    return found


def closed(text: str) -> str:
    """A text whose last block of code ends: it would turn what follows inside out."""
    if not _FENCES.search(text) or len(text) > MAX_MARKDOWN:
        return text
    last = _PARSER.parse(text + _AFTER)[-1]
    return f"{text}\n{last.markup}" if last.type == "fence" else text


def _dead(text: str, code: Sequence[Span]) -> str:
    def dead(sign: "re.Match[str]") -> str:
        span = holder(code, sign.start())
        is_code = span is not None and sign.start() < span.end
        return sign[0] if is_code else _DEAD[sign[0]]

    return _LIVE.sub(dead, text)


def _is_live(text: str) -> bool:
    tokens: list[Token] = _PARSER.parse(text)
    return any(part.type in _SHOWN for token in tokens for part in (token, *(token.children or ())))
