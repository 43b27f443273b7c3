"""Licences that nobody allowed are refused, and an audit that knows nothing does not say so."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import aiconvokit

SCRIPTS = Path(aiconvokit.__file__).parent.parent / "requirements"
CLEAN = '{"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": []}]}'
FLAWED = """{"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": [
    {"id": "PYSEC-1", "fix_versions": ["3.0"]}]}]}"""


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["script"])


def test_licences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    licences = script("check_licences")
    monkeypatch.setattr(licences, "TABLE", tmp_path / "licences.md")
    assert licences.main() == 1
    assert "Run: make format" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["script", "--write"])
    assert licences.main() == 0
    monkeypatch.setattr(sys, "argv", ["script"])
    assert (licences.main(), capsys.readouterr().err) == (0, "")
    monkeypatch.setattr(licences, "ALLOWED", licences.ALLOWED - {"LGPL-3.0-only"})
    assert licences.main() == 1
    assert "psycopg is under LGPL-3.0-only: not among" in capsys.readouterr().err
    assert licences.licence_of("psycopg") == "LGPL-3.0-only"
    assert licences.licence_of("no-such-package") is None


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        ("", 2, "pip-audit had no answer"),
        (CLEAN, 2, "the package index has no advisories"),
        (FLAWED, 1, "jinja2 2.4.1: PYSEC-1, fixed in 3.0"),
    ],
)
def test_an_audit(
    *,
    answer: str,
    status: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    audit = script("audit")
    tool = tmp_path / "python"  # it answers whatever it is asked
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    tool.chmod(0o755)
    monkeypatch.setattr(audit, "tool", lambda: tool)
    assert audit.main() == status
    assert sentence in capsys.readouterr().err
