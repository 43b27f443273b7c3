"""Office documents, made on the spot by the libraries that read them."""

import io
import zipfile
from collections.abc import Callable, Mapping

import docx
import pytest


@pytest.fixture
def word_file() -> bytes:
    """A Word document of one paragraph."""
    document = docx.Document()
    document.add_paragraph("The fee is 100 euros.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _repacked(data: bytes, changes: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """The archive with some entries replaced, changed or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before:
        entries = {name: before.read(name) for name in before.namelist()}
    for name, change in changes.items():
        entries[name] = change if isinstance(change, bytes) else change(entries[name])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name, content in entries.items():
            after.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="session")
def repack() -> Callable[[bytes, Mapping[str, bytes | Callable[[bytes], bytes]]], bytes]:
    return _repacked
