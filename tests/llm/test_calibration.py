import logging

import pytest

from aiconvokit.llm import calibration
from aiconvokit.llm.calibration import CALIBRATED_AFTER, CHECKED_EVERY, Calibration, was_truncated
from aiconvokit.llm.chat_model import ChatMessage, OpenAIChatModel
from aiconvokit.llm.text import token_counts
from aiconvokit.llm.traits import Memory, Traits
from fake_model.server import FakeModel

WORDS = 3_000
PROMPT = [ChatMessage("system", "Be brief."), ChatMessage("user", "word " * WORDS)]
COUNTED = WORDS + 11


@pytest.mark.parametrize(
    ("counted", "read", "ratio", "expected"),
    [
        (4000, 4100, None, False),
        (4000, 2800, None, False),
        (4000, 2048, None, True),
        (8000, 4096, 1.0, True),
        (4000, 4000, 1.9, True),
        (4000, 2600, 0.7, False),
    ],
)
def test_was_truncated(counted: int, read: int, ratio: float | None, *, expected: bool) -> None:
    assert was_truncated(counted, read, ratio) == expected


async def ask(model: OpenAIChatModel) -> None:
    async for _ in model.stream(PROMPT):
        pass


async def test_a_prompt_that_was_cut_in_silence_is_told_once(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    model = OpenAIChatModel(fake.base_url, None, "fake:truncates=1000")
    with caplog.at_level(logging.WARNING, logger="aiconvokit.llm"):
        for _ in range(3):
            await ask(model)
    (record,) = caplog.records
    assert "num_ctx" in record.getMessage()
    assert "1000" in record.getMessage()
    assert model.traits.tokens_ratio is None, "a cut prompt calibrates nothing"
    await model.close()


async def test_a_server_that_counts_otherwise_is_not_suspected(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    learnt: list[Traits] = []
    model = OpenAIChatModel(fake.base_url, None, "fake:counts=1.9", on_learnt=learnt.append)
    with caplog.at_level(logging.WARNING, logger="aiconvokit.llm"):
        for _ in range(3):
            await ask(model)
    assert not caplog.records
    assert model.traits.tokens_ratio == pytest.approx(1.9, rel=0.02)
    assert len(learnt) == 1, "it has not moved"
    await model.close()


async def test_counting_is_rare_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0

    async def count(texts: list[str]) -> list[int]:
        nonlocal counted
        counted += 1
        return await token_counts(texts)

    monkeypatch.setattr(calibration, "token_counts", count)
    compare = Calibration(Memory(Traits(), None), "any").compare
    for _ in range(CHECKED_EVERY * 2):
        await compare(PROMPT, COUNTED)
    assert counted == CALIBRATED_AFTER + 2
    await compare(PROMPT, COUNTED // 4)
    assert counted == CALIBRATED_AFTER + 3, "it would be more characters a token than there are"


async def test_a_ratio_that_moves_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[Traits] = []
    memory = Memory(Traits(), learnt.append)
    compare = Calibration(memory, "any").compare
    for factor in (1.0, 1.5, 1.5, 1.5):
        await compare(PROMPT, round(COUNTED * factor))
    assert [one.tokens_ratio for one in learnt] == [1.0]
    known = memory.traits.tokens_ratio
    assert known is not None
    assert known > 1.3
    monkeypatch.setattr(calibration, "TOLD_EVERY_SECONDS", 0)
    await compare(PROMPT, round(COUNTED * 1.5))
    assert len(learnt) == 2
