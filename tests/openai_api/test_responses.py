"""Responses through the official client: asked, gone on from, read again, deleted, refused."""

import uuid
from typing import Any, Literal

import openai
import psycopg
import pytest
from openai.types.responses import Response

from deletion.everywhere import in_database
from fake_model.server import FakeModel
from openai_api.stores import store_of
from support.databases import clone
from support.official import official
from support.server import API, Client, running_server

FACT = "Northwind employed 1,204 people at the end of 2025."
PROVEN = "Northwind employed 1,204 people at the end of 2025 [1]."
TOLD = f"{FACT} [1]"
"""The same with its mark where proven ones stand."""
HOW_MANY = "How many people does Northwind employ?"
RESULTS: Literal["file_search_call.results"] = "file_search_call.results"


@pytest.fixture(scope="module")
def store(anns: openai.OpenAI) -> str:
    """A vector store with one file."""
    return store_of(anns, report=f"{FACT} Revenue was 48.3 million euros.").id


@pytest.fixture(scope="module")
def reports(ann: Client) -> str:
    """An assistant with one document."""
    made = ann.assistant("Ledgers", ledger_md=b"# Ledger\n\nThe ledger is kept in vault nine.\n")
    return str(made["openai_id"])


def search(store_id: str, **more: Any) -> Any:
    return {"type": "file_search", "vector_store_ids": [store_id], **more}


def sent(fake: FakeModel) -> Any:
    """The messages that the model was sent last."""
    return fake.chats()[-1].body["messages"]


def kinds(response: Response) -> list[str]:
    return [one.type for one in response.output]


def sent_back(response: Response) -> list[Any]:
    """What programs that keep the conversation themselves send again."""
    return list(response.output)


def test_documents_are_searched_under_any_models_name(
    anns: openai.OpenAI, store: str, fake: FakeModel
) -> None:
    fake.script(PROVEN)
    made = anns.responses.create(
        model="gpt-4o",
        instructions="Be brief.",
        input=HOW_MANY,
        tools=[search(store)],
        include=[RESULTS],
        metadata={"for": "test"},
        temperature=0.5,
    )
    assert (made.status, made.model, made.instructions) == ("completed", "gpt-4o", "Be brief.")
    assert made.output_text == TOLD
    assert kinds(made) == ["file_search_call", "message"]
    found, said = made.output
    assert found.type == "file_search_call"
    assert (found.status, found.queries) == ("completed", [HOW_MANY])
    assert found.results
    assert found.results[0].filename == "report.txt"
    assert FACT in (found.results[0].text or "")
    assert said.type == "message"
    assert said.content[0].type == "output_text"
    [noted] = said.content[0].annotations
    assert noted.type == "file_citation"
    assert made.output_text[noted.index :].startswith("[1]")
    assert (noted.model_extra or {}) == {"page": 1, "quote": FACT}
    assert noted.file_id == found.results[0].file_id
    assert anns.files.retrieve(noted.file_id).filename == noted.filename
    assert made.usage
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
    assert sent(fake)[0]["content"].startswith("Be brief.")
    assert FACT in sent(fake)[1]["content"]
    again = anns.responses.retrieve(made.id, include=[RESULTS])
    assert again == made
    plain = anns.responses.retrieve(made.id).output[0]
    assert plain.type == "file_search_call"
    assert plain.results is None


def test_it_goes_on_from_any_response(anns: openai.OpenAI, fake: FakeModel) -> None:
    fake.script("Blue.")
    first = anns.responses.create(
        model="fake", input="My favourite colour is blue.", instructions="Rhyme."
    )
    fake.script("You said blue.")
    second = anns.responses.create(
        model="fake", input="Which colour do I like?", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    assert [one["content"] for one in sent(fake)] == [
        "My favourite colour is blue.",
        "Blue.",
        "Which colour do I like?",
    ]
    fork = anns.responses.create(model="fake", input="And now?", previous_response_id=first.id)
    assert [one["content"] for one in sent(fake)] == [
        "My favourite colour is blue.",
        "Blue.",
        "And now?",
    ]
    anns.responses.create(model="fake", input="Why?", previous_response_id=second.id)
    assert [one["role"] for one in sent(fake)] == ["user", "assistant"] * 2 + ["user"]
    anns.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match=first.id):
        anns.responses.retrieve(first.id)
    third = anns.responses.create(model="fake", input="Still?", previous_response_id=fork.id)
    assert [one["content"] for one in sent(fake)] == ["And now?", "You said blue.", "Still?"]
    assert third.status == "completed"


