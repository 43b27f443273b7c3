"""`/v1/models`: what a request's `model` may name."""

from typing import Any, Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from aiconvokit.openai_api.models import names as models
from aiconvokit.openai_api.models.names import ModelOut, UnknownModel
from aiconvokit.services import Services

MOST_LISTED = 10_000
"""Of a list: who never turns a page must not miss any, and a list has an end. The newest stay; an
older one is there under its name."""


class ModelList(Struct):
    """All models of the caller, on one page."""

    data: list[ModelOut]
    object: Literal["list"] = "list"


@get("/models")
async def list_models(
    services: NamedDependency[Services], user_id: NamedDependency[int]
) -> ModelList:
    """Your assistants, each under its id and its slug, and the chat model by itself."""
    return ModelList((await models.listed(services, user_id))[-MOST_LISTED:])


@get("/models/{model:path}")
async def get_model(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    model: FromPath[str],
) -> ModelOut:
    """One model by any of its names."""
    wanted = model.removeprefix("/")
    for one in await models.listed(services, user_id):
        if one.id == wanted:
            return one
    raise UnknownModel(wanted)


HANDLERS: list[Any] = [list_models, get_model]
