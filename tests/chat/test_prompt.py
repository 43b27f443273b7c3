from aiconvokit.chat.prompt import NOTHING_FOUND, RULES, build


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
