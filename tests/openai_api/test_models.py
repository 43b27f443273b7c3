"""`/v1/models`: assistants by id and slug, and the chat model by itself."""

from typing import Any

import openai
import pytest

from aiconvokit.openai_api.models.names import slugs
from fake_model.server import FakeModel
from support.databases import clone
from support.official import official
from support.server import API, Client, running_server


def ids(client: openai.OpenAI) -> list[str]:
    return [one.id for one in client.models.list()]


def test_each_assistant_has_an_id_and_a_slug(anns: openai.OpenAI, ann: Client) -> None:
    made = [ann.assistant("Annual Reports"), ann.assistant("annual reports!")]
    found = ids(anns)
    assert found[-1] == "fake"
    named = [one["openai_id"] for one in made]
    assert found[-5:-1] == [named[0], "annual-reports", named[1], "annual-reports-2"]


def test_a_model_is_found_by_any_of_its_names(anns: openai.OpenAI, ann: Client) -> None:
    assistant = ann.assistant("Found by its names")
    by_id = anns.models.retrieve(assistant["openai_id"])
    by_slug = anns.models.retrieve("found-by-its-names")
    assert (by_id.object, by_id.owned_by) == ("model", "aiconvokit")
    assert by_id.created == by_slug.created > 1_700_000_000
    assert by_slug.id == "found-by-its-names"
    assert anns.models.retrieve("fake").owned_by == "upstream"


@pytest.mark.parametrize("name", ["no-such", "org/model", "asst_000000000000000000000000", "a/b/c"])
def test_an_unknown_model_says_so(anns: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        anns.models.retrieve(name)
    assert refused.value.code == "model_not_found"
    assert refused.value.param == "model"
    assert f"'{name}'" in refused.value.message


def test_nobody_sees_the_models_of_others(
    anns: openai.OpenAI, bobs: openai.OpenAI, ann: Client
) -> None:
    assistant = ann.assistant("Only Ann's")
    assert {"only-ann-s", assistant["openai_id"]} <= set(ids(anns))
    assert ids(bobs) == ["fake"]
    for name in ("only-ann-s", assistant["openai_id"]):
        with pytest.raises(openai.NotFoundError):
            bobs.models.retrieve(name)


def test_no_slug_is_the_chat_models_name(anns: openai.OpenAI, ann: Client) -> None:
    ann.assistant("Fake")
    found = ids(anns)
    assert found.count("fake") == 1
    assert "fake-2" in found


def test_a_slug_goes_with_the_name(anns: openai.OpenAI, ann: Client) -> None:
    assistant = ann.assistant("Before")
    changed = {"name": "Before", "new_name": "After", "company_name": "A", "instructions": "B"}
    assert ann.put(f"{API}/assistants/{assistant['id']}/", json=changed).status_code == 200
    assert "after" in ids(anns)
    assert "before" not in ids(anns)


def test_on_a_server_that_shares_them(cluster_url: str, fake_server: FakeModel) -> None:
    shared = {"AICONVOKIT_SHARED_ASSISTANTS": "true"}
    url = clone(cluster_url)
    with (
        running_server(url, fake_server.base_url, environment=shared) as server,
        server.login("ann") as ann,
        server.login("bob") as bob,
        official(server, bob) as bobs,
    ):
        assistant = ann.assistant("Reports", report_txt=b"The price of one pump is EUR 1,250.")
        bob.assistant("Reports")
        assert ids(bobs)[:2] == [assistant["openai_id"], "reports"]
        assert ids(bobs)[3] == "reports-2"
        messages: Any = [{"role": "user", "content": "What is the price of one pump?"}]
        answer = bobs.chat.completions.create(model="reports", messages=messages)
        assert "EUR 1,250" in str(answer.choices[0].message.content)
        assert [one["questions"] for one in bob.get(f"{API}/usage/").json()] == [1]
        assert ann.get(f"{API}/usage/").json() == []


def key(user: Client) -> str:
    return str(user.headers["authorization"].split()[1])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Jahresbericht für Öl & Straße"], ["jahresbericht-fur-ol-strasse"]),
        (["年度报告", "한국어 보고서", "हिन्दी"], ["年度报告", "한국어-보고서", "हिन्दी"]),
        (["Reports", "Reports 2", "reports"], ["reports", "reports-2", "reports-3"]),
        (["Reports", "reports", "Reports 2"], ["reports", "reports-2", "reports-2-2"]),
        (["!!!", "…"], ["assistant", "assistant-2"]),
        (["asst_000000000000000000000000"], ["asst-000000000000000000000000"]),
        (["GPT", "\uff27\uff30\uff34"], ["gpt-2", "gpt-3"]),
    ],
)
def test_slugs(names: list[str], expected: list[str]) -> None:
    assert slugs(names, ["Gpt"]) == expected
