"""The OpenAPI document is true: generated requests get declared answers, and never a fault."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.server import Client, Server

EXAMPLES = 4
"""For each operation, right and wrong: half a minute for all of both surfaces on two cores.
`python -m benchmarks.fuzz` makes more of them."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def fuzzer(server: Server) -> Iterator[Client]:
    with server.login("fuzzer") as client:
        yield client


@pytest.fixture(scope="session")
def document(fuzzer: Client) -> dict[str, Any]:
    found: dict[str, Any] = fuzzer.get("/schema/openapi.json").json()
    return found


@pytest.fixture(scope="session")
def described(document: dict[str, Any]) -> BaseSchema:
    return schemathesis.openapi.from_dict(document)


def test_generated_requests(server: Server, fuzzer: Client, described: BaseSchema) -> None:
    headers = {"Authorization": fuzzer.headers["authorization"]}
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    seen: set[int] = set()
    found = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]
    # What deletes comes last, and the tokens at the very end: one of them is in use here.
    for operation in sorted(found, key=lambda one: (one.method == "delete", "token" in one.path)):
        for mode in modes:

            @given(operation.as_strategy(generation_mode=mode))
            @BOUNDED
            def one(case: Any) -> None:
                answer = case.call_and_validate(
                    base_url=server.base_url, headers=headers, checks=CHECKS
                )
                seen.add(answer.status_code)

            with suppress(Unsatisfiable):  # nothing to get wrong: no parameters, no body
                one()
    assert {200, 201, 400, 404} <= seen


def test_every_operation_says_who_may_and_what_goes_wrong(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        assert path.endswith("/") == path.startswith("/api/v1/"), path
        for method, operation in operations.items():
            answers = set(operation["responses"])
            is_open = operation.get("security") == [{}]
            assert ("401" in answers) is not is_open, path
            assert ("404" in answers) or "{" not in path, path
            assert ({"400", "413", "415"} <= answers) or "requestBody" not in operation, path
            assert operation["description"], (method, path)
            assert ("requestBody" in operation) is (method in {"post", "put"}), (method, path)
