"""The command line, for all that it is tested with."""

from collections.abc import Iterator

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import data_folder
from support.shell import Shell


@pytest.fixture
def flags() -> tuple[str, ...]:
    """What each run of the shell is told besides; for modules to say more."""
    return ()


@pytest.fixture
def shell(cluster_url: str, fake: FakeModel, flags: tuple[str, ...]) -> Iterator[Shell]:
    """`aiconvokit ingest`, with an empty folder of documents."""
    with data_folder() as folder:
        yield Shell(clone(cluster_url), folder, fake.base_url, flags)
