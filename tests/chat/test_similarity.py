import numpy as np
import pytest

from aiconvokit.chat.attribution import Draft, attribute, draft, finish
from aiconvokit.chat.similarity import SUPPORT_FROM
from aiconvokit.llm.local_embedder import LocalEmbedder
from support.crosslingual_pairs import pairs
from support.passages import source

MODEL = "multilingual-e5-small-q4"


CLAIM = "Der Mieter zahlt dem Vermieter eine monatliche Miete von 2.450 EUR."
QUOTE = "The tenant shall pay the landlord a monthly rent of EUR 2,450."


def near(drafted: Draft, cosine: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.full((len(drafted.claims), len(drafted.quotes)), cosine, dtype=np.float32)


@pytest.mark.parametrize(
    ("model", "cosine", "supported"),
    [(MODEL, 0.95, True), (MODEL, SUPPORT_FROM[MODEL] - 0.01, False), ("another", 0.99, False)],
)
def test_another_language_needs_near_vectors_of_a_known_space(
    model: str, cosine: float, *, supported: bool
) -> None:
    drafted = draft(f"{CLAIM} [1]", [source(1, QUOTE)])
    assert (drafted.claims, drafted.quotes) == ((CLAIM,), (QUOTE,))
    (claim,) = finish(drafted, near(drafted, cosine), model).claims
    reason = "similarity" if supported else "no_match"
    assert (claim.supported, claim.reason) == (supported, reason)


@pytest.mark.parametrize(
    "claim",
    [
        CLAIM.replace("2.450", "2.540"),
        CLAIM.replace("EUR", "USD"),
        CLAIM.replace("zahlt", "zahlt nicht"),
        "Der Vermieter zahlt dem Mieter eine monatliche Miete von 2.450 EUR.",
        CLAIM.replace("Miete", "Kaution"),
        "Die Besucher tragen in der Halle einen Helm und eine Brille.",
    ],
)
def test_no_vectors_are_asked_about_what_does_not_agree(claim: str) -> None:
    drafted = draft(f"{claim} [1]", [source(1, QUOTE)])
    assert drafted.claims == ()
    assert not any(one.supported for one in attribute(claim, [source(1, QUOTE)]).claims)


def test_a_false_claim_in_the_documents_language_is_never_a_matter_of_vectors() -> None:
    german = "Das steht so in dem Vertrag und gilt auch für die anderen Wohnungen."
    answer = f"{CLAIM} {german} The landlord shall pay the tenant a monthly rent of EUR 2,450."
    assert draft(answer, [source(1, QUOTE)]).claims == (CLAIM,)


async def test_the_local_embedder_bears_out_no_false_pair() -> None:
    embedder = LocalEmbedder()
    right = 0
    try:
        for claim, quote, is_true in pairs():
            drafted = draft(claim, [source(1, quote)])
            if not drafted.claims:
                continue
            claims = await embedder.embed_queries(drafted.claims)
            quotes = await embedder.embed_passages(drafted.quotes)
            (found,) = finish(drafted, claims @ quotes.T, embedder.model).claims
            assert is_true or not found.supported, claim
            right += found.supported
    finally:
        await embedder.close()
    assert right >= 12  # measured: 14 of 37
