"""`/v1/chat/completions` through the official client: assistants, threads, and the plain model."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import psycopg
import pytest
from openai.types.chat import ChatCompletion

from aiconvokit.openai_api.completions import stream as completions_stream
from aiconvokit.openai_api.completions.reply import Piece
from aiconvokit.openai_api.completions.stream import first_piece
from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, Server, running_server
from support.waiting import eventually

TEXT = b"""# Supply contract

## Price

The price of one pump is EUR 1,250 until 31 December 2026.

## Term

The contract ends on 30 June 2028.
"""
QUESTION = "What is the price of one pump, and when does the contract end?"
REPLY = (
    "The price of one pump is EUR 1,250 until 31 December 2026 [1]. It is a good pump. "
    "The contract ends on 30 June 2028 [1]."
)
PROVEN = (
    "The price of one pump is EUR 1,250 until 31 December 2026. [1] It is a good pump. "
    "The contract ends on 30 June 2028. [2]"
)
SHORT, SHORT_PROVEN = "The contract ends on 30 June 2028.", "The contract ends on 30 June 2028. [1]"
ASKED: list[Any] = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def assistant(server: Server, ann: Client) -> dict[str, Any]:
    """Ann's, with a contract."""
    return ann.assistant("Contracts", contract_md=TEXT)


@pytest.fixture(scope="module")
def model(assistant: dict[str, Any]) -> str:
    return str(assistant["openai_id"])


def asked(
    client: openai.OpenAI, model: str, messages: list[Any] = ASKED, **more: Any
) -> ChatCompletion:
    """The whole answer."""
    made = client.chat.completions.create(model=model, messages=messages, **more)
    assert isinstance(made, ChatCompletion)
    return made


def said(completion: ChatCompletion) -> str:
    text = completion.choices[0].message.content
    assert text is not None
    return text


def annotations(message: Any) -> list[dict[str, Any]]:
    return [one.to_dict() for one in message.annotations]


def marked(text: str, found: list[dict[str, Any]]) -> list[str]:
    """What stands where the annotations say that marks do."""
    places = [one["url_citation"] for one in found if one["type"] == "url_citation"]
    return [text[place["start_index"] : place["end_index"]] for place in places]


def lines(server: Server, client: openai.OpenAI, body: dict[str, Any]) -> list[str]:
    """A stream as it is on the wire."""
    answer = httpx.post(
        f"{server.base_url}/v1/chat/completions",
        json={**body, "stream": True},
        headers={"Authorization": f"Bearer {client.api_key}"},
    )
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return [line for line in answer.text.split("\n\n") if line and not line.startswith(":")]


def questions(client: Client, assistant: dict[str, Any]) -> int:
    found = client.get(f"{API}/assistants/{assistant['id']}/").json()
    return int(found["query_count"])


def prompt(fake: FakeModel) -> list[dict[str, str]]:
    """What the model was sent last."""
    messages: list[dict[str, str]] = fake.chats()[-1].body["messages"]
    return messages


def test_an_answer_with_its_citations(
    anns: openai.OpenAI, fake: FakeModel, model: str, assistant: dict[str, Any]
) -> None:
    fake.script(REPLY)
    completion = asked(anns, model)
    assert said(completion) == PROVEN
    assert completion.model == model
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens > completion.usage.completion_tokens == len(REPLY.split())
    found = annotations(completion.choices[0].message)
    assert [one["type"] for one in found] == ["url_citation", "file_citation"] * 2
    assert marked(PROVEN, found) == ["[1]", "[2]"]
    place = found[0]["url_citation"]
    assert place["title"] == "contract.md, page 1"
    assert re.fullmatch(r"http://[^/]+/v1/originals\?key=[\w-]+#page=1&citation=1", place["url"])
    quote = found[1]["file_citation"]
    assert quote.pop("file_id").startswith("file_")
    assert quote == {
        "filename": "contract.md",
        "page": 1,
        "quote": "The price of one pump is EUR 1,250 until 31 December 2026.",
        "index": 1,
    }
    extra = completion.model_extra or {}
    assert [one["index"] for one in extra["citations"]] == [1, 2]
    assert extra["citations"][0]["quote"] == quote["quote"]
    assert "thread_id" not in extra


