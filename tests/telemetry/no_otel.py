"""A patch for a server: OpenTelemetry's exporter is not installed."""

import sys

sys.modules["opentelemetry.exporter"] = None  # type: ignore[assignment]  # what a missing one is
