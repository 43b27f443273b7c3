"""Follow-ups that are rewritten for the search: which, how, and never at the answer's cost."""

# ruff: noqa: RUF001  (letters of other scripts look like Latin ones)

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from aiconvokit.chat import rewrite as module
from aiconvokit.chat.follow_up import LONGEST, stands_alone
from aiconvokit.chat.prompt import Said
from aiconvokit.chat.rewrite import CHARACTERS_SHOWN, INSTRUCTION, accepted, request, rewrite
from aiconvokit.llm.chat_model import OpenAIChatModel
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, client_with_model

TEXT = b"# Supply contract\n\nThe price of one pump is EUR 1,250.\n\nIt ends on 30 June 2028.\n"
HISTORY = [Said("user", "What is the price of one pump?"), Said("assistant", "EUR 1,250 [1].")]
FOLLOW_UP = "And when does it end?"
REWRITTEN = "When does the supply contract end?"


@pytest.mark.parametrize(
    "question",
    [
        "And in 2018?",
        "What about the notice period for suppliers?",
        "How does it compare with the year before?",
        "Does the supplier have to insure it?",
        "Who signed that?",
        "Why is that clause limited?",
        "Why?",
        "And the second one, for Q3?",
        "What were their total assets at the end of 2019?",
        "Und wie war das 2019 in Deutschland?",
        "Wie lange läuft sie nach der Kündigung?",
        "Et pour les fournisseurs étrangers ?",
        "Quand expire-t-il ?",
        "¿Cuál es su duración máxima en meses?",
        "Qual è la sua durata massima?",
        "Wanneer vervalt hij na de oplevering?",
        "А в 2018 году?",
        "Когда истекает его срок действия?",
        "它什么时候结束？",
        "それはいつ終わりますか？",
        "",
    ],
)
def test_questions_that_need_the_conversation(question: str) -> None:
    assert not stands_alone(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the price of one pump?",
        "What is the fee that applies to late payments?",
        "Which vaccines were approved for children?",
        "What does this agreement say about early termination?",
        "What was the operating margin of Northwind in 2018?",
        "What dividend did Acme's board propose, and when is it paid?",
        "Können Sie mir sagen, wie hoch der Umsatz 2018 war?",
        "Wie lange ist die Kündigungsfrist für Lieferanten?",
        "Quel est le montant de la garantie bancaire ?",
        "¿Cuáles son los plazos de entrega del contrato?",
        "Wat is de opzegtermijn van het contract?",
        "合同的价格是多少？",
        f"And {'the long story ' * (LONGEST // 15 + 1)}?",
    ],
)
def test_questions_that_stand_alone(question: str) -> None:
    assert stands_alone(question)


@pytest.mark.parametrize(
    "said",
    [
        REWRITTEN,
        f" {REWRITTEN}\n",
        f'"{REWRITTEN}"',
        f"Rewritten question: {REWRITTEN}",
        f"**Question:** \u201c{REWRITTEN}\u201d",
        f"Standalone question: `{REWRITTEN}`",
    ],
)
def test_labels_and_quotes_are_taken_off(said: str) -> None:
    assert accepted(said, FOLLOW_UP) == REWRITTEN


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("", FOLLOW_UP),
        (' "" ', FOLLOW_UP),
        ("Question:", FOLLOW_UP),
        (f"Sure, here it is.\n{REWRITTEN}", FOLLOW_UP),
        (f"{REWRITTEN}\u2028And more.", FOLLOW_UP),
        ("When? " * LONGEST, FOLLOW_UP),
        (f'"{FOLLOW_UP.upper()}"', FOLLOW_UP),
        ("What was the revenue?", "And in 2018?"),
    ],
)
def test_what_is_no_rewritten_question_is_dropped(said: str, question: str) -> None:
    assert accepted(said, question) is None


def test_the_model_is_shown_three_turns_shortened() -> None:
    turns = [Said("user", f"Question {n}?\nPlease.") for n in range(9)]
    long = Said("assistant", "word " * CHARACTERS_SHOWN)
    system, user = request(FOLLOW_UP, [*turns, long])
    assert (system.role, system.content) == ("system", INSTRUCTION)
    lines = user.content.split("\n")
    assert lines[:5] == [f"User: Question {n}? Please." for n in range(4, 9)]
    assert len(lines[5]) == len("Assistant: ") + CHARACTERS_SHOWN
    assert lines[6:] == ["", f"Last question: {FOLLOW_UP}"]