def test_the_clients_stream_helper(anns: openai.OpenAI, fake: FakeModel, model: str) -> None:
    fake.script(REPLY)
    options: Any = {"include_usage": True}
    with anns.chat.completions.stream(
        model=model, messages=ASKED, stream_options=options
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == said(final) == PROVEN
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None
    assert final.usage.completion_tokens == len(REPLY.split())
    found = annotations(final.choices[0].message)
    assert [one["type"] for one in found] == ["url_citation", "file_citation"] * 2
    assert marked(PROVEN, found) == ["[1]", "[2]"]


def test_a_streams_chunks(server: Server, anns: openai.OpenAI, fake: FakeModel, model: str) -> None:
    fake.script(REPLY)
    found = lines(server, anns, {"model": model, "messages": ASKED})
    assert found[-1] == "data: [DONE]"
    chunks = [httpx.Response(200, content=line[6:]).json() for line in found[:-1]]
    assert {one["object"] for one in chunks} == {"chat.completion.chunk"}
    assert len({one["id"] for one in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert all("usage" not in one for one in chunks)
    for one in chunks[1:-1]:  # an annotation comes with its mark
        delta = one["choices"][0]["delta"]
        assert ("annotations" in delta) is ("[" in delta["content"])
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert [one["index"] for one in chunks[-1]["citations"]] == [1, 2]


def test_nothing_is_stored_but_the_count(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    assistant = ann.assistant("Stateless", contract_md=TEXT)
    fake.script(REPLY)
    asked(anns, assistant["openai_id"])
    list(anns.chat.completions.create(model="stateless", messages=ASKED, stream=True))
    assert questions(ann, assistant) == 2
    usage = ann.get(f"{API}/usage/", params={"assistant_id": assistant["id"]}).json()
    assert usage[0]["questions"] == 2
    assert usage[0]["completion_tokens"] == 2 * len(REPLY.split())
    with psycopg.connect(database) as connection:
        stored = "SELECT count(*) FROM chat WHERE assistant_id = %s"
        assert connection.execute(stored, (assistant["id"],)).fetchone() == (0,)
        words = "SELECT count(*) FROM message WHERE content LIKE %s"
        assert connection.execute(words, ("%good pump%",)).fetchone() == (0,)


def test_history_and_instructions_come_with_the_request(
    anns: openai.OpenAI, fake: FakeModel, model: str
) -> None:
    messages = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "Ahoy, who are you?"},
        {"role": "assistant", "content": "Your first mate."},
        {"role": "tool", "tool_call_id": "1", "content": "of another model's"},
        {"role": "developer", "content": [{"type": "text", "text": "No oaths."}]},
        {"role": "user", "content": [{"type": "text", "text": "What is the price"}]},
        {"role": "user", "content": "of one pump?"},
    ]
    asked(anns, model, messages, max_completion_tokens=77)
    system, *turns = prompt(fake)
    assert system["content"].startswith("Be brief.\n\nSpeak like a pirate.\n\nNo oaths.\n\n")
    assert [one["role"] for one in turns] == ["user", "assistant", "user"]
    assert turns[0]["content"] == "Ahoy, who are you?"
    assert "EUR 1,250" in turns[2]["content"]
    assert turns[2]["content"].endswith("Question: What is the price\n\nof one pump?")
    assert "of another model's" not in str(turns)
    assert fake.chats()[-1].body["max_tokens"] == 77


def test_the_plain_model_is_told_what_was_sent(
    anns: openai.OpenAI, fake: FakeModel, ann: Client, assistant: dict[str, Any]
) -> None:
    before = questions(ann, assistant)
    messages = [
        {"role": "system", "content": "Be a poet."},
        {"role": "user", "content": "A poem about pumps"},
    ]
    fake.script("Pumps [1] in the rain.")
    completion = asked(anns, "fake", messages, max_tokens=55)
    assert said(completion) == "Pumps [1] in the rain."
    assert completion.choices[0].message.annotations == []
    assert prompt(fake) == messages
    assert fake.chats()[-1].body["max_tokens"] == 55
    assert len(fake.requests()) == 1  # nothing was embedded
    assert questions(ann, assistant) == before
    with anns.chat.completions.stream(model="fake", messages=ASKED) as stream:
        assert said(stream.get_final_completion()) == "Pumps [1] in the rain."


def test_why_an_answer_ended(anns: openai.OpenAI, fake: FakeModel) -> None:
    for reason in ("length", "content_filter"):
        fake.spoil("/chat/completions", reason)
        assert asked(anns, "fake").choices[0].finish_reason == reason
        chunks = list(anns.chat.completions.create(model="fake", messages=ASKED, stream=True))
        assert chunks[-1].choices[0].finish_reason == reason


def test_a_model_that_counts_nothing(anns: openai.OpenAI, fake: FakeModel, model: str) -> None:
    fake.spoil("/chat/completions", "no_usage")
    fake.script("The price of one pump is EUR 1,250.")
    usage = asked(anns, model).usage
    assert usage is not None
    assert usage.completion_tokens > 8
    assert usage.prompt_tokens > 100
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_reasoning_that_was_taken_for_text(
    anns: openai.OpenAI, fake: FakeModel, model: str
) -> None:
    fake.spoil("/chat/completions", "slow_drip=0.05")  # so that they do not come at once
    fake.script(f"Let me see, and see again. </think>{SHORT}")
    with anns.chat.completions.stream(model=model, messages=ASKED) as stream:
        final = stream.get_final_completion()
    text = said(final)
    assert text == f"Let me see, and see again.\n</think>\n\n{SHORT_PROVEN}"
    assert marked(text, annotations(final.choices[0].message)) == ["[1]"]
    with anns.chat.completions.stream(model=model, messages=ASKED) as stream:
        assert said(stream.get_final_completion()) == SHORT_PROVEN  # by now it is known
    fake.script(SHORT)
    assert said(asked(anns, model)) == SHORT_PROVEN  # and unlearnt: it may reason or not
    fake.script(f"Let me see, and see again. </think>{SHORT}")
    whole = asked(anns, model)
    assert said(whole) == SHORT_PROVEN
    assert marked(SHORT_PROVEN, annotations(whole.choices[0].message)) == ["[1]"]
    fake.script(SHORT)
    asked(anns, model)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"metadata": {"thread_id": 3}}, "metadata.thread_id"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "king", "content": "Hello"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [{"role": "user", "content": "a" * 100_001}]}, "messages"),
        ({"messages": [*ASKED, {"role": "assistant", "content": "Well"}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].type",
        ),
        ({"stream": "yes"}, "stream"),
        ({"model": 3}, "model"),
    ],
    ids=range(17),
)
def test_wrong_requests(
    anns: openai.OpenAI, fake: FakeModel, model: str, more: dict[str, Any], param: str
) -> None:
    body = {"model": model, "messages": ASKED, **more}
    with pytest.raises(openai.BadRequestError) as refused:
        anns.post("/chat/completions", body=body, cast_to=object)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert not fake.chats()


