"""Filters: what is refused, and that the compiled SQL means what a plain reading of them does."""

import json
import operator
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from aiconvokit.db import driver_url
from aiconvokit.retrieval.filters import (
    MAX_CHOICES,
    MAX_COMPARISONS,
    MAX_DEPTH,
    BadFilter,
    Comparison,
    Filter,
    compile_filter,
    parse_filter,
)
from ingestion.attributes import Attributes, Value, check_attributes
from support.databases import clone

MADE_AT = datetime(2026, 3, 2, 9, 0, 0, 120, tzinfo=UTC)
ORDERS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
HOSTILE = (
    "' OR true --",
    "x'); DROP TABLE document; --",
    '"} \' || (SELECT password_hash FROM "user") || \'',
    ":collection",
    "::text",
    "%s %(collection)s %%",
    "{} {0} {value}",
    "a\\'b\\",
    "$1",
    "d.id",
)
KEYS = ["year", "kind", "filename", "created_at", "a.b[0]", "d.id", "schlüssel 😀", *HOSTILE[:6]]


@pytest.fixture(scope="module")
def documents(cluster_url: str) -> Iterator[Connection]:
    """A connection in whose transaction there is one collection and no document."""
    engine = create_engine(driver_url(clone(cluster_url)))
    with engine.connect() as connection:
        for statement in _EMPTY_COLLECTION:
            connection.execute(text(statement))
        yield connection
    engine.dispose()


_EMPTY_COLLECTION = (
    """INSERT INTO "user" (id, username, email, password_hash) VALUES (1, 'ann', '', '')""",
    """INSERT INTO file (id, public_id, owner_id, sha256, size, filename, media_type)
       VALUES (1, 'file_1', 1, '', 0, '', '')""",
    "INSERT INTO collection (id, public_id, owner_id, name) VALUES (7, 'vs_1', 1, '')",
)
_INSERT = text(
    """
    INSERT INTO document
        (id, public_id, collection_id, file_id, filename, media_type, title, attributes, created_at)
    SELECT n - 1, 'doc_' || n, 7, 1, n - 1 || '.md', '', '', CAST(held AS jsonb), :made
    FROM unnest(CAST(:rows AS text[])) WITH ORDINALITY AS one(held, n)
    """
)


def matching(connection: Connection, rows: list[Attributes], found: Filter) -> list[int]:
    """Indexes of the rows that the compiled condition lets through."""
    condition = compile_filter(found)
    # As a search has it.
    statement = (
        f"SELECT d.id FROM document d WHERE d.collection_id = :collection AND {condition.sql}"  # noqa: S608  # what is tested here
    )
    with connection.begin_nested() as savepoint:
        connection.execute(_INSERT, {"rows": list(map(json.dumps, rows)), "made": MADE_AT})
        ids = connection.scalars(text(statement), {"collection": 7, **condition.parameters}).all()
        savepoint.rollback()
    return sorted(ids)


def select(connection: Connection, rows: list[Attributes], given: dict[str, Any]) -> list[int]:
    return matching(connection, rows, parse_filter(given))


def same(held: Value, wanted: Value) -> bool:
    if isinstance(held, str) or isinstance(wanted, str):
        return held == wanted
    if isinstance(held, bool) or isinstance(wanted, bool):
        return held is wanted
    return Decimal(str(held)) == Decimal(str(wanted))


def comes_in_order(kind: str, held: Value | None, wanted: Value) -> bool:
    if isinstance(held, str) and isinstance(wanted, str):
        return bool(ORDERS[kind](held, wanted))
    if held is None or isinstance(held, bool | str) or isinstance(wanted, bool | str):
        return False
    return bool(ORDERS[kind](Decimal(str(held)), Decimal(str(wanted))))


def holds(found: Filter, row: Attributes) -> bool:
    """What a filter means, in Python."""
    if not isinstance(found, Comparison):
        combine = all if found.type == "and" else any
        return combine(holds(one, row) for one in found.filters)
    held = row.get(found.key)
    if found.type in ORDERS:
        return comes_in_order(found.type, held, found.values[0])
    is_one = held is not None and any(same(held, one) for one in found.values)
    return is_one is (found.type in {"eq", "in"})


def with_what_every_document_has(number: int, row: Attributes) -> Attributes:
    made = "2026-03-02T09:00:00.000120Z"
    every: Attributes = {"filename": f"{number}.md", "document_id": number, "created_at": made}
    return every | row


