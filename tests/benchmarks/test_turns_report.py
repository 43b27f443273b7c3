"""The table of `make bench`: what was measured, what was not, and the peers beside it."""

from benchmarks.turns.figures import Growth, Result, System, read_peer
from benchmarks.turns.report import report, shown

TOLD = {
    "startup_s": 2.5,
    "idle_pss_mib": 145.0,
    "raw_model": {"0ms": {"p50_ms": 1.5}, "stream": {"ttft_p50_ms": 2.0}},
    "search": [{"p50_ms": 62.0}],
    "chat_0ms": [
        {"p50_ms": 78.0, "app_cpu_ms_each": 20.0, "pg_cpu_ms_each": 44.0, "per_s": 12.0},
        {"error": "500"},
    ],
    "chat_300ms": [{}, {}, {"per_s": 23.0}],
    "stream": [{"ttft_p50_ms": 77.0}],
}


def test_a_peers_figures_stand_without_what_the_model_takes() -> None:
    peer = read_peer("one", TOLD)
    assert peer == System(
        name="one",
        app_cpu_1=20.0,
        postgres_cpu_1=44.0,
        rate_waiting=23.0,
        turn_over=76.5,
        first_over_1=75.0,
        search=62.0,
        idle=145.0,
        start=2.5,
    )


def test_each_system_is_a_column_between_the_names_and_the_goals() -> None:
    ours = System(name="measured", app_cpu_1=3.25, app_cpu_16=3.0, streams=1234.5)
    result = Result(
        machine="here",
        passages=20_000,
        streams=1_000,
        streamed=True,
        ours=ours,
        growth=[Growth("10 messages", 3.0, None, 12.34)],
        peers=[read_peer("one", TOLD)],
    )
    lines = report(result).splitlines()
    assert lines[0] == "here; 20,000 passages in one collection, 1,000 open streams"
    assert lines[2] == "| | measured | one | must | aim |"
    cpu = "| app CPU a turn, at 1 / 16; with index, ms | 3.2 / 3.0 | 20.0 / - | ≤ 6 | ≤ 3.5 |"
    memory = (
        "| memory idle / with open streams, MiB | - / 1,234 | 145 / - | ≤ 130 / ≤ 450 "
        "| ≤ 90 / ≤ 300 |"
    )
    assert lines[4] == cpu
    assert memory in lines
    assert lines[-1] == "| 10 messages | 3.0 | - | 12.3 |"


def test_figures_with_an_index_stand_beside_those_without() -> None:
    ours = System(
        name="measured",
        postgres_cpu_1=20.0,
        postgres_cpu_1_index=9.0,
        postgres_cpu_16_index=8.0,
        rate_16_index=150.0,
    )
    result = Result(machine="here", passages=1, streams=1, streamed=True, ours=ours)
    lines = report(result).splitlines()
    assert "; with index, ms | 20.0 / -; 9.0 / 8.0 |" in lines[5]
    assert "exact / index | - / 150 |" in lines[6]


def test_a_server_that_does_not_stream_is_told() -> None:
    ours = System(name="measured")
    result = Result(machine="here", passages=1, streams=1, streamed=False, ours=ours)
    assert "did not stream" in report(result)


def test_numbers_show_what_is_worth_telling() -> None:
    assert [shown(one) for one in (None, 0.04, 99.94, 123.4, 12_345.6)] == [
        "-",
        "0.0",
        "99.9",
        "123",
        "12,346",
    ]
