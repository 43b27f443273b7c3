"""Responses piece by piece, in the order of OpenAI's events; in the background; stopped."""

from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from openai.types.responses import ResponseStreamEvent

from fake_model.server import FakeModel
from openai_api.stores import store_of
from support.databases import clone
from support.official import official
from support.server import API, Client, running_server
from support.waiting import eventually

FACT = "Northwind employed 1,204 people at the end of 2025."
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]. Nothing else is known."
HOW_MANY = "How many people does Northwind employ?"
LONG = "A long answer. " * 50
RESULTS: Literal["file_search_call.results"] = "file_search_call.results"


@pytest.fixture(scope="module")
def tools(anns: openai.OpenAI) -> list[Any]:
    """The search of a vector store with one file."""
    store = store_of(anns, report=f"{FACT} Revenue was 48.3 million euros.")
    return [{"type": "file_search", "vector_store_ids": [store.id]}]


def test_events_come_in_openais_order(
    anns: openai.OpenAI, tools: list[Any], fake: FakeModel
) -> None:
    fake.script(PROVEN)
    events: list[Any] = list(
        anns.responses.create(
            model="gpt-4o", input=HOW_MANY, tools=tools, stream=True, include=[RESULTS]
        )
    )
    assert [one.sequence_number for one in events] == list(range(len(events)))
    order = list(dict.fromkeys(one.type.removeprefix("response.") for one in events))
    assert order == [
        "created",
        "in_progress",
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        "content_part.added",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "completed",
    ]
    added = [(one.output_index, one.item.type) for one in events if one.type.endswith("item.added")]
    done = [one for one in events if one.type.endswith("item.done")]
    assert added == [(0, "file_search_call"), (1, "message")]
    assert [(one.output_index, one.item.type) for one in done] == added
    assert done[0].item.results[0].filename == "report.txt"
    final = events[-1].response
    assert [one.item for one in done] == final.output
    text = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    noted = [one for one in events if one.type.endswith("annotation.added")]
    whole = final.output[1].content[0]
    assert text == whole.text == final.output_text
    assert [one.annotation_index for one in noted] == [0]
    assert noted[0].annotation.to_dict() == whole.annotations[0].to_dict()
    assert text[whole.annotations[0].index :].startswith("[1]")
    assert events[0].response.id == final.id
    assert events[0].response.output == []
    assert anns.responses.retrieve(final.id, include=[RESULTS]) == final
    again: list[Any] = list(anns.responses.retrieve(final.id, stream=True, include=[RESULTS]))
    assert list(dict.fromkeys(one.type.removeprefix("response.") for one in again)) == order
    assert again[-1].response == final
    with pytest.raises(openai.BadRequestError, match="starting_after"):
        anns.responses.retrieve(final.id, stream=True, starting_after=3)


@pytest.mark.parametrize("store", [True, False])
def test_the_helper_follows(
    anns: openai.OpenAI, tools: list[Any], fake: FakeModel, *, store: bool
) -> None:
    fake.script(PROVEN)
    said = ""
    with anns.responses.stream(model="gpt-4o", input=HOW_MANY, tools=tools, store=store) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                said += event.delta
                assert event.snapshot == said
        final = stream.get_final_response()
    assert final.output_text == said
    assert FACT in said
    assert final.status == "completed"


def test_a_model_that_fails_is_told_as_a_failure(
    anns: openai.OpenAI, ann: Client, fake: FakeModel
) -> None:
    path = "/chat/completions"
    fake.spoil(path, "500")
    failed: Any = list(anns.responses.create(model="fake", input="Hello?", stream=True))[-1]
    assert (failed.type, failed.response.status) == ("response.failed", "failed")
    assert failed.response.error.code == "server_error"
    kept = anns.responses.retrieve(failed.response.id)
    assert (kept.status, kept.error) == ("failed", failed.response.error)
    unstored: Any = list(
        anns.responses.create(model="fake", input="Hello?", stream=True, store=False)
    )[-1]
    assert (unstored.type, unstored.response.status) == ("response.failed", "failed")
    fake.spoil(path, "context_length")
    for store in (True, False):
        asked: Any = {"model": "fake", "input": "Hello?", "store": store}
        long: Any = list(anns.responses.create(**asked, stream=True))[-1]
        assert long.response.error.code == "invalid_prompt"
        assert long.response.error.message == "The question is too long for the model."
    fake.spoil(path, "500")
    conversation, assistant = anns.conversations.create().id, ann.assistant("Silent")
    for model in ("fake", assistant["openai_id"]):
        with pytest.raises(openai.APIStatusError) as refused:
            anns.responses.create(model=model, input="Hello?", conversation=conversation)
        assert refused.value.status_code >= 500
    assert list(anns.conversations.items.list(conversation)) == []
    assert ann.get(f"{API}/chat/").json() == []
    fake.spoil(path, "length")
    cut: Any = list(anns.responses.create(model="fake", input="Hello?", stream=True))[-1]
    assert (cut.type, cut.response.status) == ("response.incomplete", "incomplete")
    assert cut.response.incomplete_details.reason == "max_output_tokens"


