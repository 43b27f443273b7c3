"""What is read at the moment of a scrape, as Prometheus has it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from aiconvokit.db import Sessions
from aiconvokit.operations.metrics.queries import Reading
from aiconvokit.services import Services

_READ: Mapping[str, tuple[str, Callable[[Reading], float | None]]] = {
    "queue_oldest_seconds": (
        "How long the document that waits longest has waited; 0: none does.",
        lambda reading: reading.oldest_waiting,
    ),
    "queue_jobs": ("Jobs that no worker has taken yet.", lambda reading: reading.waiting_jobs),
    "workers": ("Workers that were heard of lately.", lambda reading: reading.workers),
    "worker_heartbeat_age_seconds": (
        "How long ago the last worker was heard of.",
        lambda reading: reading.heartbeat_age,
    ),
    "database_size_bytes": ("The database on its server's disk.", lambda reading: reading.size),
}

STATUSES = ("queued", "processing", "ready", "failed")
"""Told also where no document has them."""


class Gauges(Collector):
    """The figures of one scrape; without a reading those that need no database."""

    def __init__(self, services: Services, reading: Reading | None) -> None:
        self._services = services
        self._reading = reading

    @override
    def collect(self) -> Iterator[Metric]:
        yield from of_pools(self._services)
        yield from of_database(self._reading)


def of_database(reading: Reading | None) -> Iterator[Metric]:
    """What the database said; a figure that it did not tell has no sample."""
    is_up = 0 if reading is None else 1
    yield _gauge("database_up", "1: the database answered the scrape in time.", is_up)
    documents = GaugeMetricFamily(
        "aiconvokit_documents", "Documents of all users, by status.", labels=["status"]
    )
    if reading is not None:
        for status in sorted({*STATUSES, *reading.documents}):
            documents.add_metric([status], reading.documents.get(status, 0))
    yield documents
    for name, (meaning, value_of) in _READ.items():
        yield _gauge(name, meaning, None if reading is None else value_of(reading))


def of_pools(services: Services) -> Iterator[Metric]:
    """The pools of connections; how many wait for one, SQLAlchemy's do not tell."""
    size, used = (
        GaugeMetricFamily(f"aiconvokit_pool_{name}", meaning, labels=["pool"])
        for name, meaning in (
            ("size", "Most connections that a pool may open."),
            ("in_use", "Connections that are lent out now."),
        )
    )
    for name, sessions in (("sessions", services.sessions), ("owner", services.owner_sessions)):
        pool = _pool_of(sessions)
        size.add_metric([name], pool.size())
        used.add_metric([name], pool.checkedout())
    stats = services.pool.get_stats()
    size.add_metric(["turns"], stats["pool_max"])
    used.add_metric(["turns"], stats["pool_size"] - stats["pool_available"])
    waiting = GaugeMetricFamily(
        "aiconvokit_pool_waiting", "Who waits for a connection of a pool.", labels=["pool"]
    )
    waiting.add_metric(["turns"], stats["requests_waiting"])
    yield from (size, used, waiting)


def _pool_of(sessions: Sessions) -> QueuePool:
    engine: Any = sessions.kw["bind"]
    return cast("QueuePool", engine.pool)


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    found = GaugeMetricFamily(f"aiconvokit_{name}", meaning)
    if value is not None:
        found.add_metric([], value)
    return found
