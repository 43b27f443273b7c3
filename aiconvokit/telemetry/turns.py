"""Questions that came to an end, counted."""

from collections.abc import Mapping
from typing import Final

from aiconvokit.telemetry.instruments import TURN_PHASE_SECONDS, TURNS

FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
_REASONS = frozenset(["stop", "length", "content_filter", "tool_calls", FAILED, INTERRUPTED])
"""Other finish reasons are whatever a model's server likes to say: "other" here."""
_PHASES = {
    phase: TURN_PHASE_SECONDS.labels(phase)
    for phase in (
        *("rewrite", "embed", "search", "first_token", "model", "attribution", "extract"),
        "total",
    )
}


def ended(outcome: str | None, milliseconds: Mapping[str, float]) -> None:
    """Count a turn.

    Args:
        outcome: the answer's finish reason, FAILED or INTERRUPTED.
        milliseconds: by part, as its receipt has them.
    """
    TURNS.labels(known(outcome)).inc()
    for part, took in milliseconds.items():
        if part in _PHASES:
            _PHASES[part].observe(took / 1000)


def known(outcome: str | None) -> str:
    """An outcome as it is counted."""
    return outcome if outcome in _REASONS else "other"
