"""What a run found: plain numbers by name, in the units of the table."""

from collections.abc import Iterator, Mapping

import msgspec

MIB = 2**20


class System(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one system; None: not measured, _index: with an index on the vectors.

    CPU in milliseconds a turn, rates in turns a second, times in milliseconds (medians, what the
    model itself takes already subtracted where it says over), memory in MiB, the start in seconds.
    """

    name: str
    app_cpu_1: float | None = None
    app_cpu_16: float | None = None
    app_cpu_1_index: float | None = None
    app_cpu_16_index: float | None = None
    postgres_cpu_1: float | None = None
    postgres_cpu_16: float | None = None
    postgres_cpu_1_index: float | None = None
    postgres_cpu_16_index: float | None = None
    rate_16: float | None = None
    rate_16_index: float | None = None
    rate_waiting: float | None = None
    rate_waiting_index: float | None = None
    turn_over: float | None = None
    turn_over_index: float | None = None
    first_over_1: float | None = None
    first_over_16: float | None = None
    first_over_1_index: float | None = None
    first_over_16_index: float | None = None
    search: float | None = None
    search_index: float | None = None
    idle: float | None = None
    streams: float | None = None
    start: float | None = None


class Growth(msgspec.Struct, frozen=True):
    """A turn at one size of something; CPU and wall time in milliseconds."""

    what: str
    app_cpu: float | None
    postgres_cpu: float | None
    wall: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    machine: str
    passages: int
    streams: int
    streamed: bool
    """Whether the server streams; if not, the first piece is the whole answer."""
    ours: System
    growth: list[Growth] = []
    peers: list[System] = []


def read_peer(name: str, told: Mapping[str, object]) -> System:
    """A peer's figures from what the kit wrote about it."""
    at = _Reader(told)
    return System(
        name=name,
        app_cpu_1=at("chat_0ms", 0, "app_cpu_ms_each"),
        app_cpu_16=at("chat_0ms", 1, "app_cpu_ms_each"),
        postgres_cpu_1=at("chat_0ms", 0, "pg_cpu_ms_each"),
        postgres_cpu_16=at("chat_0ms", 1, "pg_cpu_ms_each"),
        rate_16=at("chat_0ms", 1, "per_s"),
        rate_waiting=at("chat_300ms", 2, "per_s"),
        turn_over=_minus(at("chat_0ms", 0, "p50_ms"), at("raw_model", "0ms", "p50_ms")),
        first_over_1=_minus(
            at("stream", 0, "ttft_p50_ms"), at("raw_model", "stream", "ttft_p50_ms")
        ),
        first_over_16=_minus(
            at("stream", 1, "ttft_p50_ms"), at("raw_model", "stream", "ttft_p50_ms")
        ),
        search=at("search", 0, "p50_ms"),
        idle=at("idle_pss_mib"),
        start=at("startup_s"),
    )


class _Reader:
    """Numbers deep inside of JSON; what is missing there is None."""

    def __init__(self, told: Mapping[str, object]) -> None:
        self._told = told

    def __call__(self, *path: str | int) -> float | None:
        found: object = self._told
        for step in path:
            match found, step:
                case dict(), str() if step in found:
                    found = found[step]
                case list(), int() if step < len(found):
                    found = found[step]
                case _:
                    return None
        return float(found) if isinstance(found, int | float) else None


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part


def systems(result: Result) -> Iterator[System]:
    """Ours, then the peers'."""
    yield result.ours
    yield from result.peers