@asynccontextmanager
async def chat_model(fake: FakeModel, name: str) -> AsyncIterator[OpenAIChatModel]:
    model = OpenAIChatModel(fake.base_url, None, name)
    try:
        yield model
    finally:
        await model.close()


@pytest.mark.parametrize("mode", ["", ":think", ":reasoning"])
async def test_a_model_that_rewrites(fake: FakeModel, mode: str) -> None:
    fake.script(REWRITTEN)
    async with chat_model(fake, f"fake{mode}") as model:
        assert await rewrite(model, FOLLOW_UP, HISTORY) == REWRITTEN


@pytest.mark.parametrize("mode", ["401", "500", "hang", "slow_drip", "endless", "cut_clean"])
async def test_a_model_that_does_not(
    fake: FakeModel, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REWRITE_SECONDS", 1.0)
    fake.script(REWRITTEN)
    async with chat_model(fake, f"fake:{mode}") as model:
        assert await rewrite(model, FOLLOW_UP, HISTORY) is None


def searched(fake: FakeModel) -> list[str]:
    """The texts that were embedded last."""
    inputs: list[str] = [one for one in fake.requests() if one.path == "/v1/embeddings"][-1].body[
        "input"
    ]
    return inputs


REWRITES = {"AICONVOKIT_QUERY_REWRITE": "model"}


@pytest.fixture(scope="module")
def rewriting(cluster_url: str, fake_server: FakeModel) -> Iterator[Client]:
    with client_with_model(clone(cluster_url), fake_server.base_url, "fake", **REWRITES) as client:
        yield client


def test_a_follow_up_is_rewritten_once_for_the_search(rewriting: Client, fake: FakeModel) -> None:
    assistant = rewriting.assistant(contract_md=TEXT)
    chat = rewriting.chat(assistant["id"])
    rewriting.ask(chat, assistant["id"], "And what about it?")
    assert len(fake.chats()) == 1, "there is no conversation yet"
    answer = rewriting.ask(chat, assistant["id"], "What is the price of one pump?")
    assert len(fake.chats()) == 2, "it stands alone"
    assert rewriting.receipt(chat, answer["message_id"])["rewritten"] is None

    fake.script(REWRITTEN)
    answer = rewriting.ask(chat, assistant["id"], FOLLOW_UP)
    assert len(fake.chats()) == 4
    asked, written = (one.body["messages"] for one in fake.chats()[2:])
    assert asked[0]["content"] == INSTRUCTION
    assert asked[1]["content"].endswith(f"Last question: {FOLLOW_UP}")
    assert written[-1]["content"].endswith(f"Question: {FOLLOW_UP}")
    assert REWRITTEN not in str(written)
    assert searched(fake)[0] == REWRITTEN
    assert FOLLOW_UP in searched(fake)[1]
    found = rewriting.receipt(chat, answer["message_id"])
    assert (found["rewritten"], found["messages"]) == (REWRITTEN, written)
    assert "rewrite" in found["milliseconds"]
    stored = rewriting.get(f"{API}/chat/{chat}/").json()["messages"]
    assert [one["content"] for one in stored if one["role"] == "user"][-1] == FOLLOW_UP


def test_a_rewriting_that_never_ends_does_not_fail_the_turn(
    cluster_url: str, fake: FakeModel
) -> None:
    database_url = clone(cluster_url)
    with client_with_model(database_url, fake.base_url, "fake:hang-once", **REWRITES) as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        with psycopg.connect(database_url) as connection:
            for number, said in enumerate(HISTORY):
                connection.execute(
                    "INSERT INTO message (public_id, thread_id, role, status, content)"
                    " SELECT %s, thread_id, %s, 'complete', %s FROM chat WHERE id = %s",
                    [f"msg_{number}", said.role, said.content, chat],
                )
        fake.script("It ends on 30 June 2028 [1].")
        answer = client.ask(chat, assistant["id"], FOLLOW_UP)
        assert "30 June 2028" in answer["output"]
        assert len(fake.chats()) == 2
        assert searched(fake)[0] == FOLLOW_UP
        found = client.receipt(chat, answer["message_id"])
        assert found["rewritten"] is None
        assert "rewrite" in found["milliseconds"]


def test_by_default_nothing_is_rewritten(cluster_url: str, fake: FakeModel) -> None:
    with client_with_model(clone(cluster_url), fake.base_url, "fake") as client:
        assistant = client.assistant(contract_md=TEXT)
        chat = client.chat(assistant["id"])
        for question in ("What is the price of one pump?", FOLLOW_UP):
            client.ask(chat, assistant["id"], question)
        assert len(fake.chats()) == 2
