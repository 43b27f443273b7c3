"""AICONVOKIT_STORAGE_URL: what is understood, and what is refused without being repeated."""

from pathlib import Path

import pytest

from aiconvokit.config import Settings
from aiconvokit.errors import ConfigurationError
from aiconvokit.storage import FolderStorage, open_storage, opening


def test_without_a_url_it_is_the_data_folder(tmp_path: Path) -> None:
    storage = open_storage(Settings(), tmp_path)
    assert isinstance(storage, FolderStorage)
    assert storage.where == str(tmp_path / "files")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("uploads", opening.SPELLING),
        ("file:///srv/uploads", opening.SPELLING),
        ("https://bucket.example.com/", opening.SPELLING),
        ("s3:///uploads", opening.SPELLING),
        ("s3://bucket:hunter22/uploads", opening.SPELLING),
        ("s3://AKID:hunter22@bucket/uploads", opening.NO_SECRETS),
        ("s3://bucket/uploads?token=hunter22", opening.NO_SECRETS),
        ("az://nobody/container", opening.UNUSABLE),
    ],
)
def test_a_wrong_url_is_told_without_its_words(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_storage(Settings(storage_url=url), tmp_path)
    assert str(error.value) == told
    assert "hunter22" not in told


def test_the_extra_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'aiconvokit\[object-storage\]'"):
        open_storage(Settings(storage_url="s3://bucket"), tmp_path)