def test_input_comes_as_items(anns: openai.OpenAI, fake: FakeModel) -> None:
    before = anns.responses.create(model="fake", input="What is the capital of France?")
    fake.script("Of Italy it is Rome.")
    made = anns.responses.create(
        model="fake",
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Answer in verse."},
            {"role": "user", "content": "Hello."},
            *sent_back(before),
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And"}]},
            {"role": "user", "content": "of Italy?"},
        ],
    )
    assert [(one["role"], one["content"]) for one in sent(fake)] == [
        ("system", "Be brief.\n\nAnswer in verse."),
        ("user", "Hello."),
        ("assistant", before.output_text),
        ("user", "And\n\nof Italy?"),
    ]
    items = anns.responses.input_items.list(made.id, order="asc", limit=2)
    listed: list[Any] = list(items)
    assert [one.role for one in listed] == ["developer", "user", "assistant", "user", "user"]
    assert listed[0].content[0].text == "Answer in verse."
    fake.script("Yes.")
    anns.responses.create(
        model="fake",
        previous_response_id=made.id,
        input=[{"type": "item_reference", "id": listed[1].id}, {"role": "user", "content": "Ok?"}],
    )
    assert sent(fake)[0] == {"role": "system", "content": "Answer in verse."}
    assert sent(fake)[-1]["content"] == "Hello.\n\nOk?"


def test_an_assistant_answers_from_its_documents_and_others(
    anns: openai.OpenAI, reports: str, store: str, fake: FakeModel
) -> None:
    asked = "Where is the ledger kept, and how many people work at Northwind?"
    made = anns.responses.create(
        model=reports, input=asked, instructions="In one line.", tools=[search(store)]
    )
    assert made.model == reports
    system, question = sent(fake)
    assert system["content"].startswith("Be brief.\n\nIn one line.")
    assert "vault nine" in question["content"]
    assert FACT in question["content"]
    anns.responses.create(model="ledgers", input=asked, tool_choice="none")
    assert "vault nine" not in str(sent(fake))


def test_without_a_chat_model_documents_answer(cluster_url: str, fake_server: FakeModel) -> None:
    with (
        running_server(clone(cluster_url), fake_server.base_url) as server,
        server.login("ann") as ann,
        official(server, ann) as client,
    ):
        tools = [search(store_of(client, report=FACT).id)]
        made = client.responses.create(model="gpt-4o", input=HOW_MANY, tools=tools)
        assert made.output_text == TOLD
        assert made.usage
        assert made.usage.total_tokens == 0
        function: Any = {"type": "function", "name": "f", "parameters": None, "strict": None}
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="gpt-4o", input=HOW_MANY, tools=[*tools, function])
        assert refused.value.code == "model_without_tools"
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="gpt-4o", input=HOW_MANY)


def test_filters_choose_documents(anns: openai.OpenAI, fake: FakeModel) -> None:
    store_id = store_of(anns, one="The canteen opens at noon.", two="The canteen opens at ten.").id
    for file in anns.vector_stores.files.list(store_id):
        name = anns.files.retrieve(file.id).filename
        anns.vector_stores.files.update(
            file.id, vector_store_id=store_id, attributes={"name": name}
        )
    only = {"type": "eq", "key": "name", "value": "two.txt"}
    made = anns.responses.create(
        model="gpt-4o",
        input="When does the canteen open?",
        tools=[search(store_id, filters=only, max_num_results=3)],
        include=[RESULTS],
    )
    found: Any = made.output[0]
    assert [one.filename for one in found.results] == ["two.txt"]
    assert found.results[0].attributes == {"name": "two.txt"}
    with pytest.raises(openai.BadRequestError, match=r"tools\[0\]\.filters"):
        anns.responses.create(
            model="gpt-4o", input="When?", tools=[search(store_id, filters={"type": "like"})]
        )


def test_nothing_is_stored_where_that_is_wanted(
    anns: openai.OpenAI, ann: Client, store: str, fake: FakeModel
) -> None:
    fake.script(PROVEN)
    before = anns.responses.create(model="fake", input="We speak of Northwind.")
    made = anns.responses.create(
        model="gpt-4o",
        store=False,
        previous_response_id=before.id,
        input=HOW_MANY,
        tools=[search(store)],
        include=[RESULTS],
    )
    assert made.output_text == TOLD
    assert kinds(made) == ["file_search_call", "message"]
    said: Any = made.output[1]
    assert said.content[0].annotations[0].quote == FACT
    assert sent(fake)[-3]["content"] == "We speak of Northwind."
    with pytest.raises(openai.NotFoundError):
        anns.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as refused:
        anns.responses.create(model="fake", input="And?", previous_response_id=made.id)
    assert refused.value.code == "previous_response_not_found"
    assert refused.value.param == "previous_response_id"
    assert ann.get(f"{API}/chat/").json() == []