NUMBERS = (
    st.integers(-3, 3)
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0.1, 0.5, -0.0, 1.0, 1e300, -1e300, 5e-324, 2.0**53, 2**53 + 1])
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = (
    st.sampled_from(["", "a", "A", "ä", "z", "aa", "7", "true", "1.md", "2026-03", "\uffee", "😀"])
    | st.sampled_from(HOSTILE)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
)
VALUES = TEXTS | NUMBERS | st.booleans()
ROWS = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), min_size=1, max_size=6)
COMPARISONS = (
    st.fixed_dictionaries(
        {"type": st.sampled_from(["eq", "ne"]), "key": st.sampled_from(KEYS), "value": VALUES}
    )
    | st.fixed_dictionaries(
        {
            "type": st.sampled_from(sorted(ORDERS)),
            "key": st.sampled_from(KEYS),
            "value": TEXTS | NUMBERS,
        }
    )
    | st.fixed_dictionaries(
        {
            "type": st.sampled_from(["in", "nin"]),
            "key": st.sampled_from(KEYS),
            "value": st.lists(VALUES, max_size=4),
        }
    )
)


def groups(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["and", "or"]), "filters": st.lists(inner, min_size=1, max_size=3)}
    )


FILTERS = COMPARISONS | groups(COMPARISONS | groups(COMPARISONS))


@given(rows=ROWS, wanted=FILTERS, like=st.data())
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_sql_means_what_the_filter_says(
    documents: Connection, rows: list[dict[str, Any]], wanted: dict[str, Any], like: st.DataObject
) -> None:
    held = [check_attributes(row) for row in rows]
    found = parse_filter(wanted)
    if isinstance(found, Comparison) and found.values and like.draw(st.booleans()):
        held[0][found.key] = found.values[0]  # equal values are rare by chance
    expected = [
        number
        for number, row in enumerate(held)
        if holds(found, with_what_every_document_has(number, row))
    ]
    assert matching(documents, held, found) == expected


ROW_TYPES: list[Attributes] = [{}, {"k": 7}, {"k": 7.0}, {"k": "7"}, {"k": True}, {"k": 8.5}]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("eq", 7, [1, 2]),
        ("eq", "7", [3]),
        ("eq", True, [4]),
        ("eq", 1, []),
        ("ne", 7, [0, 3, 4, 5]),
        ("gt", 7, [5]),
        ("gte", 7, [1, 2, 5]),
        ("lt", 8, [1, 2]),
        ("lte", 7.0, [1, 2]),
        ("gte", "", [3]),
        ("lt", "70", [3]),
        ("in", [7, "7"], [1, 2, 3]),
        ("in", [], []),
        ("nin", [7, "7", True], [0, 5]),
        ("nin", [], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_types_never_mix(
    documents: Connection, kind: str, value: object, expected: list[int]
) -> None:
    given = {"type": kind, "key": "k", "value": value}
    assert select(documents, ROW_TYPES, given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "eq", "key": "filename", "value": "1.md"}, [1]),
        ({"type": "in", "key": "document_id", "value": [0, 2]}, [0, 2]),
        ({"type": "gte", "key": "created_at", "value": "2026-03-02"}, [0, 1]),
        ({"type": "lt", "key": "created_at", "value": "2026-03-02T09:00:01Z"}, [0, 1]),
        ({"type": "gt", "key": "created_at", "value": 1_700_000_000}, [2]),
        ({"type": "ne", "key": "title", "value": "x"}, [0, 1, 2]),
    ],
)
def test_what_every_document_has(
    documents: Connection, given: dict[str, Any], expected: list[int]
) -> None:
    """An attribute of the same name stands before it."""
    rows: list[Attributes] = [{}, {}, {"created_at": 1_800_000_000}]
    assert select(documents, rows, given) == expected


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", ["eq", "in", "lte"])
def test_words_of_users_are_never_sql(documents: Connection, hostile: str, kind: str) -> None:
    value = [hostile] if kind == "in" else hostile
    given = {"type": kind, "key": hostile, "value": value}
    assert select(documents, [{hostile: hostile}, {"other": 1}], given) == [0]
    condition = compile_filter(parse_filter(given))
    assert hostile not in condition.sql or hostile == "d.id"


