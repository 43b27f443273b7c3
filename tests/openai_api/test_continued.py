"""One conversation over both surfaces: what is begun on one goes on on the other."""

from typing import Any

import openai
import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, running_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

SALMON = b"The salmon harvest of Acme was 52 thousand tonnes in 2025."
QUOTED = "The salmon harvest was 52 thousand tonnes [1]."


def chat_of(ann: Client, assistant_id: int, thread_id: str) -> int:
    answer = ann.post(f"{API}/chat/", json={"assistant_id": assistant_id, "thread_id": thread_id})
    assert answer.status_code == 201, answer.text
    assert answer.json()["thread_id"] == thread_id
    return int(answer.json()["id"])


def texts(anns: openai.OpenAI, thread_id: str) -> list[tuple[str, str]]:
    said = anns.beta.threads.messages.list(thread_id, order="asc")
    return [
        (one.role, part.text.value) for one in said for part in one.content if part.type == "text"
    ]


def test_a_chat_goes_on_as_a_thread_and_back(
    anns: openai.OpenAI, ann: Client, fake: FakeModel
) -> None:
    fake.script(QUOTED)
    assistant = ann.assistant("Reports", report_txt=SALMON)
    chat = ann.chat(assistant["id"])
    first = ann.ask(chat, assistant["id"], "How large was the salmon harvest?")
    thread_id = first["thread_id"]
    assert anns.beta.threads.retrieve(thread_id).metadata == {}
    assert texts(anns, thread_id) == [
        ("user", "How large was the salmon harvest?"),
        ("assistant", first["output"]),
    ]
    anns.beta.threads.messages.create(thread_id, role="user", content="I mean that of Acme.")
    fake.reset()
    fake.script(QUOTED)
    second = ann.ask(chat, assistant["id"], "Was it large?")
    sent = str([message for request in fake.chats() for message in request.body["messages"]])
    assert "I mean that of Acme." in sent
    shown = ann.get(f"{API}/chat/{chat}/").json()["messages"]
    assert [(one["role"], one["content"]) for one in shown] == texts(anns, thread_id)
    assert shown[-1]["content"] == second["output"]


def test_a_thread_goes_on_as_a_chat(anns: openai.OpenAI, ann: Client, fake: FakeModel) -> None:
    fake.script(QUOTED)
    made = anns.beta.threads.create(
        messages=[
            {"role": "user", "content": "My name is Ann."},
            {"role": "assistant", "content": "Good morning, Ann."},
        ]
    )
    assistant = ann.assistant("Reports", report_txt=SALMON)
    chat = chat_of(ann, assistant["id"], made.id)
    assert chat_of(ann, assistant["id"], made.id) == chat
    item = ann.get(f"{API}/chat/{chat}/").json()
    assert (item["title"], item["thread_id"]) == ("My name is Ann.", made.id)
    assert chat in [one["id"] for one in ann.get(f"{API}/chat/").json()]
    fake.reset()
    fake.script(QUOTED)
    answer = ann.ask(chat, assistant["id"], "How large was the salmon harvest?")
    assert answer["citations"][0]["filename"] == "report.txt"
    sent = str([message for request in fake.chats() for message in request.body["messages"]])
    assert "My name is Ann." in sent
    assert texts(anns, made.id)[-1] == ("assistant", answer["output"])


def test_what_is_attached_is_read_in_the_chat_too(
    anns: openai.OpenAI, ann: Client, fake: FakeModel, database: str
) -> None:
    fake.script(QUOTED)
    source = ann.assistant("Source", report_txt=SALMON)
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT f.public_id FROM file f JOIN document d ON d.file_id = f.id WHERE d.id = %s",
            [source["documents"][0]["id"]],
        ).fetchone()
    assert row
    resources: Any = {"file_search": {"vector_stores": [{"file_ids": [row[0]]}]}}
    made = anns.beta.threads.create(tool_resources=resources)
    assert made.tool_resources
    assert made.tool_resources.file_search
    reader = anns.beta.assistants.create(
        model="gpt-4o",
        tool_resources=made.tool_resources.model_dump(),  # type: ignore[arg-type]  # the client's own shape
    )
    listed = ann.get(f"{API}/assistants/?limit=500").json()
    ann.read(next(one["id"] for one in listed if one["openai_id"] == reader.id))
    empty = ann.assistant("Empty")
    chat = chat_of(ann, empty["id"], made.id)
    answer = ann.ask(chat, empty["id"], "How large was the salmon harvest?")
    quote = answer["citations"][0]
    assert quote["filename"] == "report.txt"
    page = ann.get(quote["url"])
    assert page.status_code == 200, page.text
    assert page.json()["text"][quote["start"] : quote["end"]] == quote["quote"]


