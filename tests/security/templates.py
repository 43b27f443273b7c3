"""Requests with gaps where ids stand: filled with one's own, somebody else's, or nobody's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for an id of a kind; `at` tells two of the same kind apart."""

    kind: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a request carries besides its path; `is_quiet`: an unknown id there is no error."""

    json: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    is_quiet: bool = False


def slots_in(template: object) -> Iterator[Slot]:
    """Every place for an id in a template."""
    if isinstance(template, Slot):
        yield template
    elif isinstance(template, dict):
        for value in template.values():
            yield from slots_in(value)
    elif isinstance(template, list):
        for value in template:
            yield from slots_in(value)


def filled(template: Any, choose: Callable[[Slot], Any]) -> Any:
    """A template with ids in its places."""
    if isinstance(template, Slot):
        return choose(template)
    if isinstance(template, dict):
        return {key: filled(value, choose) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, choose) for value in template]
    return template
