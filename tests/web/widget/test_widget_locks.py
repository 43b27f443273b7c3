"""What owners change and delete while visitors come and ask."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, Server, running_server
from support.waiting import eventually
from web.widget.visitors import Visitor, events, is_waiting, refused, visitor, widget


@pytest.mark.parametrize(
    ("change", "code"),
    [("origins = '{}'", "origin_not_allowed"), ("is_paused = true", "widget_paused")],
)
def test_a_session_begins_before_a_change_or_sees_it(
    server: Server, ann: Client, assistant: int, database: str, change: str, code: str
) -> None:
    made = widget(ann, assistant)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database) as owner:
        owner.execute(f"UPDATE widget SET {change} WHERE id = %s", (made["id"],))  # noqa: S608  # ours
        begun = pool.submit(Visitor(server, made["key"]).begin)
        eventually(lambda: begun.done() or is_waiting(database))
        owner.commit()
        refused(begun.result(), 403, code)


@pytest.fixture
def dripping(cluster_url: str, fake: FakeModel) -> Iterator[tuple[Server, str]]:
    """A server whose answers take a while, and its database."""
    database = clone(cluster_url)
    model = {"AICONVOKIT_CHAT_MODEL": "fake:slow_drip=0.1"}
    with running_server(database, fake.base_url, environment=model) as found:
        yield found, database


def test_an_answer_that_ends_while_its_widget_is_deleted(
    dripping: tuple[Server, str], fake: FakeModel
) -> None:
    """Neither waits for the other in a circle, and the visitor has the answer."""
    server, database = dripping
    fake.script("On and on. " * 5)
    with server.login("ann") as ann, psycopg.connect(database) as deletion:
        made = widget(ann, ann.assistant()["id"])
        with visitor(server, made["key"]).streamed() as response:
            sent = events(response)
            assert next(sent).name == "start"
            deletion.execute("SELECT FROM widget WHERE id = %s FOR UPDATE", (made["id"],))
            everybodys = "SELECT FROM widget_usage WHERE widget_id = %s AND visitor = '' FOR UPDATE"
            deletion.execute(everybodys, (made["id"],))
            eventually(lambda: is_waiting(database))
            deletion.execute("DELETE FROM widget WHERE id = %s", (made["id"],))
            deletion.commit()
            assert [one.name for one in sent][-1] == "done"


@pytest.mark.parametrize("what", ["widget", "chat", "assistant"])
def test_what_is_deleted_in_the_middle_of_an_answer_ends_the_session(
    dripping: tuple[Server, str], fake: FakeModel, what: str
) -> None:
    server, _ = dripping
    fake.script("On and on. " * 20)
    with server.login("ann") as ann:
        assistant = ann.assistant()["id"]
        made = widget(ann, assistant)
        path = f"{API}/widgets/{made['id']}/"
        ada = visitor(server, made["key"])
        with ada.streamed() as response:
            sent = events(response)
            assert next(sent).name == "start"
            assert next(sent).name == "delta"
            addresses = {"widget": path, "assistant": f"{API}/assistants/{assistant}/"}
            if what == "chat":
                addresses["chat"] = ann.get(f"{path}chats/").json()[0]["absolute_url"]
            assert ann.delete(addresses[what]).status_code == 204
            *_, last = sent
        sentence = "This conversation has ended. Please start a new one."
        assert (last.name, last.data) == ("error", {"code": "session_ended", "detail": sentence})
        if what == "chat":  # a new conversation of the same visitor's
            fake.script("Hello.")
            assert ada.ask()[-1].name == "done"
        else:
            refused(ada.post(), 401, "session_ended")


def test_a_chat_that_is_deleted_before_its_turn_begins_ends_the_session(
    dripping: tuple[Server, str], fake: FakeModel
) -> None:
    """The question is counted, and its turn waits for the chat's row, which goes."""
    server, database = dripping
    with (
        server.login("ann") as ann,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(database) as deletion,
    ):
        made = widget(ann, ann.assistant()["id"])
        ada = visitor(server, made["key"])
        fake.script("Hello.")
        ada.ask()
        before = ann.get(f"{API}/widgets/{made['id']}/").json()["usage"]
        asked = len(fake.chats())
        deletion.execute("SELECT FROM thread FOR UPDATE")
        late = pool.submit(ada.post)
        eventually(lambda: is_waiting(database))
        deletion.execute("DELETE FROM thread")
        deletion.commit()
        refused(late.result(), 401, "session_ended")
        assert ann.get(f"{API}/widgets/{made['id']}/").json()["usage"] == before
        assert len(fake.chats()) == asked
