"""The peers, by the scripts of a kit of one's own: `--kit DIR`.

The kit makes its virtual environments and its corpus (it needs a package index and poppler), and
writes one JSON file a peer to DIR/results.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.turns.figures import System, read_peer
from benchmarks.turns.fill import Tell

PEERS = ("langchain", "langchain_sync", "llamaindex", "haystack")
ENVIRONMENTS = ("pg", "base", "langchain", "llamaindex", "haystack")
FAKE_PORT = 21999
"""The kit's own choice."""
STOP_SECONDS = 10
PEER_SECONDS = 1_200
"""For one peer: it reads the kit's corpus first, which takes some of them minutes."""
_TIKTOKEN_FILES = "lib/python3*/site-packages/llama_index/core/_static/tiktoken_cache/*"


def run_peers(kit: Path, passages: int, tell: Tell) -> list[System]:
    """Run the kit's peers one after the other on this machine; their figures."""
    kit = kit.resolve()
    _set_up(kit, tell)
    _run(kit, "./pg.sh", "start")
    try:
        with _kits_model(kit):
            for peer in PEERS:
                tell(f"peer: {peer}")
                _result(kit, peer).unlink(missing_ok=True)
                wanted = (f"TOTAL={passages}", f"LIMIT={PEER_SECONDS}")
                _run(kit, "env", *wanted, "./run_all.sh", peer)
    finally:
        _run(kit, "./pg.sh", "stop")
    return [_read(kit, peer) for peer in PEERS]


def _set_up(kit: Path, tell: Tell) -> None:
    """What the kit's README tells to do once."""
    missing = [name for name in ENVIRONMENTS if not (kit / "venvs" / name).exists()]
    if missing:
        tell(f"installing {', '.join(missing)}")
        _run(kit, "./setup_venvs.sh", *missing)
    if not (kit / "corpus" / "words.txt").exists():
        tell("making the peers' corpus")
        _run(kit, "./make_corpus.sh")
        _run(kit, "venvs/base/bin/python", "make_questions.py")
    ranks = kit / "tiktoken_cache"
    ranks.mkdir(exist_ok=True)
    for file in (kit / "venvs" / "llamaindex").glob(_TIKTOKEN_FILES):
        shutil.copy(file, ranks)
    for folder in ("logs", "results"):
        (kit / folder).mkdir(exist_ok=True)


@contextmanager
def _kits_model(kit: Path) -> Iterator[None]:
    """The kit's own fake model server, which its apps and its client know."""
    command = ["venvs/base/bin/python", "fakeai.py", "--port", str(FAKE_PORT)]
    with subprocess.Popen(command, cwd=kit, stdout=sys.stderr) as process:  # noqa: S603  # the operator's kit
        try:
            yield
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _run(kit: Path, *command: str) -> None:
    """One of the kit's commands; what it prints goes to standard error."""
    subprocess.run(command, cwd=kit, check=True, stdout=sys.stderr)  # noqa: S603  # as above


def _result(kit: Path, peer: str) -> Path:
    return kit / "results" / f"{peer}.json"


def _read(kit: Path, peer: str) -> System:
    """A peer's figures; none where it did not come to an end."""
    found = _result(kit, peer)
    return read_peer(peer, json.loads(found.read_text("utf-8")) if found.exists() else {})
