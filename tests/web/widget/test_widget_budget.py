"""What a day's budget is worth: counted before a model is asked, across processes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aiconvokit.web.widget.budget import REWRITE_TOKENS
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, Server, running_server
from support.waiting import eventually
from web.widget.visitors import (
    QUESTION,
    TEXT,
    Visitor,
    change,
    events,
    refused,
    usage,
    visitor,
    widget,
)

LOOPS = 16
BUDGET = 3


@pytest.fixture(scope="module")
def second(database: str, fake_server: FakeModel, server: Server) -> Iterator[Server]:
    """Another process on the same database."""
    model = {"AICONVOKIT_CHAT_MODEL": "fake"}
    with running_server(database, fake_server.base_url, "--no-worker", environment=model) as found:
        yield found


def until_midnight(answer_header: str) -> bool:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return abs(int(answer_header) - (midnight - now).total_seconds()) < 60


def looped(visitors: list[Visitor]) -> list[int]:
    """Each of them asks, all at once."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        return list(pool.map(lambda one: one.post().status_code, visitors))


def test_many_at_once_cost_the_budget_and_no_more(
    server: Server, second: Server, ann: Client, assistant: int, fake: FakeModel
) -> None:
    made = widget(ann, assistant, messages_per_day=BUDGET)
    crowd = [visitor((server, second)[n % 2], made["key"]) for n in range(LOOPS)]
    statuses = looped(crowd)
    assert sorted(statuses) == [200] * BUDGET + [429] * (LOOPS - BUDGET)
    assert len(fake.chats()) == BUDGET
    assert usage(ann, made["id"])["messages"] == BUDGET
    last = crowd[0].post()
    refused(last, 429, "budget_spent")
    assert until_midnight(last.headers["retry-after"])
    assert len(fake.chats()) == BUDGET


def test_one_visitor_in_many_tabs_costs_one_visitors_budget(
    server: Server, second: Server, ann: Client, assistant: int, fake: FakeModel
) -> None:
    made = widget(ann, assistant, visitor_messages_per_day=BUDGET)
    name = "one-and-the-same-browser"
    tabs = [visitor((server, second)[n % 2], made["key"], name) for n in range(LOOPS)]
    assert sorted(looped(tabs)) == [200] * BUDGET + [429] * (LOOPS - BUDGET)
    assert len(fake.chats()) == BUDGET
    assert visitor(server, made["key"]).ask()[-1].name == "done"
    assert usage(ann, made["id"])["messages"] == BUDGET + 1


def test_one_tab_that_loops(server: Server, ann: Client, assistant: int, fake: FakeModel) -> None:
    """What is refused because another answer is being written costs nothing."""
    made = widget(ann, assistant, messages_per_day=BUDGET)
    ada = visitor(server, made["key"])
    statuses: list[int] = []
    while statuses.count(200) < BUDGET:
        statuses += looped([ada] * 4)
    assert statuses.count(200) == BUDGET
    assert set(statuses) <= {200, 409, 429}
    assert len(fake.chats()) == BUDGET
    refused(ada.post(), 429, "budget_spent")


def test_tokens_as_the_model_counts_them(
    server: Server, ann: Client, assistant: int, fake: FakeModel
) -> None:
    made = widget(ann, assistant)
    ada = visitor(server, made["key"])
    ada.ask()
    [chat] = ann.get(f"{API}/widgets/{made['id']}/chats/").json()
    counted = ann.get(chat["absolute_url"]).json()["messages"][1]["usage"]
    assert counted["prompt_tokens"] > 0
    assert usage(ann, made["id"]) == {"messages": 1, "tokens": sum(counted.values())}


@pytest.mark.parametrize("whose", ["tokens_per_day", "visitor_tokens_per_day"])
def test_tokens_that_are_spent(
    server: Server, ann: Client, assistant: int, fake: FakeModel, whose: str
) -> None:
    made = widget(ann, assistant, **{whose: 1})
    name = "spends-all-of-it-at-once"
    crowd = [visitor(server, made["key"], name) for _ in range(6)]
    # Those that come while the first answer is being written count with what it may cost.
    assert sorted(looped(crowd)) == [200] + [429] * 5
    refused(crowd[0].post(), 429, "budget_spent")
    assert len(fake.chats()) == 1
    change(ann, made["id"], **{whose: 1_000_000})
    assert crowd[0].post().status_code == 200


@pytest.fixture(scope="module")
def uncounted(cluster_url: str, fake_server: FakeModel) -> Iterator[Server]:
    """A server whose model drips and counts nothing."""
    model = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.1"}
    with running_server(clone(cluster_url), fake_server.base_url, environment=model) as found:
        yield found


@pytest.fixture(scope="module")
def olga(uncounted: Server) -> Iterator[Client]:
    with uncounted.login("olga") as client:
        yield client


def test_an_answer_that_nobody_waited_for(uncounted: Server, olga: Client, fake: FakeModel) -> None:
    made = widget(olga, olga.assistant()["id"])
    ada = visitor(uncounted, made["key"])
    fake.script("On and on. " * 100)
    with ada.streamed() as response:
        names = [one.name for one, _ in zip(events(response), range(6), strict=False)]
        assert names[:2] == ["start", "delta"]
        assert usage(olga, made["id"])["tokens"] > 6_000, "counts while it is being written"
    eventually(lambda: fake.chats()[-1].outcome == "client_gone")
    eventually(lambda: usage(olga, made["id"])["tokens"] < 500)
    spent = usage(olga, made["id"])
    assert spent["messages"] == 1
    prompt = sum(len(one["content"].split()) for one in fake.chats()[-1].body["messages"])
    assert spent["tokens"] > prompt


