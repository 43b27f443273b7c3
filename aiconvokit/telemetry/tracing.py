"""Traces, where they are wanted: without an endpoint nothing is imported, kept or sent.

A turn is told when it is over, from what its receipt knows: its events are read by whoever listens,
in other tasks than began it, where an open span would have no place.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from aiconvokit.errors import ConfigurationError

NOT_INSTALLED = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. Install the extra: "
    "pip install 'aiconvokit[otel]', or unset the variable."
)

Attributes = Mapping[str, str | int | float]
"""Ids and counts; never text of a user, a document or a model."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is over, with its parts; times are those of `time.perf_counter`."""

    name: str
    begun: float
    ended: float
    attributes: Attributes = field(default_factory=dict)
    events: Sequence[tuple[str, float]] = ()
    parts: Sequence["Told"] = ()
    has_failed: bool = False


class RequestSpan(Protocol):
    """A request's span, named once its route is known."""

    def name(self, name: str, attributes: Attributes, status: int) -> None:
        """Say what it was; from 500 on it has failed."""
        ...


class Backend(Protocol):
    """Where spans go."""

    def request(
        self, headers: Sequence[tuple[bytes, bytes]]
    ) -> AbstractContextManager[RequestSpan]:
        """A request's span, below the caller's own if the headers name it."""
        ...

    def step(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """A part of what goes on in this task."""
        ...

    def tell(self, told: Told) -> None:
        """Something that is over, as a part of what goes on in this task."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class _Unnamed:
    def name(self, name: str, attributes: Attributes, status: int) -> None:
        pass


_UNNAMED: RequestSpan = _Unnamed()
_NOT_TRACED = nullcontext(_UNNAMED)
_NO_STEP = nullcontext()


class _State:
    backend: Backend | None = None


def is_on() -> bool:
    """Whether anybody wants to be told."""
    return _State.backend is not None


def request(headers: Sequence[tuple[bytes, bytes]]) -> AbstractContextManager[RequestSpan]:
    """The span of a request that goes on in the block; without headers it is not traced."""
    if _State.backend is None or not headers:
        return _NOT_TRACED
    return _State.backend.request(headers)


def step(name: str, attributes: Attributes) -> AbstractContextManager[None]:
    """The span of a part of the work that goes on in the block."""
    return _NO_STEP if _State.backend is None else _State.backend.step(name, attributes)


def tell(told: Told) -> None:
    """Something that is over."""
    if _State.backend is not None:
        _State.backend.tell(told)


@contextmanager
def exporting(endpoint: str | None) -> Iterator[None]:
    """As long as the block lasts, spans go to an OTLP endpoint, if there is one.

    Raises:
        ConfigurationError: there is, and the extra is not installed.
    """
    if endpoint is None:
        yield
        return
    try:
        from aiconvokit.telemetry import otel  # noqa: PLC0415  # the extra may be missing
    except ModuleNotFoundError as error:
        raise ConfigurationError(NOT_INSTALLED) from error
    _State.backend = backend = otel.OpenTelemetry(endpoint)
    try:
        yield
    finally:
        _State.backend = None
        backend.close()
