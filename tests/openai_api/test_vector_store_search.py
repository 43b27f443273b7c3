"""Searches in a vector store, with the unmodified official client."""

from typing import Any

import openai
import pytest

from fake_model.server import FakeModel
from openai_api.stores import put
from support.server import Client

TEXTS = {
    "anvils": (
        "Anvils are heavy tools made of steel.",
        {"year": 2022, "kind": "tool", "new": False},
    ),
    "rockets": ("Rockets fly fast and far from the ground.", {"year": 2023.5, "kind": "toy"}),
    "paint": ("Paint dries slowly on cold walls in winter.", {"year": 2024, "new": True}),
    "glue": ("Glue holds paper, wood and some metals.", {}),
}


@pytest.fixture(scope="module")
def store(anns: openai.OpenAI) -> str:
    """A vector store with four files that say what they are about."""
    made = anns.vector_stores.create(name="Goods").id
    files = [
        {"file_id": put(anns, f"{name}.txt", text), "attributes": attributes}
        for name, (text, attributes) in TEXTS.items()
    ]
    batch = anns.vector_stores.file_batches.create_and_poll(made, files=files)  # type: ignore[arg-type]  # plain dicts
    assert batch.file_counts.completed == 4
    return made


def names(page: Any) -> set[str]:
    return {one.filename.removesuffix(".txt") for one in page.data}


def test_the_best_passages_with_where_they_stand(anns: openai.OpenAI, store: str) -> None:
    page = anns.vector_stores.search(store, query="heavy anvils of steel", max_num_results=2)
    assert page.object == "vector_store.search_results.page"
    told = page.model_dump()
    assert told["search_query"] == ["heavy anvils of steel"]
    assert (told["has_more"], told["next_page"]) == (False, None)
    assert len(page.data) == 2
    best = page.data[0]
    assert best.filename == "anvils.txt"
    assert best.attributes == {"year": 2022, "kind": "tool", "new": False}
    assert [(one.type, one.text) for one in best.content] == [("text", TEXTS["anvils"][0])]
    assert best.score == 1
    assert best.score > page.data[1].score >= 0
    assert anns.files.content(best.file_id).text == TEXTS["anvils"][0]
    assert best.model_dump()["page"] == 1
    assert best.model_dump()["heading"] == ""


def test_a_search_asks_no_chat_model(fake: FakeModel, anns: openai.OpenAI, store: str) -> None:
    anns.vector_stores.search(store, query="Which walls are cold?", rewrite_query=True)
    assert {one.path for one in fake.requests()} == {"/v1/embeddings"}


def test_several_questions_are_one_search(anns: openai.OpenAI, store: str) -> None:
    page = anns.vector_stores.search(
        store, query=["heavy anvils of steel", "paint on cold walls"], max_num_results=3
    )
    assert names(page) >= {"anvils", "paint"}
    assert len({one.file_id for one in page.data}) == len(page.data) == 3
    assert [one.score for one in page.data][:2] == [1, 1]
    assert page.model_dump()["search_query"] == ["heavy anvils of steel", "paint on cold walls"]


def _compare(kind: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


def _join(kind: str, *filters: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "filters": list(filters)}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (_compare("eq", "year", 2022), "anvils"),
        (_compare("eq", "year", "2022"), ""),
        (_compare("eq", "new", value=True), "paint"),
        (_compare("ne", "kind", "tool"), "rockets paint glue"),
        (_compare("gt", "year", 2022), "rockets paint"),
        (_compare("gte", "year", 2023.5), "rockets paint"),
        (_compare("lt", "year", 2024), "anvils rockets"),
        (_compare("lte", "year", 2024), "anvils rockets paint"),
        (_compare("in", "kind", ["tool", "toy"]), "anvils rockets"),
        (_compare("nin", "kind", ["tool"]), "rockets paint glue"),
        (_compare("eq", "filename", "glue.txt"), "glue"),
        (_compare("gt", "created_at", "2020"), "anvils rockets paint glue"),
        (
            _join("and", _compare("gt", "year", 2022), _compare("eq", "new", value=True)),
            "paint",
        ),
        (
            _join(
                "or",
                _compare("eq", "filename", "glue.txt"),
                _join("and", _compare("eq", "kind", "toy"), _compare("lt", "year", 3000)),
            ),
            "rockets glue",
        ),
    ],
)
def test_filters(anns: openai.OpenAI, store: str, filters: Any, found: str) -> None:
    page = anns.vector_stores.search(store, query="goods made of steel", filters=filters)
    assert names(page) == set(found.split())