def test_what_front_ends_send_besides_is_ignored(
    anns: openai.OpenAI, fake: FakeModel, model: str
) -> None:
    more: dict[str, Any] = {
        "temperature": 0.7,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "stop": ["\n\nHuman:"],
        "user": "67",
        "seed": 1,
        "logprobs": True,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "n": 1,
        "metadata": {"chat_id": "1"},
        "extra_body": {"chat_id": "1", "features": {"web_search": False}, "params": None},
    }
    fake.script(REPLY)
    assert said(asked(anns, model, **more)) == PROVEN
    assert set(fake.chats()[-1].body) == {"model", "messages", "stream", "stream_options", "tools"}


@pytest.mark.parametrize("name", ["nobody", "org/model"])
def test_an_unknown_model(anns: openai.OpenAI, name: str) -> None:
    for stream in (True, False):
        with pytest.raises(openai.NotFoundError) as refused:
            anns.chat.completions.create(model=name, messages=ASKED, stream=stream)
        assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_the_assistants_of_others_are_unknown(bobs: openai.OpenAI, model: str) -> None:
    for name in (model, "contracts"):
        with pytest.raises(openai.NotFoundError) as refused:
            asked(bobs, name)
        assert refused.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("500", 502, "model_unreachable"),
        ("429=0", 503, "model_rate_limited"),
        ("401", 502, "model_misconfigured"),
        ("context_length", 422, "input_too_long"),
        ("html200", 502, "model_bad_response"),
        ("null_content", 502, "model_empty_answer"),
    ],
)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_failing_model(
    anns: openai.OpenAI, fake: FakeModel, mode: str, status: int, code: str, *, stream: bool
) -> None:
    fake.spoil("/chat/completions", mode)
    with pytest.raises(openai.APIStatusError) as refused:
        anns.chat.completions.create(model="fake", messages=ASKED, stream=stream)
    assert (refused.value.status_code, refused.value.code) == (status, code)


