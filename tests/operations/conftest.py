from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.llm import client
from aiconvokit.operations.doctor.examination import Examination, Patient
from aiconvokit.operations.doctor.findings import Finding, Findings, secrets_of

KEY = "sk-test-secret"

Look = Callable[[Settings], Awaitable[dict[str, Finding]]]


@pytest.fixture(autouse=True)
def _retry_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRY_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(client, "UNSAID_WAIT_SECONDS", 0.01)


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """A whole examination; findings by name, of which none may hold a secret."""

    async def examine(settings: Settings) -> dict[str, Finding]:
        url = settings.database_url
        patient = Patient(
            settings=settings,
            data_dir=tmp_path,
            database_url=url.get_secret_value() if url else None,
            is_embedded=False,
            no_database="" if url else "There is none.",
            check_schema=schema.require_current,
        )
        findings = Findings(secrets_of(settings))
        await Examination(patient, findings, lambda _: None).run()
        for one in findings.all:
            assert KEY not in one.found + one.advice, one
            assert one.state == "ok" or one.advice, one
        return {one.name: one for one in findings.all}

    return examine
