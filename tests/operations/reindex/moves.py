"""What tests of reindexing share: what is moved, and how it is looked at and stopped."""

from aiconvokit.operations.reindex.filling import Progress
from aiconvokit.operations.reindex.queries import Selection
from aiconvokit.operations.reindex.work import Model
from aiconvokit.retrieval.search import Question, search
from support.shelves import Shelf

ALL = Selection()
NEW = Model("new")


class Stop(Exception):
    """What a test stops a reindexing with."""


def stopping(after: int) -> Progress:
    """A progress that stops its reindexing after so many passages."""

    def stop(progress: Progress) -> None:
        if progress.embedded == after:
            raise Stop

    return Progress(on_change=stop)


def passages(number: int, about: str = "anvils") -> list[str]:
    return [f"Passage {one} of a contract about {about} and rockets." for one in range(number)]


async def found_in(shelf: Shelf) -> tuple[int, str | None]:
    """How many passages a search finds, and with which model."""
    question = Question("What is said about anvils?")
    found = await search(shelf.services, [await shelf.collection()], question, 5)
    return len(found.passages), found.space.model if found.space else None
