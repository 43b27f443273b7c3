"""Questions and documents in different languages, with the embedder that is shipped."""

from collections.abc import Iterator

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, running_server

RENT = b"# Rent\n\nThe tenant pays 900 euro on the first working day of each month.\n"
PETS = b"# Pets\n\nDogs and cats may be kept with the written consent of the landlord only.\n"
REPAIRS = b"# Repairs\n\nWhoever lives in the house mends small things at his own expense.\n"
CHINESE_RENT = "# 租金\n\n承租人应在每月第一个工作日支付租金九百元。\n".encode()
CHINESE_PETS = "# 宠物\n\n未经房东书面同意不得在房屋内饲养猫狗。\n".encode()


@pytest.fixture(scope="module")
def reader(cluster_url: str, fake_server: FakeModel) -> Iterator[Client]:
    """A user of a server that embeds by itself: nothing is asked of the fake model."""
    local = {"AICONVOKIT_EMBEDDING_MODEL": ""}
    with (
        running_server(clone(cluster_url), fake_server.base_url, environment=local) as server,
        server.login("ann") as client,
    ):
        yield client


@pytest.fixture(scope="module")
def english(reader: Client) -> int:
    return int(reader.assistant(rent_md=RENT, pets_md=PETS, repairs_md=REPAIRS)["id"])


@pytest.fixture(scope="module")
def chinese(reader: Client) -> int:
    return int(reader.assistant(rent_md=CHINESE_RENT, pets_md=CHINESE_PETS)["id"])


def best(client: Client, assistant_id: int, question: str) -> object:
    """The document that a search finds first."""
    answer = client.post(f"{API}/assistants/{assistant_id}/search/", json={"query": question})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][0]["filename"]


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("Wie hoch ist die Miete, und wann muss sie gezahlt werden?", "rent.md"),
        ("Darf ich einen Hund halten?", "pets.md"),
        ("¿Se permiten animales en la vivienda?", "pets.md"),
        ("Qui paie les petites réparations ?", "repairs.md"),
        ("可以养狗吗", "pets.md"),
    ],
)
def test_a_question_in_another_language_finds_the_english_passage(
    reader: Client, english: int, question: str, document: str
) -> None:
    assert best(reader, english, question) == document


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("房屋内饲养猫狗有什么规定", "pets.md"),
        ("租金是多少", "rent.md"),
        ("When is the rent to be paid?", "rent.md"),
        ("Darf ich einen Hund halten?", "pets.md"),
    ],
)
def test_a_chinese_passage_is_found(
    reader: Client, chinese: int, question: str, document: str
) -> None:
    assert best(reader, chinese, question) == document
