"""What a question knows of the conversation before it."""

import pytest

from aiconvokit.evals.ask import Conversation, make_question, sample
from aiconvokit.evals.sets import Said

FIRST, SECOND = Said("user", "How much is the rent?"), Said("user", "And the deposit?")


@pytest.mark.parametrize(
    ("history", "earlier", "last_answer"),
    [
        ([], [], ""),
        (
            [FIRST, Said("assistant", "900."), Said("assistant", "A month.")],
            [FIRST],
            "900.\nA month.",
        ),
        ([FIRST, Said("assistant", "900."), SECOND], [FIRST, SECOND], ""),
    ],
)
async def test_user_turns_oldest_first_and_the_last_answer_whole(
    history: list[Said], earlier: list[Said], last_answer: str
) -> None:
    async def documents() -> list[int]:
        return [7]

    before = Conversation.of(history)
    question = await make_question("When is it due?", before, documents)
    assert list(question.earlier) == [one.content for one in earlier]
    assert (question.last_answer, list(question.cited)) == (last_answer, [7])


def test_a_sample_is_spread_over_the_whole_set() -> None:
    assert sample(range(10), 4) == [0, 3, 6, 9]
    assert sample(range(3), 4) == sample(range(3), None) == [0, 1, 2]
