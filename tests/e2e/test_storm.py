"""A short kill storm; `make soak` lets a longer one pass."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.soak.storm.storm import VICTIMS, storm
from fake_model.server import FakeModel
from support.server import server_environment
from support.starter import Process, start

SECONDS, SEED = 8, 3
QUICK = Path(__file__).with_name("quick_rescue.py")
SLOW = {
    "AICONVOKIT_EMBEDDING_MODEL": "fake@100",
    "AICONVOKIT_CHAT_MODEL": "fake@200",
    "AICONVOKIT_LEASE_SECONDS": "3",
}
"""So that most of what dies has something in work."""


def launch(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """A fork of a process that has imported everything: two seconds of eight would be imports."""
    return start(arguments, environment, log, patches=[QUICK])


def test_nothing_is_lost_in_a_storm(fake: FakeModel) -> None:
    environment = {**server_environment("", "", fake.base_url), **SLOW}
    found = storm(SECONDS, SEED, environment, launch)
    told = "\n".join([*found.lines(), *found.wrong])
    assert found.wrong == [], told
    assert {who for who, _ in found.kills} == set(VICTIMS), told
    # The test can fail: there was something to lose.
    assert found.promises > 5, told
    assert found.traffic.acknowledged > 10, told
