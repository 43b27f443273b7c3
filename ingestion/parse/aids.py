"""What helps to read a file that does not say everything by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion.errors import DocumentRejected


@dataclass(frozen=True, slots=True)
class Aids:
    """A password, and the words that were recognised on pages which are pictures.

    `texts` are by page number: `{}` before any page was looked at, "" where no word was found; None
    where nothing recognises words.
    """

    password: str | None = field(default=None, repr=False)
    texts: Mapping[int, str] | None = None


class Unread(Exception):
    """Some pages are pictures whose words nobody recognised yet."""

    def __init__(self, pages: list[int]) -> None:
        super().__init__(f"{len(pages)} pages are pictures.")
        self.pages = pages


def no_words(what: str, aids: Aids) -> DocumentRejected:
    """`no_text`: nothing recognises words, or there are none; `what` begins the sentence."""
    if aids.texts is None:
        return DocumentRejected(
            f"{what} Words on pictures are not recognised here: install the extra for that, "
            '"aiconvokit[ocr]", or run text recognition (OCR) over the file and upload the result.',
            code="no_text",
        )
    return DocumentRejected(f"{what} No word was recognised on it either.", code="no_text")