def test_deleting_leaves_no_words(anns: openai.OpenAI, database: str, fake: FakeModel) -> None:
    word = "quillwort"
    fake.script("I see.")
    first = anns.responses.create(model="fake", input=f"Do not keep {word}.")
    second = anns.responses.create(model="fake", input="Why?", previous_response_id=first.id)
    conversation = anns.conversations.create().id
    talk = anns.responses.create(model="fake", input=f"Nor {word}.", conversation=conversation)
    aside = anns.responses.create(model="fake", input="And?", previous_response_id=talk.id)
    assert sum(word in one for one in in_database(database)) > 3
    anns.responses.delete(first.id)
    anns.conversations.delete(conversation)
    assert [one for one in in_database(database) if word in one] == []
    for left in (second, aside):
        assert anns.responses.retrieve(left.id) == left


def test_a_response_is_no_chat(
    anns: openai.OpenAI, ann: Client, reports: str, database: str
) -> None:
    """Not by the id of its thread either, which an export tells."""
    made = anns.responses.create(model=reports, input="Where is the ledger kept?")
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT t.public_id, a.id FROM run r JOIN thread t ON t.id = r.thread_id,"
            " assistant a WHERE r.public_id = %s AND a.openai_id = %s",
            [made.id, reports],
        ).fetchone()
    assert row is not None
    answer = ann.post(f"{API}/chat/", json={"assistant_id": row[1], "thread_id": row[0]})
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "No Thread matches the given query."},
    )


def test_answers_behind_a_deleted_document_go(anns: openai.OpenAI, fake: FakeModel) -> None:
    secret = "The gate of the yard is opened with the number 7716."
    store_id = store_of(anns, gate=secret).id
    fake.script("The gate of the yard is opened with the number 7716 [1].")
    asked: Any = {"model": "gpt-4o", "tools": [search(store_id)]}
    first = anns.responses.create(**asked, input="What opens the gate of the yard?")
    fake.script("It is the number 7716, as I said.")
    second = anns.responses.create(
        **asked, input="Which number is it again?", previous_response_id=first.id
    )
    [file] = anns.vector_stores.files.list(store_id)
    anns.files.delete(file.id)
    for gone in (first, second):
        assert "7716" not in anns.responses.retrieve(gone.id, include=[RESULTS]).to_json()


def test_what_a_dead_process_left_has_failed(
    anns: openai.OpenAI, database: str, fake: FakeModel
) -> None:
    fake.script("Half of")
    made = anns.responses.create(model="fake", input="Tell all.")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "UPDATE message SET status = 'interrupted', milliseconds = NULL WHERE id ="
            " (SELECT message_id FROM run WHERE public_id = %s)",
            [made.id],
        )
    left = anns.responses.retrieve(made.id)
    assert left.status == "failed"
    assert left.error
    assert left.error.message == "The server was stopped before the answer was whole."
    anns.responses.create(model="fake", input="And?", previous_response_id=made.id)
    assert [one["content"] for one in sent(fake)] == ["Tell all.\n\nAnd?"]


def test_an_answer_that_is_cut_off_says_so(anns: openai.OpenAI, fake: FakeModel) -> None:
    made = anns.responses.create(model="fake", input="Tell me all.", max_output_tokens=17)
    assert made.max_output_tokens == 17
    body = fake.chats()[-1].body
    assert 17 in {body.get("max_tokens"), body.get("max_completion_tokens")}


def test_a_request_sent_again_is_answered_again(anns: openai.OpenAI, fake: FakeModel) -> None:
    fake.script("Once.")
    head = {"Idempotency-Key": str(uuid.uuid4())}
    first = anns.responses.create(model="fake", input="How often?", extra_headers=head)
    asked = len(fake.chats())
    again = anns.responses.create(model="fake", input="How often?", extra_headers=head)
    assert again == first
    assert len(fake.chats()) == asked
    told: list[Any] = [
        list(anns.responses.create(model="fake", input="So?", stream=True, extra_headers=key))
        for key in [{"Idempotency-Key": str(uuid.uuid4())}] * 2
    ]
    assert told[0][-1].response == told[1][-1].response
    assert len(fake.chats()) == asked + 1
    behind = [
        anns.responses.create(model="fake", input="So?", background=True, extra_headers=head).id
        for head in [{"Idempotency-Key": str(uuid.uuid4())}] * 2
    ]
    assert behind[0] == behind[1]
    head = {"Idempotency-Key": str(uuid.uuid4())}
    made = [anns.conversations.create(extra_headers=head) for _ in range(2)]
    assert made[0] == made[1]
    said: Any = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hi!"}]
    head = {"Idempotency-Key": str(uuid.uuid4())}
    items = [
        anns.conversations.items.create(made[0].id, items=said, extra_headers=head)
        for _ in range(2)
    ]
    assert items[0] == items[1]
    assert len(list(anns.conversations.items.list(made[0].id))) == len(said)


