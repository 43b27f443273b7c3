"""A real endpoint, named by the environment: `pytest -m live tests/llm/conformance`."""

import os

import pytest

DEADLINE_SECONDS = 600.0
"""For one answer. The wire is tested, not how fast a small model is on a busy machine."""


def setting(name: str) -> str:
    """AICONVOKIT_LIVE_<name>; the test is skipped where it is not set."""
    value = os.environ.get(f"AICONVOKIT_LIVE_{name}")  # noqa: TID251  # no setting of the program
    if not value:
        pytest.skip(f"AICONVOKIT_LIVE_{name} is not set")
    return value


def api_key() -> str | None:
    """Many local servers want none."""
    return os.environ.get("AICONVOKIT_LIVE_API_KEY")  # noqa: TID251  # no setting of the program
