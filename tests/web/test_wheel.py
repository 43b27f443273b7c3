"""What people install has every file of the page and the widget."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from aiconvokit.web.assets import STATIC

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The files of a wheel made of this checkout, with their sizes; nothing is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        return {one.filename: one.file_size for one in wheel.infolist()}


def test_every_file_of_the_page_is_in_it(packed: dict[str, int]) -> None:
    files = {
        path.relative_to(ROOT).as_posix(): path.stat().st_size
        for path in STATIC.rglob("*")
        if path.is_file()
    }
    assert files
    assert {name: size for name, size in packed.items() if "/web/static/" in name} == files


def test_every_module_is_in_it(packed: dict[str, int]) -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("aiconvokit", "ingestion")
        for path in (ROOT / package).rglob("*.py")
    }
    assert modules - packed.keys() == set()


def test_nothing_else_is_in_it(packed: dict[str, int]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in packed} == {"aiconvokit", "ingestion"}
    assert [name for name in packed if "__pycache__" in name or "tests/" in name] == []