def test_reasoning_is_taken_back(anns: openai.OpenAI, fake: FakeModel) -> None:
    fake.spoil("/chat/completions", "slow_drip=0.05")  # so that it does not come at once
    fake.script("Let me see, and see again. </think>It is so.")
    events: list[Any] = list(anns.responses.create(model="fake", input="Is it?", stream=True))
    text = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    [whole] = [one for one in events if one.type == "response.output_text.done"]
    assert text == "Let me see, and see again.It is so."
    assert whole.text == events[-1].response.output_text == "It is so."
    with anns.responses.stream(model="fake", input="Is it?") as stream:
        assert stream.get_final_response().output_text == "It is so."
    fake.script("It is.")  # and unlearnt: it may reason or not
    assert anns.responses.create(model="fake", input="Is it?").output_text == "It is."


@pytest.fixture(scope="module")
def slow(cluster_url: str, fake_server: FakeModel) -> Iterator[openai.OpenAI]:
    """A user's client of a server whose model takes its time."""
    settings = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip"}
    with (
        running_server(clone(cluster_url), fake_server.base_url, environment=settings) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        yield client


def until_it_speaks(events: Iterator[ResponseStreamEvent]) -> str:
    """The id of the response that is told."""
    response_id = ""
    for one in events:
        if one.type == "response.created":
            response_id = one.response.id
        if one.type == "response.output_text.delta":
            break
    return response_id


def test_who_leaves_stops_it(slow: openai.OpenAI, fake: FakeModel) -> None:
    fake.script(LONG)
    with slow.responses.create(model="fake:slow_drip", input="Tell.", stream=True) as events:
        response_id = until_it_speaks(iter(events))
    eventually(lambda: slow.responses.retrieve(response_id).status == "cancelled")
    assert fake.chats()[-1].outcome == "client_gone"
    left: Any = slow.responses.retrieve(response_id).output[0]
    assert left.status == "incomplete"
    assert LONG.startswith(left.content[0].text)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        slow.responses.cancel(response_id)


def test_a_conversation_is_locked_while_one_is_in_work(
    slow: openai.OpenAI, fake: FakeModel
) -> None:
    conversation = slow.conversations.create().id
    fake.script(LONG)
    with slow.responses.create(
        model="fake:slow_drip", input="Tell.", conversation=conversation, stream=True
    ) as events:
        until_it_speaks(iter(events))
        for locked in (
            lambda: slow.responses.create(
                model="fake:slow_drip", input="And?", conversation=conversation
            ),
            lambda: slow.conversations.items.create(
                conversation, items=[{"role": "user", "content": "Wait."}]
            ),
        ):
            with pytest.raises(openai.ConflictError) as refused:
                locked()
            assert refused.value.code == "conversation_locked"
    eventually(lambda: len(list(slow.conversations.items.list(conversation))) == 2)
    slow.conversations.delete(conversation)


def test_in_the_background_it_goes_on(slow: openai.OpenAI, fake: FakeModel) -> None:
    fake.script("Soon there.")
    made = slow.responses.create(model="fake:slow_drip", input="Tell.", background=True)
    assert (made.status, made.background, made.output) == ("queued", True, [])
    eventually(lambda: slow.responses.retrieve(made.id).status == "completed")
    assert slow.responses.retrieve(made.id).output_text == "Soon there."
    assert slow.responses.cancel(made.id).status == "completed"
    fake.script(LONG)
    with slow.responses.create(
        model="fake:slow_drip", input="Tell.", background=True, stream=True
    ) as events:
        response_id = until_it_speaks(iter(events))
    assert slow.responses.retrieve(response_id).status == "in_progress"
    with pytest.raises(openai.BadRequestError, match="still in progress"):
        slow.responses.create(
            model="fake:slow_drip", input="And?", previous_response_id=response_id
        )
    assert slow.responses.cancel(response_id).status == "cancelled"
    again = slow.responses.cancel(response_id)
    assert again.status == "cancelled"
    assert LONG.startswith(again.output_text)
    slow.responses.delete(response_id)
