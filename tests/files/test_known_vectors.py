"""What was embedded is not embedded again, for its owner; and nothing outlives its document."""

import io
from collections import Counter

import pytest
from reportlab.pdfgen.canvas import Canvas

from aiconvokit.accounts.deletions import Removed
from aiconvokit.files import documents
from aiconvokit.services import Services
from support.reading import Listening, collection, column, owner, read, row, upload, with_embedder


def pdf(*pages: str) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for page in pages:
        for number in range(40):
            canvas.drawString(72, 780 - 15 * number, f"{page} {number} is what the board decided.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


PAGES = ["Rent", "Heating", "Cleaning", "Deposit"]


@pytest.fixture
def services(services: Services) -> tuple[Services, Listening]:
    embedder = Listening(services.embedder)
    return with_embedder(services, embedder), embedder


async def passages(services: Services, document_id: int) -> list[str]:
    query = "SELECT content FROM chunk WHERE document_id = {} ORDER BY ordinal"
    return await column(services, query.format(document_id))


async def vectors(services: Services, document_id: int) -> list[str]:
    query = "SELECT embedding::text FROM vec_1 WHERE document_id = {} ORDER BY 1"
    return await column(services, query.format(document_id))


async def test_only_what_changed_is_embedded(services: tuple[Services, Listening]) -> None:
    found, embedder = services
    ann = await owner(found, "ann")
    reports = await collection(found, ann)
    (document,) = await upload(found, ann, reports, {"a.pdf": pdf(*PAGES)})
    await read(found, document)
    first = len(embedder.texts)
    assert first == len(await passages(found, document)) >= len(PAGES)
    before = await vectors(found, document)

    embedder.requests.clear()
    changed = pdf("Rent", "Heating", "Repairs", "Deposit")
    assert await upload(found, ann, reports, {"a.pdf": changed}) == [document]
    await read(found, document)
    assert 0 < len(embedder.texts) < first
    assert all("Repairs" in one for one in embedder.texts)
    assert [one for one in await passages(found, document) if "Repairs" in one]
    assert (await row(found, "SELECT status, version, ready_version FROM document")) == (
        "ready",
        2,
        2,
    )
    kept = Counter(before) & Counter(await vectors(found, document))
    assert kept.total() == first - len(embedder.texts)
    assert await column(found, "SELECT count(*) FROM chunk WHERE digest IS NULL") == [0]


async def test_a_file_in_a_second_assistant_of_its_owner_is_not_embedded_again(
    services: tuple[Services, Listening],
) -> None:
    found, embedder = services
    ann, bob = await owner(found, "ann"), await owner(found, "bob")
    (first,) = await upload(found, ann, await collection(found, ann), {"a.pdf": pdf(*PAGES)})
    await read(found, first)
    texts = embedder.texts

    embedder.requests.clear()
    (second,) = await upload(found, ann, await collection(found, ann), {"a.pdf": pdf(*PAGES)})
    await read(found, second)
    assert embedder.requests == []
    assert await passages(found, second) == await passages(found, first)
    assert await vectors(found, second) == await vectors(found, first)
    assert len(await vectors(found, second)) == len(texts)

    (others,) = await upload(found, bob, await collection(found, bob), {"a.pdf": pdf(*PAGES)})
    await read(found, others)
    assert sorted(embedder.texts) == sorted(texts)


async def test_a_deleted_document_leaves_no_vector_to_be_found(
    services: tuple[Services, Listening],
) -> None:
    found, embedder = services
    ann = await owner(found, "ann")
    reports = await collection(found, ann)
    (document,) = await upload(found, ann, reports, {"a.pdf": pdf(*PAGES)})
    await read(found, document)
    texts = embedder.texts
    async with found.sessions.begin() as session:
        await documents.remove(session, document, Removed())
    assert await row(found, "SELECT count(*) FROM vec_1") == (0,)

    embedder.requests.clear()
    (again,) = await upload(found, ann, reports, {"a.pdf": pdf(*PAGES)})
    await read(found, again)
    assert sorted(embedder.texts) == sorted(texts)
