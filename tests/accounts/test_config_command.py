"""`aiconvokit config`: what holds and where it comes from, no secret, and what is weak."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from aiconvokit.cli.runtime import load_settings
from aiconvokit.cli.weak_settings import warnings
from aiconvokit.config import Settings
from aiconvokit.errors import ConfigurationError
from support.starter import run

LOCAL = "http://127.0.0.1:11434/v1"
SECRET = "sk-a-real-secret"
URL = "postgresql://kit:hunter22@db.example.com:5432/kit"


def config(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    told = {"PATH": os.environ["PATH"], **environment}  # noqa: TID251  # a test starts a process
    done = run(["config", *arguments], told, timeout=60)
    for secret in (SECRET, "hunter22"):
        assert secret not in done.stdout + done.stderr
    return done


def warned(**settings: object) -> set[str]:
    """The codes of what is weak in settings, by the names of their fields."""
    told = list(warnings(Settings.model_validate({"openai_base_url": LOCAL, **settings})))
    assert not any(SECRET in one.sentence for one in told)
    return {one.code for one in told}


def test_each_setting_with_its_source(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{SECRET}\n")
    done = config(
        "--json",
        DATABASE_URL=URL,
        OPENAI_API_KEY_FILE=str(key),
        OPENAI_BASE_URL=f"https://me:{SECRET}@models.example.com/v1",
        AICONVOKIT_CHAT_MODEL="gpt",
        AICONVOKIT_AUDIT_DAYS="30",
        AICONVOKIT_REGISTRATION="",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    shown = {one["variable"]: (one["value"], one["source"]) for one in found["settings"]}
    expected = {
        "DATABASE_URL": ("*** at db.example.com", "environment"),
        "OPENAI_API_KEY_FILE": ("***", "file"),
        "OPENAI_BASE_URL": ("***", "environment"),
        "AICONVOKIT_CHAT_MODEL": ("gpt", "environment"),
        "AICONVOKIT_AUDIT_DAYS": ("30", "environment"),
        "AICONVOKIT_REGISTRATION": ("auto", "default"),
        "AICONVOKIT_EMBEDDING_API_KEY": (None, "default"),
        "AICONVOKIT_LOGIN_BURST": ("10", "default"),
    }
    assert expected.items() <= shown.items()
    assert found["warnings"] == []


def test_what_is_weak() -> None:
    public = {"base_url": "http://ai.example.com"}
    assert warned(**public, registration="open", rate_limits="off") == {
        "limits_off",
        "registration_open",
        "base_url_http",
        "no_allowed_hosts",
    }
    assert warned(base_url="http://localhost:8000", registration="open") == set()
    assert warned(base_url="https://ai.example.com", allowed_hosts="ai.example.com") == set()
    assert warned(metrics_token="short") == {"metrics_token"}
    assert warned(openai_base_url="http://models.example.com/v1", openai_api_key=SECRET) == {
        "openai_base_url_http",
        "embedding_base_url_http",
    }
    assert warned(openai_api_key=SECRET) == set()


@pytest.mark.parametrize(
    ("url", "is_weak"),
    [
        ("postgresql://kit@db/kit", True),
        ("postgresql://postgres:postgres@db/kit", True),
        ("postgresql://kit:kit@db/kit", True),
        ("postgresql://kit@db/kit?password=hunter22", False),
        ("postgresql:///kit?host=/run/postgresql", False),
        (URL, False),
    ],
)
def test_weak_database_passwords(url: str, *, is_weak: bool) -> None:
    assert ("database_password" in warned(database_url=url)) is is_weak


def test_as_lines() -> None:
    lines = config(OPENAI_API_KEY=SECRET, AICONVOKIT_LIMITS="off").stdout.splitlines()
    assert {"OPENAI_API_KEY=***  # environment", "AICONVOKIT_LIMITS=off  # environment"} <= set(
        lines
    )
    assert lines[-1].startswith("WARNING limits_off: AICONVOKIT_LIMITS=off")


def test_a_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")
    file = "The file of OPENAI_API_KEY_FILE"
    for path, sentence in (
        (tmp_path / "missing", f"{file} cannot be read: No such file or directory."),
        (tmp_path, f"{file} cannot be read: Is a directory."),
        (binary, f"{file} cannot be read: it is no text."),
        (empty, f"{file} is empty."),
    ):
        monkeypatch.setenv("OPENAI_API_KEY_FILE", str(path))
        with pytest.raises(ConfigurationError) as refused:
            load_settings()
        assert str(refused.value) == sentence


def test_a_secret_and_its_file_are_refused_together(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    both = config(DATABASE_URL_FILE=str(key), DATABASE_URL=URL)
    sentence = "DATABASE_URL and DATABASE_URL_FILE are both set. Set one."
    assert (both.returncode, both.stderr) == (2, f"aiconvokit: {sentence}\n")
