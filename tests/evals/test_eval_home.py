"""The evaluation's folder: one index for the code as it is, others go unless they are in use."""

import os
from pathlib import Path

from aiconvokit.embedded_postgres.folders import open_lock, share_lock
from aiconvokit.evals import home


def index(folder: Path, name: str) -> Path:
    made = folder / name
    (made / "postgres").mkdir(parents=True)
    return made


def test_old_indexes_go_unless_a_process_is_on_them(tmp_path: Path) -> None:
    folder = home.home(tmp_path)
    current = home.index_dir(folder)
    index(folder, current.name)
    old, held = index(folder, "index-old"), index(folder, "index-held")
    lock = open_lock(held / "postgres-users.lock")
    share_lock(lock)
    try:
        home.remove_old_indexes(folder)
        assert (current.exists(), old.exists(), held.exists()) == (True, False, True)
    finally:
        os.close(lock)
    home.remove_old_indexes(folder)
    assert [one.name for one in folder.iterdir()] == [current.name]


def test_comments_make_no_other_index(tmp_path: Path) -> None:
    source = tmp_path / "chunk.py"
    digests = []
    for text in ("SIZE = 350\n", "SIZE = 350  # tokens\n\n", "SIZE = 351\n"):
        source.write_text(text)
        digests.append(home.code_sha256([source]))
    assert digests[0] == digests[1] != digests[2]