@pytest.mark.parametrize("mode", ["cut_chunked", "stream_error"])
def test_a_model_that_fails_in_the_middle(
    anns: openai.OpenAI,
    fake: FakeModel,
    ann: Client,
    model: str,
    mode: str,
    assistant: dict[str, Any],
) -> None:
    before = questions(ann, assistant)
    fake.spoil("/chat/completions", mode)
    fake.script(REPLY)
    text = ""
    with pytest.raises(openai.APIError) as failed:  # noqa: PT012  # in the middle of the stream
        for chunk in anns.chat.completions.create(model=model, messages=ASKED, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text.startswith("The price of one pump")
    assert failed.value.code == "model_bad_response"
    assert failed.value.type == "server_error"
    assert questions(ann, assistant) == before


def test_whoever_leaves_stops_the_model(
    anns: openai.OpenAI, fake: FakeModel, ann: Client, model: str, assistant: dict[str, Any]
) -> None:
    before = questions(ann, assistant)
    fake.spoil("/chat/completions", "slow_drip")
    fake.script(REPLY * 20)
    stream = anns.chat.completions.create(model=model, messages=ASKED, stream=True)
    assert next(iter(stream)).choices
    stream.close()
    eventually(lambda: fake.chats()[-1].outcome == "client_gone")
    with pytest.raises(openai.APITimeoutError):
        asked(anns.with_options(timeout=0.5), model)
    eventually(lambda: fake.chats()[-1].outcome == "client_gone")
    assert len(fake.chats()) == 2
    assert questions(ann, assistant) == before


class Slow:
    """A piece that comes when it may, and whether nobody waits for it any more."""

    def __init__(self) -> None:
        self.may_come = asyncio.Event()
        self.is_over = False

    async def pieces(self) -> AsyncGenerator[Piece]:
        try:
            await self.may_come.wait()
            yield Piece("One", [])
        finally:
            self.is_over = True


async def test_a_stream_begins_without_its_first_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions_stream, "FIRST_PIECE_SECONDS", 0.01)
    slow = Slow()
    pieces = slow.pieces()
    first = await first_piece(pieces)
    assert not first.done()
    slow.may_come.set()
    assert await first == Piece("One", [])
    after = await first_piece(pieces)
    assert await after is None
    assert slow.is_over


