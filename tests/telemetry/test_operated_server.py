"""One server as an operator has it: JSON logs, metrics, traces, health; driven, then looked at."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from fake_model.server import FakeModel
from support.collector import Collector, attributes, running_collector
from support.server import API, Client, Server
from support.waiting import eventually

FILE = b"# Lease\n\nThe canary-content rent of the office is EUR 4,321 a month.\n"
QUESTION = "How high is the canary-question rent of the office?"
SECRETS = ("canary-content", "4,321", "canary-question", "canary-file", "canary-password", "ack_")
REPLY = "The rent of the office is EUR 4,321 a month [1]."
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
ASK = f"PUT {API}/chat/{{chat_id}}"

Samples = dict[str, float]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as found:
        yield found


@pytest.fixture(scope="module")
def settings(collector: Collector) -> dict[str, str]:
    return {
        "AICONVOKIT_LOG_FORMAT": "json",
        "AICONVOKIT_CHAT_MODEL": "fake",
        "AICONVOKIT_LIMITS": "on",
        "AICONVOKIT_LOGIN_BURST": "3",
        "AICONVOKIT_TRUSTED_PROXIES": "127.0.0.1",  # requests are rewritten on their way in
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }


@pytest.fixture(autouse=True)
def _well(fake: FakeModel) -> Iterator[None]:
    """The models behave again after each test."""
    yield
    fake.reset()


@pytest.fixture(scope="module")
def chat(ann: Client) -> tuple[int, int]:
    """A chat, and the assistant of it that has read a file."""
    made = ann.assistant("Reports", **{"canary-file_md": FILE})
    assert [one["status"] for one in made["documents"]] == ["ready"]
    return ann.chat(made["id"]), made["id"]


def samples(client: httpx.Client) -> Samples:
    """What a scrape says, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


def lines(server: Server) -> list[dict[str, Any]]:
    """The log without what the command prints for people; each line is an object."""
    log = server.log.read_text().splitlines()
    begin = next(number for number, line in enumerate(log) if line == "Ctrl-C stops it.")
    return [json.loads(line) for line in log[begin + 1 :]]


def ask(client: httpx.Client, chat: tuple[int, int], **headers: str) -> httpx.Response:
    chat_id, assistant_id = chat
    body = {"assistant_id": assistant_id, "input": QUESTION}
    return client.put(f"{API}/chat/{chat_id}/", json=body, headers=headers)


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("my.request_1-A", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False)],
)
@pytest.mark.parametrize("path", ["/health/live", f"{API}/chat/", "/v1/models", "/nowhere"])
def test_every_answer_has_its_requests_id(
    server: Server,
    given: str,
    is_kept: bool,  # noqa: FBT001  # a parameter of the table above
    path: str,
) -> None:
    with server.client() as client:
        answer = client.get(path, headers={"X-Request-ID": given} if given else {})
    (said,) = answer.headers.get_list("x-request-id")
    assert said == given if is_kept else re.fullmatch(r"req_\w{24}", said)


def test_a_turn_is_counted(ann: Client, chat: tuple[int, int], fake: FakeModel) -> None:
    fake.script(REPLY)
    before = samples(ann)
    answer = ask(ann, chat)
    assert answer.status_code == 200, answer.text
    after = samples(ann)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    route = f'method="PUT",route="{API}/chat/{{chat_id}}"'
    assert grown(f'aiconvokit_http_requests_total{{{route},status="200"}}') == 1
    assert grown(f"aiconvokit_http_request_duration_seconds_count{{{route}}}") == 1
    assert grown('aiconvokit_turns_total{outcome="stop"}') == 1
    for phase in ("embed", "search", "first_token", "model", "attribution", "total"):
        assert grown(f'aiconvokit_turn_phase_seconds_count{{phase="{phase}"}}') == 1, phase
    usage = answer.json()["usage"]
    for kind in ("prompt", "completion"):
        tokens = grown(f'aiconvokit_model_tokens_total{{kind="{kind}",model="fake"}}')
        assert tokens == usage[f"{kind}_tokens"] > 0
    assert grown("aiconvokit_embedder_texts_total") > 0


