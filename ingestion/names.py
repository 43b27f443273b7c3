"""What a question may call a document: its title and file name, and how it begins."""

import re
from dataclasses import dataclass

from ingestion.documents import ParsedDocument
from ingestion.lexical import lexical_text
from ingestion.load import title_of

HEAD_CHARACTERS = 600
"""Of the document's beginning: the parties of a contract, the cover of an annual report."""

_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Names:
    """Text whose words name the document, surely (`title`) or maybe (`head`)."""

    title: str
    head: str


def names_of(filename: str, document: ParsedDocument) -> Names:
    """The names of a document.

    The file name counts as it is, too: "BestBuy_2019" is found by "bestbuy" and by "Best Buy".
    """
    written = _SEPARATORS.sub(" ", filename)
    title = " ".join([document.title, title_of(filename), written])
    head = " ".join(page.text for page in document.pages[:3])[:HEAD_CHARACTERS]
    return Names(lexical_text(title), lexical_text(head))
