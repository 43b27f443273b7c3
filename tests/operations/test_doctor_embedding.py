"""What the doctor says of embedding servers."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from aiconvokit.config import Settings
from aiconvokit.llm.vectors import unit_rows
from aiconvokit.operations.doctor import embedding
from aiconvokit.operations.doctor.embedding import Learnt
from aiconvokit.operations.doctor.findings import Finding, Findings, secrets_of
from aiconvokit.operations.doctor.queries import Space
from fake_model.server import DIMENSIONS, FakeModel

Asked = Callable[..., Awaitable[tuple[dict[str, Finding], Learnt | None]]]


@pytest.fixture
def ask(fake: FakeModel) -> Asked:
    async def examine(model: str, **changes: Any) -> tuple[dict[str, Finding], Learnt | None]:
        settings = Settings(
            **{
                "openai_base_url": fake.base_url,
                "openai_api_key": "sk-test-secret",
                "embedding_model": model,
                **changes,
            }
        )
        findings = Findings(secrets_of(settings))
        learnt = await embedding.examine(settings, findings)
        assert not any("sk-test" in one.found + one.advice for one in findings.all)
        return {one.name: one for one in findings.all}, learnt

    return examine


@pytest.mark.parametrize("model", ["fake", "fake:shuffled", "fake:no_index", "fake:minimal"])
async def test_a_server_that_can_be_worked_with(ask: Asked, model: str) -> None:
    found, learnt = await ask(model)
    assert [f"{one.name} {one.state}" for one in found.values()] == [
        *("embedding model ok", "embedding vectors ok"),
        *("embedding batches ok", "embedding length ok"),
    ]
    assert learnt is not None
    assert (learnt.model, learnt.dim) == (model, DIMENSIONS)


async def test_limits_are_learnt(ask: Asked) -> None:
    found, learnt = await ask("fake:batch_limit=32")
    assert "At most 32 texts" in found["embedding batches"].found
    assert learnt is not None
    assert learnt.traits is not None
    assert learnt.traits.batch_items == 32

    found, learnt = await ask("fake:too_large=900")
    assert "in pieces" in found["embedding length"].found
    assert learnt is not None
    assert learnt.traits is not None
    assert learnt.traits.input_tokens is not None


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("401", "Set OPENAI_API_KEY"),
        ("404", "Did you mean fake?"),
        ("500", "log"),
        ("quota", "balance"),
        ("429=60", "Wait"),
        ("html200", "address of an API"),
        ("nan", "Choose another"),
        ("zero", "Choose another"),
        ("wrong_count", "Choose another"),
        ("bad_index", "Choose another"),
        ("dims_change", "Choose another"),
    ],
)
async def test_a_fault_says_what_to_do(ask: Asked, model: str, advice: str) -> None:
    found, learnt = await ask(f"fake:{model}")
    assert set(found) == {"embedding model"}
    assert found["embedding model"].state == "failed"
    assert advice in found["embedding model"].advice
    assert learnt is None


async def test_the_variable_that_is_wrong_is_named(ask: Asked, fake: FakeModel) -> None:
    own = "http://127.0.0.1:9/v1"
    found, _ = await ask("fake", embedding_base_url=own)
    assert "AICONVOKIT_EMBEDDING_BASE_URL" in found["embedding server"].advice
    found, _ = await ask("fake", openai_base_url=own)
    assert "OPENAI_BASE_URL" in found["embedding server"].advice
    found, _ = await ask("fake", embedding_base_url="localhost")
    assert "AICONVOKIT_EMBEDDING_BASE_URL is no address" in found["embedding server"].found
    root = fake.base_url.removesuffix("/v1")
    found, _ = await ask("fake", openai_base_url=root)
    assert found["embedding model"].advice == f"Set OPENAI_BASE_URL={fake.base_url}"


@pytest.mark.parametrize(
    ("words", "most", "state"), [(400, 460, "warning"), (150, 115, "warning"), (20, None, "failed")]
)
async def test_texts_are_cut_before_a_server_cuts_them(
    ask: Asked, words: int, most: int | None, state: str
) -> None:
    found, learnt = await ask(f"fake:cuts={words}")
    assert found["embedding length"].state == state
    assert found["embedding vectors"].state == "ok"
    assert learnt is not None
    assert learnt.traits is not None
    assert learnt.traits.input_tokens == most


@pytest.mark.parametrize(
    ("order", "noise", "state"), [([0, 1, 2], 0.0, "ok"), ([0, 1, 2], 0.1, "warning")]
)
def test_vectors_of_the_same_text_are_compared(order: list[int], noise: float, state: str) -> None:
    first = np.eye(3, 8, dtype=np.float32)
    again = unit_rows(first[::-1] + noise * np.eye(8, dtype=np.float32)[5], count=3)
    findings = Findings()
    embedding._compare(findings, first, again)
    assert [one.state for one in findings.all] == [state]


def test_vectors_that_are_all_alike_or_out_of_order_fail() -> None:
    first = np.eye(3, 8, dtype=np.float32)
    for again in (first, np.ones((3, 8), dtype=np.float32), np.eye(3, 9, dtype=np.float32)):
        findings = Findings()
        embedding._compare(findings, first, again)
        assert [one.state for one in findings.all] == ["failed"]


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        ([], "ok"),
        ([Space("local", "e5", 384, 2)], "ok"),
        ([Space("local", "e5", 384, 2), Space("local", "other", 384, 1)], "failed"),
        ([Space("host:80", "e5", 384, 1)], "failed"),
        ([Space("there:80", "other", 384, 1)], "warning"),
        ([Space("there:80", "other", 384, 1), Space("host:80", "e5", 384, 1)], "failed"),
    ],
)
def test_documents_of_another_model_are_found(stored: list[Space], state: str) -> None:
    findings = Findings()
    there = Settings(openai_base_url="http://there/v1")
    embedding.space(there, Learnt("local", "e5", 384, None), stored, findings)
    assert [one.state for one in findings.all] == [state]