MANY_WORDS = "word " * 12_000
"""More than half of what a question may have."""
CALLED = {"type": "function_call", "call_id": "c", "name": "f"}
WRONG: dict[str, tuple[Any, str]] = {
    "an image": (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
        r"input\[0\]\.content\[0\]\.type",
    ),
    "a web search": ({"tools": [{"type": "web_search"}]}, "'web_search' is not offered"),
    "no stores": ({"tools": [{"type": "file_search", "vector_store_ids": []}]}, "vector_store_ids"),
    "json": ({"text": {"format": {"type": "json_object"}}}, r"text\.format"),
    "json by name": ({"text": {"format": "json_object"}}, r"text\.format"),
    "a prompt": ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    "two places": ({"conversation": "conv_1", "previous_response_id": "resp_1"}, "together"),
    "background": ({"background": True, "store": False}, "background"),
    "nothing": ({"input": []}, "it must hold something"),
    "blank": ({"input": "  "}, "must not be empty"),
    "the other's word": ({"input": [{"role": "assistant", "content": "No."}]}, "something"),
    "a choice": ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
    "another item": ({"input": [{"type": "computer_call", "id": "x"}]}, "is not read here"),
    "no object": ({"input": [3]}, r"input\[0\]"),
    "many tokens": ({"max_output_tokens": 0}, "max_output_tokens"),
    "a long question": ({"input": [{"role": "user", "content": MANY_WORDS}] * 2}, "no more than"),
    "long orders": (
        {
            "input": [
                *[{"role": "system", "content": MANY_WORDS}] * 2,
                {"role": "user", "content": "Hi."},
            ]
        },
        "system and developer say no more than",
    ),
    "long arguments": (
        {"input": [{**CALLED, "arguments": 2 * MANY_WORDS}]},
        r"input\[0\]\.arguments",
    ),
    "a long output": (
        {"input": [{"type": "function_call_output", "call_id": "c", "output": 2 * MANY_WORDS}]},
        r"input\[0\]\.output",
    ),
}


@pytest.mark.parametrize(("wanted", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_done_is_refused(anns: openai.OpenAI, wanted: Any, match: str) -> None:
    with pytest.raises(openai.BadRequestError, match=match):
        anns.responses.create(**{"model": "fake", "input": HOW_MANY, **wanted})


@pytest.mark.parametrize(
    "body",
    [
        '{"model": "fake", "input": "x", "text": {"verbosity": 1e400}}',
        '{"model": "fake", "input": "x", "reasoning": {"a": -1e999}}',
        '{"model": "fake", "input": [{"role": "user", "content": "\\u0000"}]}',
        '{"model": "fake", "input": "x", "conversation": {"id": 3}}',
        '{"model": "fake", "input": "x", "tools": [[]]}',
        '{"model": "fake", "input": "x", "tool_choice": {"type": []}}',
        '{"model": "fake", "input": "x", "tools": [{"type": {}}]}',
        '{"model": "fake", "input": [{"type": {}}]}',
        '{"model": "fake", "input": [{"id": 5}]}',
        '{"model": "fake", "input": [{"type": "function_call", "call_id": "", "name": "f"}]}',
        '{"model": "\\ud800", "input": "x"}',
        "[]",
    ],
)
def test_odd_bodies_are_refused(ann: Client, body: str) -> None:
    answer = ann.post("/v1/responses", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning")
def test_unknown_ids_are_unknown(anns: openai.OpenAI) -> None:
    create = anns.responses.create
    with pytest.raises(openai.NotFoundError) as refused:
        create(model="gpt-4o", input=HOW_MANY)
    assert refused.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match="No vector store found with id 'vs_none'"):
        create(model="gpt-4o", input=HOW_MANY, tools=[search("vs_none")])
    with pytest.raises(openai.NotFoundError, match="Conversation with id 'conv_none'"):
        create(model="fake", input=HOW_MANY, conversation="conv_none")
    with pytest.raises(openai.NotFoundError, match="Item with id 'msg_none'"):
        create(model="fake", input=[{"type": "item_reference", "id": "msg_none"}])
    thread = anns.beta.threads.create(messages=[{"role": "user", "content": "Hi."}])
    with pytest.raises(openai.NotFoundError, match="Conversation with id 'thread_"):
        create(model="fake", input=HOW_MANY, conversation=thread.id)
    said = anns.beta.threads.messages.list(thread.id).data[0]
    with pytest.raises(openai.NotFoundError, match="Item with id"):
        create(model="fake", input=[{"type": "item_reference", "id": said.id}])
