"""A sentence of a deleted document never comes back: by whatever way it went, wherever it was said.

It is asked for in every way there is, in the version that is searched and in an older one. What
Postgres itself keeps of deleted rows until they are vacuumed is not looked at, nor is its log.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from deletion.everywhere import data_of, in_database, in_folder
from deletion.story import Story, saying
from fake_model.server import FakeModel
from support.official import official
from support.server import API, Server, server_environment
from support.starter import run
from support.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


def by_document(story: Story) -> None:
    answer = story.user.delete(story.ledger["url"])
    assert answer.status_code == 204, answer.text
    removed = story.user.get(answer.headers["location"]).json()["removed"]
    assert (removed["pages"], removed["files"]) == (2, 1)
    assert removed["documents"] == [story.ledger["id"]]
    # Two versions, each plainly; two said again; streamed; a visitor; two runs; three responses;
    # one misquoted.
    assert removed["redacted_answers"] == 12
    kept = story.user.get(f"{API}/chat/{story.other}/").json()["messages"][1]
    assert (kept["status"], "noon" in kept["content"]) == ("complete", True)


def by_assistant(story: Story) -> None:
    answer = story.user.delete(f"{API}/assistants/{story.assistant}/")
    assert answer.status_code == 204, answer.text


def by_file(story: Story) -> None:
    assert story.client.files.delete(story.place[1]).deleted


def by_store_file(story: Story) -> None:
    store, file = story.place
    assert story.client.vector_stores.files.delete(file, vector_store_id=store).deleted


def by_store(story: Story) -> None:
    assert story.client.vector_stores.delete(story.place[0]).deleted


def by_expiry(story: Story) -> None:
    with psycopg.connect(story.database) as connection:
        connection.execute(
            "UPDATE collection SET expires_after_days = 1,"
            " last_active_at = now() - interval '9 days' WHERE public_id = %s",
            [story.place[0]],
        )
    eventually(lambda: story.user.get(story.ledger["url"]).status_code == 404)


def command(story: Story, *arguments: str) -> int:
    """The exit code of a command beside the server, which must be 0."""
    environment = server_environment("", story.database, story.fake.base_url)
    environment["AICONVOKIT_DATA_DIR"] = str(data_of(story.server))
    done = run(arguments, environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.returncode


def by_user(story: Story) -> None:
    command(story, "users", "delete", "by_user")


WAYS = (by_document, by_assistant, by_file, by_store_file, by_store, by_expiry, by_user)


@pytest.fixture
def story(
    request: pytest.FixtureRequest, server: Server, database: str, fake: FakeModel
) -> Iterator[Story]:
    word = f"quillwort{chr(ord('a') + WAYS.index(request.param))}"
    name = request.param.__name__
    with server.login(name) as user, official(server, user) as client:
        yield Story(server, database, fake, user, client, word)


@pytest.mark.parametrize(("story", "way"), [(way, way) for way in WAYS], indirect=["story"])
def test_a_deleted_sentence_never_comes_back(story: Story, way: Callable[[Story], None]) -> None:
    story.tell()
    folder = data_of(story.server)
    # The test can fail: before, the word is everywhere.
    assert len(saying(story.word, story.read())) > 20
    assert saying(story.word, list(in_database(story.database)))
    assert saying(story.word, list(in_folder(folder)))
    way(story)
    story.fake.reset()
    story.fake.script("Nothing is known of that.")
    assert saying(story.word, story.read()) == []
    assert saying(story.word, list(in_database(story.database))) == []
    assert saying(story.word, list(in_folder(folder))) == []
    assert saying(story.word, story.ask_again()) == []
    assert saying(story.word, [str(one.body) for one in story.fake.requests()]) == []
    assert saying(story.word, story.read()) == []
    assert command(story, "check") == 0