async def test_nobody_waits_for_a_first_piece_that_nobody_wants() -> None:
    slow = Slow()
    waiting = asyncio.create_task(first_piece(slow.pieces()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert slow.is_over


def test_an_assistant_that_does_not_search(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    assistant = ann.assistant("Without a search", contract_md=TEXT)
    changed = "UPDATE assistant SET searches = false WHERE id = %s"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(changed, (assistant["id"],))
    assert said(asked(anns, assistant["openai_id"])).startswith("FAKE")
    assert [one["content"] for one in prompt(fake)] == ["Be brief.\n\nYou work for Acme.", QUESTION]


def test_what_expired_is_not_read(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    assistant = ann.assistant("Expiring", contract_md=TEXT)
    ages = (
        "UPDATE collection SET expires_after_days = 7, last_active_at = now() - %s * interval '1 d'"
        " WHERE id = (SELECT collection_id FROM assistant_collection WHERE assistant_id = %s)"
    )
    with psycopg.connect(database, autocommit=True) as connection:
        for days, is_read in ((6, True), (6, True), (8, False)):
            connection.execute(ages, (days, assistant["id"]))
            asked(anns, assistant["openai_id"])
            assert ("EUR 1,250" in prompt(fake)[-1]["content"]) is is_read
            touched = (
                "SELECT count(*) FROM collection WHERE last_active_at > now() - interval '1 h'"
            )
            kept = connection.execute(f"{touched} AND expires_after_days = 7").fetchone()
            assert kept == (int(is_read),)


def test_a_turn_of_a_thread(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, assistant: dict[str, Any]
) -> None:
    chat = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"]}).json()
    ann.ask(chat["id"], assistant["id"], "Who are you?")
    fake.script(REPLY)
    sent = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "I was never stored."},
        {"role": "assistant", "content": "Nor was I."},
        *ASKED,
    ]
    completion = asked(
        anns, assistant["openai_id"], sent, metadata={"thread_id": chat["thread_id"]}
    )
    extra = completion.model_extra or {}
    assert extra["thread_id"] == chat["thread_id"]
    assert said(completion) == PROVEN
    assert len(annotations(completion.choices[0].message)) == 4
    stored = ann.get(f"{API}/chat/{chat['id']}/").json()["messages"]
    assert [one["content"] for one in stored[2:]] == [QUESTION, PROVEN]
    assert stored[3]["id"] == extra["message_id"]
    assert stored[3]["citations"] == extra["citations"]
    told = str(prompt(fake))
    assert "Who are you?" in told
    assert "pirate" in told
    assert "never stored" not in told


def test_a_streamed_turn_of_a_thread_without_a_chat(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, model: str, database: str
) -> None:
    new_thread(database)
    fake.script(REPLY)
    with anns.chat.completions.stream(
        model=model, messages=ASKED, metadata={"thread_id": "thread_new"}
    ) as stream:
        final = stream.get_final_completion()
    extra = final.model_extra or {}
    assert extra["thread_id"] == "thread_new"
    found = ann.get(f"{API}/chat/").json()[0]
    assert found["thread_id"] == "thread_new"
    stored = ann.get(f"{API}/chat/{found['id']}/").json()["messages"]
    assert [one["content"] for one in stored] == [QUESTION, PROVEN]
    assert stored[1]["id"] == extra["message_id"]


def new_thread(database: str) -> None:
    """A thread of Ann's that nobody was asked in."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO thread (public_id, owner_id)"
            """ SELECT 'thread_new', id FROM "user" WHERE username = 'ann'"""
        )


def test_the_threads_of_others_are_unknown(
    bobs: openai.OpenAI, bob: Client, ann: Client, assistant: dict[str, Any]
) -> None:
    chat = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"]}).json()
    own = bob.assistant("Bob's")
    for thread in (chat["thread_id"], "thread_000000000000000000000000"):
        with pytest.raises(openai.NotFoundError, match=thread):
            asked(bobs, own["openai_id"], metadata={"thread_id": thread})
    assert ann.get(f"{API}/chat/{chat['id']}/").json()["messages"] == []


def test_a_turn_that_is_refused_stores_nothing(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, assistant: dict[str, Any], database: str
) -> None:
    chat = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"]}).json()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "UPDATE thread SET lease_token = gen_random_uuid(),"
            " lease_expires_at = now() + interval '1 h' WHERE public_id = %s",
            (chat["thread_id"],),
        )
    for stream in (True, False):
        with pytest.raises(openai.ConflictError) as refused:
            anns.chat.completions.create(
                model=assistant["openai_id"],
                messages=ASKED,
                stream=stream,
                metadata={"thread_id": chat["thread_id"]},
            )
        assert refused.value.code == "chat_busy"
    assert ann.get(f"{API}/chat/{chat['id']}/").json()["messages"] == []


def test_a_document_that_is_deleted_during_a_turn(
    anns: openai.OpenAI, ann: Client, fake: FakeModel
) -> None:
    assistant = ann.assistant("Deleted meanwhile", contract_md=TEXT)
    chat = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"]}).json()
    document = assistant["documents"][0]["id"]
    fake.spoil("/chat/completions", "slow_drip=0.3")
    fake.script(SHORT)
    with ThreadPoolExecutor() as elsewhere:
        waiting = elsewhere.submit(
            asked, anns, assistant["openai_id"], metadata={"thread_id": chat["thread_id"]}
        )
        eventually(lambda: bool(fake.chats()))
        path = f"{API}/assistants/{assistant['id']}/documents/{document}/"
        assert ann.delete(path).status_code == 204
        completion = waiting.result()
    stored = ann.get(f"{API}/chat/{chat['id']}/").json()["messages"][1]
    assert (stored["status"], stored["content"]) == ("redacted", said(completion))
    assert "2028" not in str(completion)
    assert annotations(completion.choices[0].message) == []
    assert (completion.model_extra or {})["citations"] == []


@pytest.fixture(scope="module")
def without(cluster_url: str, fake_server: FakeModel) -> Iterator[tuple[openai.OpenAI, Client]]:
    """A user of a server without a chat model."""
    with (
        running_server(clone(cluster_url), fake_server.base_url) as server,
        server.login("carl") as carl,
        official(server, carl) as client,
    ):
        yield client, carl


def test_without_a_chat_model(without: tuple[openai.OpenAI, Client]) -> None:
    client, carl = without
    assistant = carl.assistant("Extracts", contract_md=TEXT)
    assert [one.id for one in client.models.list()] == [assistant["openai_id"], "extracts"]
    completion = asked(client, "extracts", [{"role": "user", "content": "Price of one pump?"}])
    assert "EUR 1,250" in said(completion)
    assert marked(said(completion), annotations(completion.choices[0].message)) == ["[1]"]
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 4
    assert completion.usage.completion_tokens > 10
    with pytest.raises(openai.NotFoundError):
        asked(client, "fake")


def test_a_title_without_a_chat_model(without: tuple[openai.OpenAI, Client]) -> None:
    client, carl = without
    assistant = carl.assistant("Titles", contract_md=TEXT)
    wanted = (
        "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history."
        '\n### Output:\nJSON format: { "title": "your concise title here" }\n### Chat History:\n'
        "<chat_history>\nUSER: What does one pump cost, please?\nASSISTANT: EUR 1,250 [1].\n"
        "</chat_history>"
    )
    completion = asked(client, assistant["openai_id"], [{"role": "user", "content": wanted}])
    assert said(completion) == '{"title":"What does one pump cost, please?"}'
    assert questions(carl, assistant) == 0
