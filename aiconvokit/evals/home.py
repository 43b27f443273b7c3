"""Where evaluations keep what costs time to make: an index of its own, and vectors."""

import ast
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import platformdirs

import aiconvokit
import ingestion
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres.folders import USERS_LOCK, open_lock, try_lock

VECTORS = "vectors.sqlite3"
_INDEX = "index-"


def home(data_dir: Path | None = None) -> Path:
    """The folder, made when it is missing: in the operator's data folder, else with the caches.

    Root's own folders are closed to the user that Postgres runs as.
    """
    if data_dir is not None:
        folder = data_dir / "eval"
    elif os.geteuid() == 0:
        folder = Path("/var/cache/aiconvokit/eval")
    else:
        folder = platformdirs.user_cache_path("aiconvokit") / "eval"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def index_dir(folder: Path) -> Path:
    """The data folder for the code as it is.

    Another parser, chunker or schema makes another index: measuring the old one would tell nothing.
    """
    return folder / f"{_INDEX}{code_sha256(_sources())[:12]}"


def on_own_index(settings: Settings, folder: Path) -> Settings:
    """The operator's models on a database of the evaluation's own."""
    return settings.model_copy(update={"database_url": None, "data_dir": index_dir(folder)})


def remove_old_indexes(folder: Path) -> None:
    """Remove the indexes of other code, unless a process is on them right now."""
    current = index_dir(folder)
    for old in folder.glob(f"{_INDEX}*"):
        if old != current and _is_free(old):
            shutil.rmtree(old, ignore_errors=True)


def code_sha256(sources: Iterable[Path]) -> str:
    """The digest of Python code; comments and white space do not change it."""
    digest = hashlib.sha256()
    for path in sources:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        digest.update(f"{path.name}\0{ast.dump(tree)}\0".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from sorted(Path(ingestion.__file__).parent.rglob("*.py"))
    program = Path(aiconvokit.__file__).parent
    installed = program / "migrations"  # in a wheel; a checkout has them beside the program
    folder = installed if installed.is_dir() else program.parent / "migrations"
    yield from sorted(folder.rglob("*.py"))


def _is_free(index: Path) -> bool:
    lock = open_lock(index / USERS_LOCK)
    try:
        return try_lock(lock)
    finally:
        os.close(lock)