def cited_by_another(client: openai.OpenAI, user: Client, owner: Client) -> str:
    """The address of a page that another assistant than the chat's cites in it."""
    reader, other = owner.assistant("Reader", report_txt=SALMON), owner.assistant("Other")
    question = "How large was the salmon harvest of Acme?"
    made = client.beta.threads.create(messages=[{"role": "user", "content": question}])
    chat = chat_of(user, other["id"], made.id)
    run = client.beta.threads.runs.create_and_poll(
        thread_id=made.id, assistant_id=reader["openai_id"]
    )
    assert run.status == "completed"
    quote = user.get(f"{API}/chat/{chat}/").json()["messages"][-1]["citations"][0]
    assert f"/assistants/{other['id']}/" in quote["url"]
    return str(quote["url"])


def test_what_another_assistant_cites_in_the_chat_can_be_read(
    anns: openai.OpenAI, ann: Client, bob: Client, fake: FakeModel
) -> None:
    fake.script(QUOTED)
    url = cited_by_another(anns, ann, ann)
    page = ann.get(url)
    assert page.status_code == 200, page.text
    assert page.json()["text"] == SALMON.decode()
    assert ann.get(url.partition("pages/")[0]).status_code == 200
    assert bob.get(url).status_code == 404
    # Of its own accord the other assistant reads nothing of it.
    assert ann.get(f"{url.partition('documents/')[0]}documents/").json() == []


def test_what_somebody_elses_assistant_cites_in_the_chat_can_be_read(
    cluster_url: str, fake: FakeModel
) -> None:
    environment = {"AICONVOKIT_SHARED_ASSISTANTS": "true"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=environment) as server,
        server.login("ann") as ann,
        server.login("bob") as bob,
    ):
        with official(server, bob) as bobs:
            url = cited_by_another(bobs, bob, ann)
        assert bob.get(url).status_code == 200
        # Nothing of it was said in a chat of hers.
        assert ann.get(url).status_code == 404


def test_files_are_listed_while_the_documents_are_deleted(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    texts = {f"{name}_txt": name.encode() for name in ("one", "two", "three")}
    assistant = ann.assistant("Shrinking", **texts)
    resources = anns.beta.assistants.retrieve(assistant["openai_id"]).tool_resources
    assert resources
    assert resources.file_search
    assert resources.file_search.vector_store_ids
    (store,) = resources.file_search.vector_store_ids
    left = [one["url"] for one in assistant["documents"]]
    listed = []
    for file in anns.vector_stores.files.list(store, limit=1, order="asc"):
        listed.append(file.id)
        answer = ann.delete(left.pop(0))
        assert answer.status_code == 204
        kept = ann.get(answer.headers["location"]).json()
        assert (kept["kind"], len(kept["removed"]["documents"])) == ("document", 1)
    assert (len(listed), left) == (3, [])


def test_a_chat_has_one_assistant(anns: openai.OpenAI, ann: Client) -> None:
    first, second = ann.assistant("First"), ann.assistant("Second")
    made = anns.beta.threads.create()
    chat_of(ann, first["id"], made.id)
    refused = ann.post(f"{API}/chat/", json={"assistant_id": second["id"], "thread_id": made.id})
    assert refused.status_code == 400
    assert refused.json() == {"assistant_id": ["This chat belongs to another assistant."]}


@pytest.mark.parametrize("thread_id", ["thread_unknown", "\u00e4"])
def test_an_unknown_thread(ann: Client, thread_id: str) -> None:
    assistant = ann.assistant()
    answer = ann.post(
        f"{API}/chat/", json={"assistant_id": assistant["id"], "thread_id": thread_id}
    )
    assert answer.status_code == 404
    assert answer.json()["detail"] == "No Thread matches the given query."


def test_a_thread_of_somebody_else(anns: openai.OpenAI, bob: Client) -> None:
    made = anns.beta.threads.create()
    assistant = bob.assistant()
    answer = bob.post(f"{API}/chat/", json={"assistant_id": assistant["id"], "thread_id": made.id})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "No Thread matches the given query."


def test_no_thread_is_a_new_one(ann: Client) -> None:
    assistant = ann.assistant()
    answer = ann.post(f"{API}/chat/", json={"assistant_id": assistant["id"], "thread_id": None})
    assert answer.status_code == 201