def test_a_client_that_begins_and_leaves_again_and_again(
    uncounted: Server, olga: Client, fake: FakeModel
) -> None:
    made = widget(olga, olga.assistant()["id"], messages_per_day=BUDGET)
    fake.script("On and on. " * 100)
    for _ in range(BUDGET):
        with visitor(uncounted, made["key"]).streamed() as response:
            assert response.status_code == 200
    refused(visitor(uncounted, made["key"]).post(), 429, "budget_spent")
    eventually(lambda: {one.outcome for one in fake.chats()} == {"client_gone"})
    assert len(fake.chats()) == BUDGET


def test_a_model_that_does_not_count(cluster_url: str, fake: FakeModel) -> None:
    model = {"AICONVOKIT_CHAT_MODEL": "fake:no_usage"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=model) as server,
        server.login("ann") as ann,
    ):
        made = widget(ann, ann.assistant()["id"])
        ada = visitor(server, made["key"])
        fake.script("word " * 300)
        ada.ask(QUESTION)
        assert 300 < usage(ann, made["id"])["tokens"] < 500


def test_without_a_model_nothing_is_spent_but_messages(cluster_url: str, fake: FakeModel) -> None:
    with (
        running_server(clone(cluster_url), fake.base_url) as server,
        server.login("ann") as ann,
    ):
        made = widget(ann, ann.assistant()["id"], messages_per_day=1)
        ada = visitor(server, made["key"])
        ada.ask()
        assert usage(ann, made["id"]) == {"messages": 1, "tokens": 0}
        refused(ada.post(), 429, "budget_spent")


def test_a_process_that_dies_has_spent(cluster_url: str, fake: FakeModel) -> None:
    database = clone(cluster_url)
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.2"}
    fake.script("On and on. " * 100)
    with running_server(database, fake.base_url, environment=settings) as first:
        ann = first.login("ann")
        made = widget(ann, ann.assistant()["id"], messages_per_day=1)
        ada = visitor(first, made["key"])
        with ada.streamed() as response:
            sent = events(response)
            assert next(sent).name == "start"
            first.kill()
    token = ann.headers["authorization"]
    ann.close()
    with running_server(database, fake.base_url, environment=settings) as server:
        with server.client(Authorization=token) as client:
            spent = usage(client, made["id"])
        assert spent["messages"] == 1
        assert spent["tokens"] > 6_000
        ada.server = server
        refused(ada.post(), 429, "budget_spent")


async def test_a_client_that_leaves_while_its_question_is_rewritten(
    cluster_url: str, fake: FakeModel
) -> None:
    model = {"AICONVOKIT_CHAT_MODEL": "fake@2000", "AICONVOKIT_QUERY_REWRITE": "model"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=model) as server,
        server.login("ann") as ann,
    ):
        made = widget(ann, ann.assistant(contract_md=TEXT)["id"])
        ada = visitor(server, made["key"])
        ada.ask()
        before = usage(ann, made["id"])
        signed = {"Authorization": f"Visitor {ada.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=signed) as client:
            follow_up = client.post(ada.path("messages/"), json={"input": "And why?"})
            asking = asyncio.create_task(follow_up)
            await asyncio.to_thread(eventually, lambda: len(fake.chats()) == 2)
            asking.cancel()
        eventually(lambda: usage(ann, made["id"])["tokens"] < before["tokens"] + 6_000)
        after = {"messages": 2, "tokens": before["tokens"] + REWRITE_TOKENS}
        assert usage(ann, made["id"]) == after


@pytest.fixture(scope="module")
def strict(cluster_url: str, fake_server: FakeModel) -> Iterator[Server]:
    """A server that counts the requests of an address."""
    settings = {"AICONVOKIT_CHAT_MODEL": "fake", "AICONVOKIT_LIMITS": "on"}
    with running_server(clone(cluster_url), fake_server.base_url, environment=settings) as found:
        yield found


@pytest.mark.parametrize(
    ("others", "method", "path", "body"),
    [
        (0, "GET", "messages/", None),
        (0, "PUT", "messages/msg_x/rating/", {"rating": 1}),
        (60, "POST", "restart/", {}),  # counted with the thumbs
    ],
)
def test_reloads_and_clicks_of_one_address_are_throttled(
    strict: Server, others: int, method: str, path: str, body: object
) -> None:
    with strict.login(f"owner{len(path)}") as owner:
        ada = visitor(strict, widget(owner, owner.assistant()["id"])["key"])
        answered = 0
        while (answer := ada.request(method, path, body)).status_code != 429:
            assert answer.status_code in {200, 204, 404}
            answered += 1
            assert answered < 500, "never throttled"
        assert answered >= 60 - others
        refused(answer, 429, "throttled")
        assert int(answer.headers["retry-after"]) >= 1


def test_requests_of_one_address_are_throttled(cluster_url: str, fake: FakeModel) -> None:
    settings = {"AICONVOKIT_CHAT_MODEL": "fake", "AICONVOKIT_LIMITS": "on"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=settings) as server,
        server.login("ann") as ann,
    ):
        made = widget(ann, ann.assistant()["id"])
        ada = visitor(server, made["key"])
        answers = [ada.post() for _ in range(25)]
        statuses = [one.status_code for one in answers]
        assert 20 <= statuses.count(200) < 25
        throttled = next(one for one in answers if one.status_code == 429)
        refused(throttled, 429, "throttled")
        assert int(throttled.headers["retry-after"]) >= 1
        assert usage(ann, made["id"])["messages"] == statuses.count(200) == len(fake.chats())
        begun = [Visitor(server, made["key"]).begin() for _ in range(40)]
        assert {one.status_code for one in begun} == {200, 429}
        refused(next(one for one in begun if one.status_code == 429), 429, "throttled")
