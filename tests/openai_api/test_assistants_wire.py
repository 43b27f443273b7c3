"""`/v1/assistants` with the unmodified official client: the same assistants as on `/api/v1`."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import psycopg
import pytest
from openai.types.beta import Assistant

from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, running_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Assistants API is deprecated:DeprecationWarning",
    "ignore:deprecated:DeprecationWarning",  # so the client says of its assistants
)

SEARCH: list[Any] = [{"type": "file_search"}]
SALMON = b"The salmon harvest of Acme was 52 thousand tonnes in 2025."


def stores(assistant: Assistant) -> list[str]:
    assert assistant.tool_resources
    assert assistant.tool_resources.file_search
    return assistant.tool_resources.file_search.vector_store_ids or []


def own_store(database: str, assistant_id: str) -> str:
    """The vector store that an assistant of `/api/v1` was made with."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT c.public_id FROM collection c JOIN assistant_collection l"
            " ON l.collection_id = c.id JOIN assistant a ON a.id = l.assistant_id"
            " WHERE a.openai_id = %s AND l.position = 0",
            [assistant_id],
        ).fetchone()
    assert row
    return str(row[0])


def file_of(database: str, assistant_id: str) -> str:
    """The public id of a file of an assistant's documents."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT f.public_id FROM file f JOIN document d ON d.file_id = f.id"
            " JOIN assistant_collection l ON l.collection_id = d.collection_id"
            " JOIN assistant a ON a.id = l.assistant_id WHERE a.openai_id = %s",
            [assistant_id],
        ).fetchone()
    assert row
    return str(row[0])


def test_everything_that_is_said_of_it_is_kept(anns: openai.OpenAI) -> None:
    made = anns.beta.assistants.create(
        model="gpt-4o",
        name="Reports",
        description="Reads reports",
        instructions="Be brief.",
        tools=[
            {
                "type": "file_search",
                "file_search": {
                    "max_num_results": 7,
                    "ranking_options": {"score_threshold": 0.5, "ranker": "auto"},
                },
            }
        ],
        metadata={"team": "blue"},
        temperature=0.2,
        top_p=0.9,
        response_format="auto",
        reasoning_effort="low",
    )
    assert made.id.startswith("asst_")
    assert made.object == "assistant"
    assert (made.name, made.description) == ("Reports", "Reads reports")
    assert (made.model, made.instructions) == ("gpt-4o", "Be brief.")
    assert (made.temperature, made.top_p, made.response_format) == (0.2, 0.9, "auto")
    assert made.metadata == {"team": "blue"}
    tool = made.tools[0]
    assert tool.type == "file_search"
    assert tool.file_search
    assert tool.file_search.max_num_results == 7
    assert tool.file_search.ranking_options
    assert tool.file_search.ranking_options.score_threshold == 0.5
    assert stores(made) == []
    assert made.model_extra
    assert made.model_extra["reasoning_effort"] == "low"
    assert anns.beta.assistants.retrieve(made.id) == made


def test_the_least_one_can_say(anns: openai.OpenAI) -> None:
    made = anns.beta.assistants.create(model="gpt-4o")
    assert (made.name, made.instructions, made.description) == (None, None, None)
    assert (made.tools, made.metadata, made.temperature) == ([], {}, None)


def test_an_update_changes_what_it_names(anns: openai.OpenAI) -> None:
    made = anns.beta.assistants.create(
        model="gpt-4o", name="A", instructions="B", metadata={"k": "v"}, temperature=1, tools=SEARCH
    )
    changed = anns.beta.assistants.update(made.id, name="C")
    assert changed.model_copy(update={"name": "A"}) == made
    emptied = anns.beta.assistants.update(
        made.id, instructions=None, metadata=None, temperature=None, tools=[]
    )
    assert (emptied.name, emptied.instructions, emptied.metadata) == ("C", None, {})
    assert (emptied.temperature, emptied.tools, emptied.model) == (None, [], "gpt-4o")
    renamed = anns.beta.assistants.update(made.id, model="gpt-4o-mini", metadata={"x": "y"})
    assert (renamed.model, renamed.metadata) == ("gpt-4o-mini", {"x": "y"})


def test_one_of_the_documented_api_is_the_same_one(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    made = ann.assistant("Old", report_txt=SALMON)
    shown = anns.beta.assistants.retrieve(made["openai_id"])
    assert (shown.name, shown.instructions, shown.model) == ("Old", "Be brief.", "fake")
    assert [tool.type for tool in shown.tools] == ["file_search"]
    assert stores(shown) == [own_store(database, shown.id)]
    anns.beta.assistants.update(shown.id, name="New", instructions=None)
    again = ann.get(f"{API}/assistants/{made['id']}/").json()
    assert (again["name"], again["instructions"]) == ("New", "")
    assert again["documents"] == made["documents"]


def test_its_empty_own_store_is_not_shown(anns: openai.OpenAI, ann: Client, database: str) -> None:
    made = ann.assistant()
    assert stores(anns.beta.assistants.retrieve(made["openai_id"])) == []
    own = own_store(database, made["openai_id"])
    named = anns.beta.assistants.update(
        made["openai_id"], tool_resources={"file_search": {"vector_store_ids": [own]}}
    )
    assert stores(named) == [own]


def test_one_of_the_wire_gets_an_own_store_with_its_first_upload(
    anns: openai.OpenAI, ann: Client
) -> None:
    made = anns.beta.assistants.create(model="gpt-4o", name="Wire", tools=SEARCH)
    row = next(
        one for one in ann.get(f"{API}/assistants/?limit=500").json() if one["openai_id"] == made.id
    )
    assert (row["documents"], row["files"], row["company_name"]) == ([], None, "")
    path = f"{API}/assistants/{row['id']}"
    assert ann.get(f"{path}/documents/").json() == []
    assert ann.get(f"{path}/retrieval/").json()["language"] is None
    assert ann.post(f"{path}/search/", json={"query": "salmon"}).json() == {"results": []}
    answer = ann.post(f"{path}/documents/", files=[("files", ("report.txt", SALMON))])
    assert answer.status_code == 201, answer.text
    ready = ann.read(row["id"])
    assert [one["filename"] for one in ready["documents"]] == ["report.txt"]
    found = ann.post(f"{path}/search/", json={"query": "salmon harvest"}).json()["results"]
    assert found[0]["filename"] == "report.txt"
    assert len(stores(anns.beta.assistants.retrieve(made.id))) == 1
    chat = ann.chat(row["id"])
    assert ann.ask(chat, row["id"], "How large was the salmon harvest?")["passages"] == 1


@pytest.mark.parametrize("tools", [None, []], ids=["unsaid", "none"])
def test_one_without_tools_searches_what_is_uploaded_to_it(
    anns: openai.OpenAI, ann: Client, tools: list[Any] | None
) -> None:
    said: dict[str, Any] = {} if tools is None else {"tools": tools}
    made = anns.beta.assistants.create(model="gpt-4o", name="Wire", temperature=0.5, **said)
    listed = ann.get(f"{API}/assistants/?limit=500").json()
    row = next(one["id"] for one in listed if one["openai_id"] == made.id)
    files = [("files", ("report.txt", SALMON))]
    for _ in range(2):  # once more changes nothing
        answer = ann.post(f"{API}/assistants/{row}/documents/", files=files)
        assert answer.status_code == 201, answer.text
        shown = anns.beta.assistants.retrieve(made.id)
        assert [tool.type for tool in shown.tools] == ["file_search"]
        assert shown.temperature == 0.5
    ann.read(row)
    chat = ann.chat(row)
    assert ann.ask(chat, row, "How large was the salmon harvest?")["passages"] == 1
    assert anns.beta.assistants.update(made.id, tools=[]).tools == []


def test_stores_are_attached_and_detached(anns: openai.OpenAI, ann: Client, database: str) -> None:
    first = ann.assistant("First", one_txt=SALMON)
    second = ann.assistant("Second", two_txt=SALMON)
    one, two = (own_store(database, made["openai_id"]) for made in (first, second))
    made = anns.beta.assistants.create(
        model="gpt-4o",
        tools=SEARCH,
        tool_resources={"file_search": {"vector_store_ids": [two, one, two]}},
    )
    assert stores(made) == [two, one]
    kept = anns.beta.assistants.update(made.id, tool_resources={"file_search": {}})
    assert stores(kept) == [two, one]
    # The own store of an assistant is detached like any other, and stays.
    moved = anns.beta.assistants.update(
        first["openai_id"], tool_resources={"file_search": {"vector_store_ids": [two]}}
    )
    assert stores(moved) == [two]
    read = ann.get(f"{API}/assistants/{first['id']}/").json()["documents"]
    assert [document["filename"] for document in read] == ["two.txt"]
    ann.post(f"{API}/assistants/{first['id']}/documents/", files=[("files", ("new.txt", SALMON))])
    read = ann.read(first["id"])["documents"]
    assert [document["filename"] for document in read] == ["two.txt", "new.txt"]
    new = own_store(database, first["openai_id"])
    assert new not in {one, two}
    assert stores(anns.beta.assistants.retrieve(first["openai_id"])) == [new, two]
    assert stores(anns.beta.assistants.retrieve(made.id)) == [two, one]
    assert stores(anns.beta.assistants.update(made.id, tool_resources=None)) == []


def test_a_store_is_made_of_files(anns: openai.OpenAI, ann: Client, database: str) -> None:
    source = ann.assistant("Source", one_txt=SALMON)
    made = anns.beta.assistants.create(
        model="gpt-4o",
        tools=SEARCH,
        tool_resources={
            "file_search": {
                "vector_stores": [{"file_ids": [file_of(database, source["openai_id"])]}]
            }
        },
    )
    assert len(stores(made)) == 1
    row = next(
        one for one in ann.get(f"{API}/assistants/?limit=500").json() if one["openai_id"] == made.id
    )
    assert [one["status"] for one in ann.read(row["id"])["documents"]] == ["ready"]


def test_the_list_goes_on_by_itself_while_it_is_deleted(anns: openai.OpenAI, server: Any) -> None:
    with server.login("lister") as user, official(server, user) as client:
        made = [client.beta.assistants.create(model="m", name=str(n)).id for n in range(7)]
        assert [one.id for one in client.beta.assistants.list(limit=3)] == made[::-1]
        assert [one.id for one in client.beta.assistants.list(limit=3, order="asc")] == made
        page = client.beta.assistants.list(limit=2, order="asc", after=made[3])
        assert [one.id for one in page.data] == made[4:6]
        assert page.has_more
        before = client.beta.assistants.list(limit=2, order="asc", before=made[3])
        assert [one.id for one in before.data] == made[1:3]
        for one in client.beta.assistants.list(limit=2):
            gone = client.beta.assistants.delete(one.id)
            assert (gone.id, gone.deleted, gone.object) == (one.id, True, "assistant.deleted")
        assert client.beta.assistants.list().data == []


def test_its_deletion_leaves_threads_and_stores(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    made = ann.assistant("Gone", report_txt=SALMON)
    own = own_store(database, made["openai_id"])
    chat = ann.chat(made["id"])
    thread_id = ann.ask(chat, made["id"], "How large was the salmon harvest?")["thread_id"]
    widget = ann.post(
        f"{API}/widgets/",
        json={"assistant_id": made["id"], "name": "Site", "origins": ["https://a.example"]},
    )
    assert widget.status_code == 201, widget.text
    anns.beta.assistants.delete(made["openai_id"])
    with pytest.raises(openai.NotFoundError):
        anns.beta.assistants.retrieve(made["openai_id"])
    assert ann.get(f"{API}/assistants/{made['id']}/").status_code == 404
    assert ann.get(f"{API}/chat/{chat}/").status_code == 404
    assert chat not in [one["id"] for one in ann.get(f"{API}/chat/?limit=500").json()]
    assert widget.json()["id"] not in [one["id"] for one in ann.get(f"{API}/widgets/").json()]
    said = anns.beta.threads.messages.list(thread_id).data
    assert [one.role for one in said] == ["assistant", "user"]
    assert said[0].assistant_id is None
    heir = anns.beta.assistants.create(
        model="gpt-4o", tools=SEARCH, tool_resources={"file_search": {"vector_store_ids": [own]}}
    )
    row = next(
        one for one in ann.get(f"{API}/assistants/?limit=500").json() if one["openai_id"] == heir.id
    )
    again = ann.post(f"{API}/chat/", json={"assistant_id": row["id"], "thread_id": thread_id})
    assert again.status_code == 201, again.text
    answer = ann.ask(again.json()["id"], row["id"], "And how large was the harvest?")
    assert answer["passages"] == 1
    assert answer["thread_id"] == thread_id


def test_the_documented_deletion_leaves_attached_stores(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    reader = ann.assistant("Reader", own_txt=SALMON)
    source = ann.assistant("Source", source_txt=SALMON)
    shared = own_store(database, source["openai_id"])
    own = own_store(database, reader["openai_id"])
    anns.beta.assistants.update(
        reader["openai_id"], tool_resources={"file_search": {"vector_store_ids": [own, shared]}}
    )
    assert ann.delete(f"{API}/assistants/{source['id']}/").status_code == 204  # read by another
    left = ann.get(f"{API}/assistants/{reader['id']}/").json()["documents"]
    assert [one["filename"] for one in left] == ["own.txt", "source.txt"]
    assert ann.delete(f"{API}/assistants/{reader['id']}/").status_code == 204
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT public_id FROM collection WHERE public_id = ANY(%s)", [[own, shared]]
        ).fetchall()
    assert [row[0] for row in found] == [shared]


def test_what_is_somebody_elses_is_unknown(
    anns: openai.OpenAI, bobs: openai.OpenAI, ann: Client, database: str
) -> None:
    made = ann.assistant("Anns", report_txt=SALMON)
    asst, store = made["openai_id"], own_store(database, made["openai_id"])
    file_id = file_of(database, asst)
    attempts: list[Any] = [
        lambda: bobs.beta.assistants.retrieve(asst),
        lambda: bobs.beta.assistants.update(asst, name="Bob's"),
        lambda: bobs.beta.assistants.delete(asst),
        lambda: bobs.beta.assistants.create(
            model="m", tool_resources={"file_search": {"vector_store_ids": [store]}}
        ),
        lambda: bobs.beta.assistants.create(
            model="m", tool_resources={"file_search": {"vector_stores": [{"file_ids": [file_id]}]}}
        ),
    ]
    before = [one.id for one in bobs.beta.assistants.list()]
    for attempt in attempts:
        with pytest.raises(openai.NotFoundError):
            attempt()
    assert [one.id for one in bobs.beta.assistants.list()] == before
    own = bobs.beta.assistants.create(model="m")
    with pytest.raises(openai.NotFoundError, match=store):
        bobs.beta.assistants.update(
            own.id, tool_resources={"file_search": {"vector_store_ids": [store]}}
        )
    with pytest.raises(openai.BadRequestError, match="after"):
        bobs.beta.assistants.list(after=asst)
    assert stores(bobs.beta.assistants.retrieve(own.id)) == []
    assert stores(anns.beta.assistants.retrieve(asst)) == [store]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"tools": [{"type": "code_interpreter"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"tools": [{"type": "file_search", "file_search": {"max_num_results": 51}}]},
            "tools[0].file_search.max_num_results",
        ),
        (
            {"tool_resources": {"code_interpreter": {"file_ids": ["file_1"]}}},
            "tool_resources.code_interpreter",
        ),
        ({"name": "n" * 257}, "name"),
        ({"description": "d" * 513}, "description"),
        ({"instructions": "i" * 100_001}, "instructions"),
        ({"temperature": 2.1}, "temperature"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        (
            {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1"] * 11}}},
            "tool_resources.file_search.vector_store_ids",
        ),
        ({"name": "\x00"}, "name"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
    ],
)
def test_what_is_wrong_is_named(anns: openai.OpenAI, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        anns.beta.assistants.create(**{"model": "m", **wrong})
    assert refused.value.param
    assert refused.value.param.startswith(param)


def test_other_tools_are_refused_by_name(anns: openai.OpenAI) -> None:
    made = anns.beta.assistants.create(model="m")
    with pytest.raises(openai.BadRequestError, match="code_interpreter"):
        anns.beta.assistants.update(made.id, tools=[{"type": "code_interpreter"}])


def test_a_model_is_asked_for(anns: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        anns.post("/assistants", body={}, cast_to=object)
    assert refused.value.param == "model"


def test_uploads_at_once_make_one_own_store(
    anns: openai.OpenAI, ann: Client, database: str
) -> None:
    made = anns.beta.assistants.create(model="gpt-4o", tools=SEARCH)
    row = next(
        one for one in ann.get(f"{API}/assistants/?limit=500").json() if one["openai_id"] == made.id
    )

    def upload(number: int) -> int:
        file = ("files", (f"{number}.txt", SALMON + str(number).encode()))
        return ann.post(f"{API}/assistants/{row['id']}/documents/", files=[file]).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(upload, range(6))) == {201}
    assert len(ann.read(row["id"])["documents"]) == 6
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT count(*) FROM assistant_collection WHERE assistant_id = %s", [row["id"]]
        ).fetchone()
    assert found == (1,)


def test_shared_ones_are_changed_by_their_owner_alone(cluster_url: str, fake: FakeModel) -> None:
    environment = {"AICONVOKIT_SHARED_ASSISTANTS": "true"}
    with (
        running_server(clone(cluster_url), fake.base_url, environment=environment) as server,
        server.login("ann") as ann,
        server.login("bob") as bob,
    ):
        made = ann.assistant("Shared")
        with official(server, bob) as bobs:
            assert bobs.beta.assistants.retrieve(made["openai_id"]).name == "Shared"
            assert [one.id for one in bobs.beta.assistants.list()] == [made["openai_id"]]
            with pytest.raises(openai.PermissionDeniedError):
                bobs.beta.assistants.update(made["openai_id"], name="Bob's")
            with pytest.raises(openai.PermissionDeniedError):
                bobs.beta.assistants.delete(made["openai_id"])
            assert bobs.beta.assistants.retrieve(made["openai_id"]).model == "extractive"
