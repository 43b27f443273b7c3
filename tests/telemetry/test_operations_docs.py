"""docs/operations.md and docs/alerts.yml are true: metrics are there, alerts are explained."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own
from prometheus_client import generate_latest

from aiconvokit.operations.metrics.gauges import Gauges
from aiconvokit.operations.metrics.queries import Reading
from aiconvokit.services import Services
from aiconvokit.telemetry.instruments import REGISTRY

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
_METRIC = re.compile(r"\baiconvokit_[a-z_]+\b|\bprocess_[a-z_]+\b")
_TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
READING = Reading({"ready": 1}, 0.0, 0, 1, 1.0, 1)


@pytest.fixture
def exported(services: Services) -> dict[str, str]:
    """The type of each metric, by name."""
    text = generate_latest(REGISTRY) + generate_latest(Gauges(services, READING))
    return dict(_TYPE.findall(text.decode()))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names(exported: dict[str, str]) -> set[str]:
    """As queries say them."""
    return {name + part for name, kind in exported.items() for part in _PARTS[kind]}


async def test_every_metric_is_explained_and_every_explained_one_is_there(
    exported: dict[str, str],
) -> None:
    rows = re.findall(r"^\| `(\w+)(?:\{[\w, ]+\})?` \|", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    ours = {name for name in exported if name.startswith("aiconvokit_")}
    assert {name for name in rows if name.startswith("aiconvokit_")} == ours


async def test_alerts_name_what_there_is(exported: dict[str, str]) -> None:
    assert len(rules()) >= 10
    for rule in rules():
        named = set(_METRIC.findall(rule["expr"]))
        assert named, rule["alert"]
        assert named <= names(exported), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]


def test_every_alert_has_its_section() -> None:
    sections = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert sorted(sections) == sorted(rule["alert"] for rule in rules())


def test_queries_of_the_page_name_what_there_is(exported: dict[str, str]) -> None:
    for block in re.findall(r"^```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        assert set(_METRIC.findall(block)) <= names(exported), block
