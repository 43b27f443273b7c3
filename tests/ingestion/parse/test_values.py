import json

import pytest

from ingestion.chunk import chunk_document
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import JSON, JSON_LINES, sniff
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.parse.sandbox import parse_in_child


def _text(source: str | bytes, filename: str = "a.json", limits: Limits | None = None) -> str:
    data = source.encode() if isinstance(source, str) else source
    document = parse(data, sniff(filename, data), filename, limits or Limits())
    return "\n\n".join(page.text for page in document.pages)


_TARIFF = """{
  "provider": "Stadtwerke Süd",
  "valid": {"from": "2024-01-01", "until": null},
  "green": true,
  "regions": ["Munich", "Augsburg"],
  "tariffs": [
    {"name": "Basic", "price": 0.3120, "terms": {"months": 12}},
    {"name": "Night", "price": 1e2, "hours": [[22, 6], [13, 15]], "notes": "Two\\nlines"}
  ],
  "contact": {}
}"""


def test_every_value_stands_behind_its_path_and_each_record_is_a_block() -> None:
    assert _text(_TARIFF) == (
        "provider: Stadtwerke Süd\n"
        "valid.from: 2024-01-01\n"
        "valid.until: null\n"
        "green: true\n"
        "regions: Munich, Augsburg\n\n"
        "tariffs[0].name: Basic\n"
        "tariffs[0].price: 0.3120\n"
        "tariffs[0].terms.months: 12\n\n"
        "tariffs[1].name: Night\n"
        "tariffs[1].price: 1e2\n\n"
        "tariffs[1].hours[0]: 22, 6\n\n"
        "tariffs[1].hours[1]: 13, 15\n\n"
        "tariffs[1].notes: Two\nlines"
    )


@pytest.mark.parametrize("filename", ["a.jsonl", "a.ndjson", "a.json"])
@pytest.mark.parametrize(
    "source",
    ['{"a": 1}\n\n{"a": "x"}\r\n', '[{"a": 1}, {"a": "x"}]', '\ufeff{"a": 1},\n{"a": "x"}'],
)
def test_records_may_stand_in_a_list_or_one_after_the_other(filename: str, source: str) -> None:
    assert _text(source, filename) == "a: 1\n\na: x"


def test_a_key_that_stands_twice_and_numbers_as_written_are_kept() -> None:
    assert _text('{"a": 1.50, "a": 12345678901234567890, "b": NaN}') == (
        "a: 1.50\na: 12345678901234567890\nb: NaN"
    )


def test_long_lists_have_a_line_an_entry() -> None:
    words = [f"word{number}" for number in range(60)]
    assert _text(json.dumps({"tags": words})) == "tags:\n" + "\n".join(f"- {one}" for one in words)


def test_media_types_and_title() -> None:
    document = parse(b'{"a": 1}', JSON_LINES, "price-list_2024.jsonl", Limits())
    assert (document.media_type, document.title) == (JSON_LINES, "price list 2024")
    assert parse(b'{"a": 1}', JSON, "a.json", Limits()).media_type == JSON


def test_passages_are_whole_records() -> None:
    records = [{"name": f"Item {number}", "text": "word " * 60} for number in range(20)]
    document = parse(json.dumps(records).encode(), JSON, "a.json", Limits())
    chunks = chunk_document(document)
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.text == document.pages[0].text[chunk.start : chunk.end]
        assert chunk.text.startswith("name: Item")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ('{"a": 1', "corrupt"),
        ('{"a": 1}\n{"a": }', "corrupt"),
        ("just words", "corrupt"),
        ("{}", "no_text"),
        ("[]", "no_text"),
        ("  \n", "no_text"),
        (b'{"a": "\xff\xd0\xcf\xee\xc5 \xc1\xd2\xc7"}', "unsupported"),
    ],
)
def test_what_is_refused(source: str | bytes, code: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        _text(source)
    assert caught.value.code == code


def test_the_place_of_an_error_is_told() -> None:
    with pytest.raises(DocumentRejected, match="line 2, column 7"):
        _text('{"a": 1}\n{"a": }')


@pytest.mark.parametrize("depth", [102, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_depth_has_a_limit(opening: str, closing: str, depth: int) -> None:
    source = opening * depth + "1" + closing * depth
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(source.encode(), JSON, "a.json", Limits())
    assert caught.value.code == "too_complex"


async def test_long_paths_cannot_blow_a_small_file_up() -> None:
    depth = 90
    leaves = ",".join(f'"{number}":1' for number in range(100_000))
    source = f'{{"{"k" * 500}":' * depth + f"{{{leaves}}}" + "}" * depth
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(source.encode(), JSON, "a.json", Limits())
    assert caught.value.code == "too_complex"


async def test_many_small_values_are_bounded_by_memory() -> None:
    source = b"[" + b"[]," * 4_000_000 + b"[]]"
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(source, JSON, "a.json", Limits(memory_bytes=300 * 1024 * 1024))
    assert caught.value.code == "memory"