def test_a_turn_that_nobody_stores_is_counted(ann: Client, chat: tuple[int, int]) -> None:
    model = ann.get(f"{API}/assistants/{chat[1]}/").json()["openai_id"]
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    outcome = 'aiconvokit_turns_total{outcome="stop"}'
    before = samples(ann).get(outcome, 0)
    assert ann.post("/v1/chat/completions", json=body).status_code == 200
    assert samples(ann)[outcome] == before + 1


def test_a_request_is_a_line(server: Server, ann: Client, chat: tuple[int, int]) -> None:
    ask(ann, chat, **{"X-Request-ID": "mine"})
    (line,) = (one for one in lines(server) if one["request_id"] == "mine")
    told = {"method": "PUT", "route": f"{API}/chat/{{chat_id}}", "status": 200, "level": "INFO"}
    assert told.items() <= line.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["user_id"] == 1
    assert line["duration_ms"] > 0


def test_a_turn_is_traced(
    ann: Client, chat: tuple[int, int], fake: FakeModel, collector: Collector
) -> None:
    fake.script(REPLY)
    usage = ask(ann, chat, traceparent=f"00-{TRACE}-{PARENT}-01").json()["usage"]
    eventually(lambda: any(one.trace_id.hex() == TRACE for one in collector.named(ASK)))
    (request,) = (one for one in collector.named(ASK) if one.trace_id.hex() == TRACE)
    assert request.parent_span_id.hex() == PARENT
    assert attributes(request)["http.response.status_code"] == 200
    (turn,) = collector.inside(request)
    assert turn.name == "turn"
    assert attributes(turn)["aiconvokit.outcome"] == "stop"
    assert attributes(turn)["aiconvokit.prompt_tokens"] == usage["prompt_tokens"]
    parts = collector.inside(turn)
    assert [one.name for one in parts] == ["search", "model", "prove", "record"]
    search, model, *_ = parts
    (embed,) = collector.inside(search)
    assert embed.name == "embed"
    assert [one.name for one in model.events] == ["first token"]
    for inner, outer in ((search, turn), (embed, search), (model, turn), (turn, request)):
        assert inner.trace_id == outer.trace_id
        assert within(inner, outer), (inner.name, outer.name)


def within(inner: Span, outer: Span) -> bool:
    """Whether it is, but for the millisecond that two clocks may differ by."""
    begins = outer.start_time_unix_nano - 10**6 <= inner.start_time_unix_nano
    return begins and inner.end_time_unix_nano <= outer.end_time_unix_nano + 10**6


def test_a_document_is_traced_and_timed(
    ann: Client, chat: tuple[int, int], collector: Collector
) -> None:
    eventually(lambda: bool(collector.named("document")))
    (document,) = collector.named("document")
    assert attributes(document) == {"aiconvokit.document_id": 1}
    assert [one.name for one in collector.inside(document)] == ["parse", "embed", "store"]
    found = samples(ann)
    for phase in ("parse", "embed", "store"):
        assert found[f'aiconvokit_document_phase_seconds_count{{phase="{phase}"}}'] == 1
    assert set(collector.paths) == {"/v1/traces"}


def test_what_the_database_and_the_pools_say(ann: Client, chat: tuple[int, int]) -> None:
    eventually(lambda: samples(ann)['aiconvokit_documents{status="ready"}'] == 1)
    found = samples(ann)
    assert found["aiconvokit_database_up"] == 1
    assert found["aiconvokit_database_size_bytes"] > 1_000_000
    assert found['aiconvokit_documents{status="failed"}'] == 0
    assert found["aiconvokit_queue_oldest_seconds"] == 0
    assert found["aiconvokit_queue_jobs"] == 0
    assert found["aiconvokit_workers"] == 1
    assert found["aiconvokit_worker_heartbeat_age_seconds"] < 20
    for pool in ("sessions", "turns", "owner"):
        size = found[f'aiconvokit_pool_size{{pool="{pool}"}}']
        assert 0 <= found[f'aiconvokit_pool_in_use{{pool="{pool}"}}'] <= size
    assert found['aiconvokit_pool_size{pool="turns"}'] == 10
    assert found['aiconvokit_pool_waiting{pool="turns"}'] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_faults_of_a_model_are_counted_and_told_by_the_health_page(
    ann: Client, chat: tuple[int, int], fake: FakeModel
) -> None:
    fake.spoil("/chat/completions", "500")
    fault = 'aiconvokit_model_faults_total{code="model_unreachable",kind="chat"}'
    failed = 'aiconvokit_turns_total{outcome="failed"}'
    before = samples(ann)
    assert ask(ann, chat).status_code == 502
    after = samples(ann)
    assert after[fault] - before.get(fault, 0) == 2, "each try"
    assert after[failed] - before.get(failed, 0) == 1
    assert models_of(ann) == ("unavailable", "ok")
    fake.reset()
    assert ask(ann, chat).status_code == 200
    assert models_of(ann) == ("ok", "ok")


