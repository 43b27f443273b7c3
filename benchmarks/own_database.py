"""An embedded Postgres that is thrown away, for benchmarks that fill one."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from aiconvokit.cli.runtime import load_settings, with_services
from aiconvokit.services import Services

T = TypeVar("T")


def with_own_database(act: Callable[[Services], Awaitable[T]], folder: Path | None = None) -> T:
    """Do something with an empty one; it is made in a folder, else among temporary files."""
    with tempfile.TemporaryDirectory(prefix="aiconvokit-bench-", dir=folder) as made:
        Path(made).chmod(0o711)  # the database's own user must pass
        settings = load_settings().model_copy(
            update={"database_url": None, "data_dir": Path(made), "embedding_model": None}
        )
        return with_services(settings, act)
