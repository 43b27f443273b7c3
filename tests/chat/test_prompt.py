import pytest

from aiconvokit.chat.prompt import (
    MESSAGE_OVERHEAD,
    NOTHING_FOUND,
    RULES,
    Role,
    Said,
    build,
    fitting_history,
)
from ingestion.tokens import count_tokens


def system(*, has_documents: bool) -> str:
    messages = build(
        instructions="Be brief.",
        company_name="Acme",
        history=[],
        question="How tall is Mont Blanc?",
        sources=[],
        has_documents=has_documents,
    )
    assert [message.role for message in messages] == ["system", "user"]
    assert messages[1].content == "How tall is Mont Blanc?"
    return messages[0].content


def test_a_model_that_gets_no_passages_is_told_not_to_answer_from_memory() -> None:
    assert system(has_documents=True).endswith(NOTHING_FOUND)


def test_an_assistant_without_documents_answers_as_it_is_instructed() -> None:
    found = system(has_documents=False)
    assert NOTHING_FOUND not in found
    assert RULES not in found


@pytest.mark.parametrize("budget", [0, 5, 6, 17, 18, 40, 1_000])
def test_history_is_what_fits_and_begins_with_a_question(budget: int) -> None:
    words: list[tuple[Role, str]] = [
        ("user", "Wie hoch?"),
        ("assistant", "4.806 m."),
        ("user", "Où?"),
        ("assistant", "Là."),
    ]
    turns = [Said(role, content) for role, content in words]
    counted = [count_tokens(one.content) + MESSAGE_OVERHEAD for one in turns]
    newest = [at for at in range(5) if sum(counted[at:]) <= budget]
    begins = next((at for at in newest if at == 4 or turns[at].role == "user"), 4)
    assert fitting_history(turns, budget) == turns[begins:]
