"""What a request's `model` may name: an assistant, by id or by slug, or the plain chat model.

A slug is the assistant's name in lower case with hyphens. Of assistants whose names come to the
same slug the older one has it and the next get "-2", "-3": so a slug may go to another assistant
when one is deleted or renamed, and an id never does.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from aiconvokit.errors import NotFound
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.models import queries
from aiconvokit.openai_api.models.queries import Askable
from aiconvokit.services import Services

OWNER, UPSTREAM = "aiconvokit", "upstream"
UNNAMED = "assistant"
"""The slug of a name without a letter or digit."""
_SINCE_EVER = 0
"""Nobody knows since when the chat model is there."""
_ACCENTS = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")
_KEPT = {"L", "N", "M"}
"""Letters, digits, and the marks that belong to letters of many scripts; no "_", as ids have it."""


class ModelOut(Struct):
    """An entry of `/v1/models`."""

    id: str
    created: int
    owned_by: str
    object: Literal["model"] = "model"


class UnknownModel(NotFound):
    """No assistant of the caller, and not the chat model; OpenAI's clients look for the code."""

    code = "model_not_found"
    param: str | None = "model"

    def __init__(self, model: str) -> None:
        super().__init__(f"There is no model '{model}' for you.")


def slugs(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    """A slug for each name, no two alike; earlier ones choose first.

    Args:
        names: those of assistants.
        taken: what no slug may be, whatever its letters' case.
    """
    used = {name.casefold() for name in taken}
    found: list[str] = []
    for name in names:
        slug = wanted = _slug(name)
        number = 1
        while slug in used:
            number += 1
            slug = f"{wanted}-{number}"
        used.add(slug)
        found.append(slug)
    return found


def _slug(name: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", name.casefold()))
    kept = [
        letter if unicodedata.category(letter)[0] in _KEPT else " "
        for letter in unicodedata.normalize("NFC", plain)
    ]
    return "-".join("".join(kept).split()) or UNNAMED


async def listed(services: Services, user_id: int) -> list[ModelOut]:
    """All models of a user: each assistant under its id and its slug, and the plain one."""
    models: list[ModelOut] = []
    for slug, one in (await _by_slug(services, user_id)).items():
        created = seconds(one.created_at)
        models += [ModelOut(one.openai_id, created, OWNER), ModelOut(slug, created, OWNER)]
    if (plain := services.chat_model) is not None:
        models.append(ModelOut(plain.name, _SINCE_EVER, UPSTREAM))
    return models


async def resolve(services: Services, user_id: int, model: str) -> int | None:
    """The row of the assistant that a model's name stands for; None: the plain chat model.

    Raises:
        UnknownModel: there is none of that name for this user.
    """
    if services.chat_model is not None and model == services.chat_model.name:
        return None
    shared = services.settings.shared_assistants
    async with services.pool.lend() as transaction:
        row = await queries.row_of(transaction, user_id, model, shared=shared)
    if row is None:
        named = (await _by_slug(services, user_id)).get(model)
        if named is None:
            raise UnknownModel(model)
        row = named.id
    return row


async def _by_slug(services: Services, user_id: int) -> dict[str, Askable]:
    shared = services.settings.shared_assistants
    async with services.pool.lend() as transaction:
        found = await queries.askable(transaction, user_id, shared=shared)
    taken = [services.chat_model.name] if services.chat_model is not None else []
    return dict(zip(slugs([one.name for one in found], taken), found, strict=True))
