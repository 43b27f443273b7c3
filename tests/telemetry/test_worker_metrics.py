"""What `serve` and `worker` do with metrics and traces when they start and stop."""

from pathlib import Path

import httpx
import pytest

from fake_model.server import FakeModel
from support.server import free_port, server_environment
from support.starter import start
from support.waiting import eventually

WITHOUT_OTEL = Path(__file__).parent / "no_otel.py"
SIGTERM = 15


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_an_endpoint_without_the_extra_is_told_at_once(tmp_path: Path, command: str) -> None:
    environment = server_environment(str(tmp_path), "postgresql://127.0.0.1:9/none", "http://x/v1")
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    log = tmp_path / "log"
    process = start([command], environment, log, patches=[WITHOUT_OTEL])
    assert process.wait(30) == 2
    assert "pip install 'aiconvokit[otel]'" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_worker_of_its_own_has_metrics_and_stops_beside_a_dead_collector(
    database_url: str, fake: FakeModel, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = server_environment(str(tmp_path), database_url, fake.base_url)
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    process = start(["worker", "--metrics-port", str(port)], environment, log)
    url = f"http://127.0.0.1:{port}"

    def scraped(path: str = "/metrics") -> httpx.Response | None:
        try:
            return httpx.get(f"{url}{path}", trust_env=False)
        except httpx.TransportError:
            return None

    try:
        eventually(lambda: "aiconvokit_workers 1.0" in getattr(scraped(), "text", ""))
        other = scraped("/api/v1/users/")
        assert other is not None
        assert (other.status_code, other.text) == (404, '{"detail":"Not found."}')
    finally:
        process.send_signal(SIGTERM)
        assert process.wait(60) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
