"""How large the widget's files are, and what must never stand in them."""

import gzip
import re
from pathlib import Path

import pytest

import aiconvokit.web

FOLDER = Path(aiconvokit.web.__file__).parent / "static" / "widget"
LOADER_BYTES = 5_000
PAGE_BYTES = 30_000
LINES = 300
HOSTS_OWN = {"preview.html", "preview.css", "preview.js", "loader.js"}
PAGE = sorted(path for path in FOLDER.iterdir() if path.name not in HOSTS_OWN)
SCRIPTS = sorted(FOLDER.glob("*.js"))

FORBIDDEN = (
    r"\beval\s*\(",
    r"\bnew Function\b",
    r"\b(inner|outer)HTML\b",
    r"insertAdjacentHTML",
    r"document\.write",
    r"srcdoc",
    r"setAttribute\(\s*[\"']style",
    r"postMessage\([^)]*[\"']\*[\"']",
    r"document\.cookie",
)
IMPORT = re.compile(r"""from "\./([a-z]+\.js)";""")


def _zipped(*paths: Path) -> int:
    return sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in paths)


def test_the_loader_is_small() -> None:
    assert _zipped(FOLDER / "loader.js") <= LOADER_BYTES


def test_the_page_in_the_frame_is_small() -> None:
    assert _zipped(*PAGE) <= PAGE_BYTES


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_makes_no_markup_from_text(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < LINES
    assert [one for one in FORBIDDEN if re.search(one, text)] == []


def test_the_loader_leaves_one_global() -> None:
    text = (FOLDER / "loader.js").read_text()
    assert set(re.findall(r"window\.(\w+)\s*=[^=]", text)) == {"AIConvoKit"}
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip()
    assert code.startswith("(() => {")
    assert code.endswith("})();")
    assert "Storage" not in code


def test_html_carries_no_script_and_no_style_of_its_own() -> None:
    for page in FOLDER.glob("*.html"):
        text = page.read_text()
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text) == []
        assert re.findall(r"(?:src|href)=\"(?!\{\{assets\}\}/widget/)", text) == []


def test_every_module_of_the_frame_is_fetched_at_once() -> None:
    page = (FOLDER / "embed.html").read_text()
    named = set(re.findall(r"/widget/([a-z]+\.js)", page))
    imported = {one for path in PAGE for one in IMPORT.findall(path.read_text())}
    assert named == imported | {"embed.js"}
    assert {path.name for path in PAGE if path.suffix == ".js"} == named


def test_texts_are_the_same_in_every_language() -> None:
    text = (FOLDER / "texts.js").read_text()
    english, german = (
        dict(re.findall(r'^    (\w+): "(.+)",$', part, flags=re.MULTILINE))
        for part in re.split(r"^  de: \{$", text, flags=re.MULTILINE)
    )
    assert len(english) > 40
    assert english.keys() == german.keys()
    for name, said in english.items():
        assert re.findall(r"\{\w+\}", said) == re.findall(r"\{\w+\}", german[name]), name