def models_of(client: httpx.Client) -> tuple[str, str]:
    answer = client.get("/health/ready")
    assert answer.status_code == 200, "models do not decide"
    checks = answer.json()["checks"]
    return checks["chat_model"], checks["embedder"]


def test_open_streams_and_those_who_leave(
    ann: Client, chat: tuple[int, int], fake: FakeModel
) -> None:
    chat_id, assistant_id = chat
    fake.spoil("/chat/completions", "hang")
    body = {"assistant_id": assistant_id, "input": QUESTION, "stream": True}
    left = 'aiconvokit_turns_total{outcome="interrupted"}'
    before = samples(ann)
    with ann.stream("PUT", f"{API}/chat/{chat_id}/", json=body) as stream:
        assert next(stream.iter_lines()) == "event: start"
        assert samples(ann)["aiconvokit_open_streams"] == 1
    eventually(lambda: samples(ann)["aiconvokit_open_streams"] == 0)
    assert samples(ann)[left] - before.get(left, 0) == 1


def test_what_a_caller_makes_up_is_no_label(server: Server, ann: Client) -> None:
    for number in range(3):
        ann.get(f"/made-up-{number}")
        ann.get(f"{API}/assistants/{10**6 + number}/")
    ann.request("BREW", "/")
    found = samples(ann)
    assert not [name for name in found if "made-up" in name or "1000000" in name or "BREW" in name]
    assert found['aiconvokit_http_requests_total{method="GET",route="unmatched",status="404"}'] >= 3


def test_refused_logins_are_counted(server: Server, ann: Client) -> None:
    with server.client() as client:
        wrong = {"username": "bob", "password": "canary-password"}
        before = samples(ann)["aiconvokit_throttled_total"]
        answers = [client.post(f"{API}/tokens/", json=wrong).status_code for _ in range(5)]
        assert 429 in answers
        assert samples(ann)["aiconvokit_throttled_total"] == before + answers.count(429)


def test_the_log_is_json_and_holds_nothing_of_users(
    server: Server, ann: Client, chat: tuple[int, int]
) -> None:
    ask(ann, chat)
    ann.post(f"{API}/chat/", content=b'{"canary-question', headers={"Content-Type": "text/plain"})
    ann.get(f"{API}/assistants/", headers={"Authorization": "Token ack_canary-password"})
    ann.get("/canary-question?key=canary-password")
    ann.get("/health/live")
    found = lines(server)
    assert {"time", "level", "logger", "message", "request_id", "user_id"} <= found[0].keys()
    assert [one for one in found if one.get("route") == "unmatched"]
    assert not [one for one in found if one.get("route", "").startswith(("/health", "/metrics"))]
    log = server.log.read_text()
    for secret in (*SECRETS, "sk-test-secret"):
        assert secret not in log, secret


def test_traces_hold_nothing_of_users(
    ann: Client, chat: tuple[int, int], collector: Collector
) -> None:
    ask(ann, chat, **{"X-Request-ID": "the-last"})
    eventually(lambda: "the-last" in str(collector.spans))
    sent = str(collector.spans)
    for secret in SECRETS:
        assert secret not in sent, secret
    assert not [one for one in collector.spans if one.name.endswith(("/metrics", "/live"))]
