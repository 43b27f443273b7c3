"""What an import asks of JSON that is carried as it is, is what the wire's own code keeps there.

The shapes stand apart: neither room knows the other. Who keeps something else says so in both.
"""

from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import fields

from aiconvokit.chat import schemas
from aiconvokit.llm.functions import FunctionCall
from aiconvokit.openai_api import tools
from aiconvokit.openai_api.assistants.work import ResponseFormat as KeptFormat
from aiconvokit.openai_api.assistants.work import _Options
from aiconvokit.openai_api.responses import items
from aiconvokit.openai_api.responses.body import NewResponse
from aiconvokit.openai_api.responses.show import parameters_of
from aiconvokit.openai_api.runs import rounds, show
from aiconvokit.openai_api.runs.asking import Truncation as KeptTruncation
from aiconvokit.openai_api.tools import Tool as KeptTool
from aiconvokit.openai_api.vector_stores.schemas import Sizes
from aiconvokit.operations.transfer import asked, records, said
from aiconvokit.operations.transfer.asked import Item, Options, RunParameters, Shown, Tool

SAME: list[tuple[type[Struct], type[Struct]]] = [
    (said.Receipt, schemas.ReceiptOut),
    (said.Found, schemas.FoundOut),
    (said.Sent, schemas.SentOut),
    (said.Space, schemas.SpaceOut),
    (said.Settings, schemas.ParametersOut),
    (said.Claim, schemas.ClaimOut),
    (asked.Tool, KeptTool),
    (asked.Function, tools.FunctionTool),
    (asked.Search, tools.SearchOptions),
    (asked.Ranking, tools.Ranking),
    (asked.ResponseFormat, KeptFormat),
    (asked.Truncation, KeptTruncation),
    (asked.Round, rounds.KeptRound),
    (asked.Call, rounds.Call),
    (asked.Wait, rounds.Wait),
    (asked.Spoken, items.Spoken),
    (asked.Called, items.Call),
    (asked.CameTo, items.Output),
    (records.Chunking, Sizes),
]
"""Ours, and the one of who keeps it."""


@pytest.mark.parametrize(("ours", "kept"), SAME, ids=[one.__name__ for one, _ in SAME])
def test_it_has_what_is_kept(ours: type[Struct], kept: type[Struct]) -> None:
    assert {one.name for one in fields(ours)} == {one.name for one in fields(kept)}
    assert ours.__struct_config__.tag == kept.__struct_config__.tag


def test_of_runs() -> None:
    own = {"searches", "score_threshold", "first_row", "rounds", "waiting"}
    assert {*show.PARAMETERS} | own == {*RunParameters.__struct_fields__}


def test_of_responses() -> None:
    shown = parameters_of(NewResponse(model="m"), [], "auto")
    assert shown.keys() == {*Shown.__struct_fields__}
    asked.check(shown, Shown)


def test_of_assistants() -> None:
    columns = {"name", "description", "instructions", "tool_resources", "metadata"}
    kept = {*_Options.__struct_fields__} - columns | {"shows_own"}
    assert kept == {*Options.__struct_fields__}


def test_tools_as_they_are_kept() -> None:
    search = {"max_num_results": 5, "ranking_options": {"score_threshold": 0.5}}
    function = {"name": "weigh", "parameters": {"type": "object"}, "strict": None}
    wanted: list[Any] = [
        {"type": "file_search"},
        {"type": "file_search", "file_search": search},
        {"type": "function", "function": function},
    ]
    kept = tools.checked(msgspec.convert(wanted, list[KeptTool]))
    asked.check(kept, list[Tool])


def test_items_as_they_are_kept() -> None:
    call = items.Call.of(FunctionCall("call_1", "weigh", "{}"))
    spoken = items.Spoken("system", "Be kind.")
    for one in (call, spoken, items.Output("call_1", "9 kg")):
        row = items.row_of(one, "item_1")
        asked.check(row.attachments, list[Item])