def test_attributes_count_from_when_they_are_changed(anns: openai.OpenAI, store: str) -> None:
    (file,) = anns.vector_stores.search(
        store, query="glue", filters={"type": "eq", "key": "filename", "value": "glue.txt"}
    ).data
    where: Any = _compare("eq", "shelf", 3)
    assert anns.vector_stores.search(store, query="glue", filters=where).data == []
    anns.vector_stores.files.update(file.file_id, vector_store_id=store, attributes={"shelf": 3})
    assert names(anns.vector_stores.search(store, query="glue", filters=where)) == {"glue"}
    anns.vector_stores.files.update(file.file_id, vector_store_id=store, attributes={})


def test_a_threshold_leaves_out_what_fits_less(anns: openai.OpenAI, store: str) -> None:
    every = anns.vector_stores.search(store, query="heavy anvils of steel").data
    scores = [one.score for one in every]
    assert len(every) == 4
    least = (scores[1] + scores[0]) / 2
    for ranker in ("none", "auto", "default-2024-11-15"):
        best = anns.vector_stores.search(
            store,
            query="heavy anvils of steel",
            ranking_options={"ranker": ranker, "score_threshold": least},
        )
        assert names(best) == {"anvils"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": "  "}, "query"),
        ({"query": []}, "query"),
        ({"query": ["steel", " "]}, "query"),
        ({"query": ["steel"] * 17}, "query"),
        ({"query": 7}, "query"),
        ({"max_num_results": 0}, "max_num_results"),
        ({"max_num_results": 51}, "max_num_results"),
        ({"ranking_options": {"score_threshold": 1.1}}, "ranking_options.score_threshold"),
        ({"rewrite_query": "no"}, "rewrite_query"),
        ({"filters": []}, "filters"),
        ({"filters": {}}, "filters"),
        ({"filters": _compare("like", "a", "b")}, "filters"),
        ({"filters": {"type": "eq", "key": "a"}}, "filters"),
        ({"filters": {"type": "eq", "value": "a"}}, "filters"),
        ({"filters": _compare("eq", "a", {"b": 1})}, "filters"),
        ({"filters": _compare("gt", "a", value=True)}, "filters"),
        ({"filters": _compare("in", "a", "b")}, "filters"),
        ({"filters": _compare("in", "a", [[]])}, "filters"),
        ({"filters": _compare("eq", "a", 10**400)}, "filters"),
        ({"filters": _join("and")}, "filters"),
        ({"filters": _join("or", _join("or", _join("or", _join("or", _join("or")))))}, "filters"),
        ({"filters": _join("or", *[_compare("eq", "a", 1)] * 33)}, "filters"),
    ],
)
def test_what_a_search_cannot_be(
    anns: openai.OpenAI, store: str, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        anns.vector_stores.search(store, **{"query": "steel", **fields})
    assert refused.value.param == param


def test_an_empty_store_answers_nothing(anns: openai.OpenAI, bobs: openai.OpenAI) -> None:
    empty = anns.vector_stores.create().id
    assert anns.vector_stores.search(empty, query="anything").data == []
    with pytest.raises(openai.NotFoundError):
        bobs.vector_stores.search(empty, query="anything")


def test_a_search_finds_what_the_assistant_finds(anns: openai.OpenAI, ann: Client) -> None:
    texts = {f"{name}_txt": text.encode() for name, (text, _) in TEXTS.items()}
    assistant = ann.assistant(name="Same", **texts)
    (own,) = [one for one in anns.vector_stores.list() if one.name == "Same"]
    here = anns.vector_stores.search(own.id, query="heavy anvils of steel").data
    there = ann.post(
        f"/api/v1/assistants/{assistant['id']}/search/",
        json={"query": "heavy anvils of steel", "limit": 10},
    ).json()["results"]
    assert [(one.filename, one.score) for one in here] == [
        (one["filename"], one["score"]) for one in there
    ]