def test_nested_filters(documents: Connection) -> None:
    rows: list[Attributes] = [
        {"year": 2024, "kind": "lease"},
        {"year": 2025, "kind": "lease"},
        {"year": 2025, "kind": "nda"},
        {"kind": "nda"},
    ]
    given = {
        "type": "and",
        "filters": [
            {"type": "gte", "key": "year", "value": 2025},
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "kind", "value": "lease"},
                    {"type": "nin", "key": "kind", "value": ["nda", "lease"]},
                ],
            },
        ],
    }
    assert select(documents, rows, given) == [1]


def nested(depth: int) -> dict[str, Any]:
    given: dict[str, Any] = {"type": "eq", "key": "k", "value": 1}
    for _ in range(depth - 1):
        given = {"type": "and", "filters": [given]}
    return given


def many(count: int) -> dict[str, Any]:
    half = [{"type": "eq", "key": f"k{number}", "value": number} for number in range(count // 2)]
    both = [{"type": "or", "filters": half}, {"type": "or", "filters": half}]
    return {"type": "and", "filters": both}


def test_bounds_that_still_fit(documents: Connection) -> None:
    assert select(documents, [{"k": 1}], nested(MAX_DEPTH)) == [0]
    assert select(documents, [{"k1": 1}, {}], many(MAX_COMPARISONS)) == [0]
    choices = {"type": "in", "key": "k", "value": list(range(MAX_CHOICES))}
    assert select(documents, [{"k": MAX_CHOICES - 1}], choices) == [0]


def comparison(value: object, kind: str = "eq", key: object = "k") -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], 'got type "list"'),
        ("x", 'got type "str"'),
        (None, 'got type "NoneType"'),
        ({}, '"type" must be one of eq, ne, gt, gte, lt, lte, in, nin, and, or.'),
        ({"type": "not", "filters": []}, '"type" must be'),
        ({"type": ["eq"], "key": "k", "value": 1}, '"type" must be'),
        ({"type": "and"}, "a list of at least one filter"),
        ({"type": "or", "filters": []}, "a list of at least one filter"),
        ({"type": "or", "filters": {"a": 1}}, "a list of at least one filter"),
        ({"type": "or", "filters": [1]}, 'got type "int"'),
        ({"type": "eq", "value": 1}, "A key must be a string."),
        (comparison(1, key=""), "A key may not be blank."),
        (comparison(1, key="k" * 65), "no more than 64 characters"),
        (comparison(1, key="k\0"), "Null characters"),
        (comparison(1, key="\ud800"), "Surrogate characters"),
        ({"type": "eq", "key": "k"}, "a string, a number or a boolean"),
        (comparison([1]), "a string, a number or a boolean"),
        (comparison({"a": 1}), "a string, a number or a boolean"),
        (comparison("x" * 513), "no more than 512 characters"),
        (comparison("\0"), "Null characters"),
        (comparison("a\udfff"), "Surrogate characters"),
        (comparison(10**400), "finite"),
        (comparison(-(10**400), "gt"), "finite"),
        (comparison(float("inf")), "finite"),
        (comparison(float("nan"), "lt"), "finite"),
        ({"type": "gt", "key": "k", "value": True}, "Booleans have no order"),
        (comparison([1], "gt"), "a string, a number or a boolean"),
        (comparison(1, "in"), '"value" of in must be a list.'),
        (comparison("abc", "nin"), '"value" of nin must be a list.'),
        (comparison([[1]], "in"), "a string, a number or a boolean"),
        (comparison([None], "nin"), "a string, a number or a boolean"),
        (comparison(list(range(MAX_CHOICES + 1)), "in"), "no more than 100 values"),
        (nested(MAX_DEPTH + 1), "no more than 5 levels"),
        (nested(900), "no more than 5 levels"),
        (many(MAX_COMPARISONS + 2), "no more than 32 comparisons"),
        ({"type": "or", "filters": [nested(1)] * 20_000}, "no more than 32 comparisons"),
    ],
)
def test_what_is_refused(given: object, says: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse_filter(given)
    assert says in str(caught.value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("type", "key"), JSON_VALUES)))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_anything_else_is_one_sentence(given: dict[str, Any]) -> None:
    with pytest.raises(BadFilter, match=r"^.+\.$"):
        parse_filter(given)
