"""What can be wrong: a name, a sentence, and how it is repaired."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from msgspec import Struct

EXAMPLES = 5
"""Of each finding: enough to look at some, and no list of a million."""


class Repair(Enum):
    """What `--repair` does, a sentence each; what needs somebody's decision is left alone."""

    CLEAR_PASSAGES = "What no passage of a document needs is removed, and the rest counted anew."
    INDEX_WORDS = "What no document needs is removed, and the words are indexed anew."
    READ_AGAIN = "The document is read again; until then it is searched as it is."
    MARK_READY = "The document is marked as ready."
    QUEUE = "A job is queued for it."
    REMOVE_PAGES = "The pages are removed."
    CLEAR_STAGE = "The passages on their way are removed."
    REMOVE_FILES = "The file is removed, with its bytes where no other has them."
    REDACT = "It is redacted, as when the document was deleted."
    END_TURNS = "The answer is marked as interrupted, and its chat is free again."
    RESCUE = "They go back to the queue."
    FORGET_ANSWERS = "They are forgotten."
    DISCARD = "The bytes are removed from storage."
    FORGET_PICTURES = "The pictures are removed."
    REMOVE_PARTS = "The beginnings are removed."
    IMPORT = "Nothing: run the import again, or delete them."
    NONE = "Nothing: see docs/self-hosting.md."


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that must not be; `sql` gives a row `(key, named)` for each place where it is.

    Attributes:
        name: stays the same for programs.
        found: the sentence.
        repair: what is done about it, with the keys.
        sql: the statement; see `looking`. Empty where no statement can tell.
        in_steps: whether a server gets there in several transactions: it is wrong only where a
            second look finds it, too.
    """

    name: str
    found: str
    repair: Repair
    sql: str = ""
    in_steps: bool = False


class Finding(Struct):
    """Something that is wrong: how often, with examples that name ids and nothing else."""

    kind: str
    found: str
    count: int
    examples: list[str]
    repair: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What one look saw of a kind; `keys` are what its repair takes."""

    kind: Kind
    count: int
    examples: Sequence[str]
    keys: Sequence[int] | Sequence[str] = field(repr=False)

    def told(self, *, repaired: bool = False) -> Finding:
        """As it is reported."""
        kind = self.kind
        return Finding(
            kind=kind.name,
            found=kind.found,
            count=self.count,
            examples=list(self.examples),
            repair=kind.repair.value,
            repaired=repaired,
        )
