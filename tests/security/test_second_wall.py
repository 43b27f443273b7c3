"""A server that forgot all of its filters shows nobody's words to anybody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deletion.everywhere import told_to
from deletion.story import QUESTION, Story, saying
from fake_model.server import FakeModel
from support.official import official
from support.server import API, Client, Server, running_server

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")

HERE = Path(__file__).parent
UNFILTERED, UNWALLED = HERE / "unfiltered.py", HERE / "unwalled.py"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The model says what it is told."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@pytest.fixture(scope="module")
def told(server: Server, database: str, fake_server: FakeModel) -> Iterator[Story]:
    """Ann's word, in every place where words can be."""
    fake_server.reset()
    with server.login("ann") as ann, official(server, ann) as client:
        story = Story(server, database, fake_server, ann, client, "quillwort")
        story.tell()
        story.addresses = [one.partition(": ")[0] for one in told_to(ann, story.addresses)]
        yield story


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[Client]:
    """Somebody else."""
    with server.login("bob") as client:
        yield client


def everything(story: Story, somebody: Client, own: dict[str, Any], chat: int) -> list[str]:
    """What somebody is told at every address, of his own and of the story's, and who asks."""
    asked = {"assistant_id": own["id"], "input": QUESTION}
    talk = {"model": own["openai_id"], "messages": [{"role": "user", "content": QUESTION}]}
    search = f"{API}/assistants/{own['id']}/search/"
    story.fake.script("Nothing is known of that.")
    return [
        *(f"{path}: {somebody.get(path).text}" for path in story.addresses),
        *told_to(somebody, []),
        somebody.put(f"{API}/chat/{chat}/", json=asked).text,
        somebody.post(search, json={"query": "quillwort ledger vault", "limit": 50}).text,
        somebody.post("/v1/chat/completions", json=talk).text,
        *(str(one.body) for one in story.fake.requests()[-2:]),
    ]


@pytest.mark.parametrize("is_walled", [True, False])
def test_without_its_filters(told: Story, bob: Client, database: str, *, is_walled: bool) -> None:
    own = bob.assistant(plans_md=b"# Plans\n\nThe garden is dug over in May.\n")
    chat = bob.chat(own["id"])
    patches = [UNFILTERED] if is_walled else [UNFILTERED, UNWALLED]
    folder = told.server.process.environment["AICONVOKIT_DATA_DIR"]
    environment = {"AICONVOKIT_CHAT_MODEL": "fake", "AICONVOKIT_DATA_DIR": folder}
    with (
        running_server(
            database,
            told.fake.base_url,
            "--no-worker",
            environment=environment,
            patches=patches,
        ) as forgetful,
        forgetful.client(Authorization=bob.headers["authorization"]) as somebody,
    ):
        found = saying(told.word, everything(told, somebody, own, chat))
        search = f"{API}/assistants/{own['id']}/search/"
        at_home = somebody.post(search, json={"query": "garden"})
    # Without the wall the test can fail: there is hardly a place that needs no filter.
    assert "dug over in May" in at_home.text
    assert not found if is_walled else len(found) > 20, found
