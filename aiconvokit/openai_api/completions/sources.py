"""The sources of an answer in the two forms that chat front ends show. Pure.

Open WebUI makes a source of each `url_citation`, but names it by its address, gives that address to
a web service for icons, the key of the link included, and shows no quote. Told by an `event` first,
it takes name and quote from there, and its own finding is added to that source.

Front ends that read nothing but text get a list at its end. They send it back with the history,
where it is taken off again: a model would write on with it, and no link belongs into a prompt.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from aiconvokit.openai_api.originals.links import KEY, PATH

LISTED_CHARACTERS = 300
"""Of a quote in a list: a sentence or two; the page has the rest."""

_LINK = f"{PATH}?{KEY}="
_MARKDOWN = re.compile(r"[\\`*\[\]<$~]")
_ITEM = "- ["


class Source(NamedTuple):
    """What the mark `[number]` rests on."""

    number: int
    title: str
    url: str
    quote: str


def source_event(sources: Sequence[Source]) -> dict[str, Any]:
    """What Open WebUI shows of sources; it hands an upstream's `event` on to its page.

    Its n-th source by address is the one that a mark `[n]` opens. `external` and `source_url` say,
    to one version each, that the name is the one to show.
    """
    metadata = [
        {"source": one.url, "source_url": one.url, "name": one.title, "external": True}
        for one in sources
    ]
    first = {"name": sources[0].title, "url": sources[0].url}
    documents = [one.quote for one in sources]
    return {
        "type": "source",
        "data": {"source": first, "document": documents, "metadata": metadata},
    }


def listed(sources: Iterable[Source]) -> str:
    """A list for the end of an answer, in Markdown: what each mark rests on, with a link."""
    lines = [
        f"- [{one.number}] [{_plain(one.title)}]({one.url}): \N{LEFT DOUBLE QUOTATION MARK}"
        f"{_plain(_shortened(one.quote))}\N{RIGHT DOUBLE QUOTATION MARK}"
        for one in sorted(sources)
    ]
    return "\n\n" + "\n".join(lines)


def without_list(text: str) -> str:
    """An answer as it was before its sources were listed."""
    lines = text.rstrip().split("\n")
    items = list(takewhile(_is_item, reversed(lines)))
    return "\n".join(lines[: len(lines) - len(items)]).rstrip() if items else text


def _is_item(line: str) -> bool:
    return line.startswith(_ITEM) and _LINK in line


def _shortened(quote: str) -> str:
    words = " ".join(quote.split())
    if len(words) <= LISTED_CHARACTERS:
        return words
    return words[:LISTED_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _plain(text: str) -> str:
    """Text of a document, which must not become a link, a picture or a formula."""
    return _MARKDOWN.sub(r"\\\g<0>", text)
