"""The scale benchmark measures what it says."""

from benchmarks.scale.asking import classes
from benchmarks.scale.filling import LEAST, Shape, Speed
from ingestion.tables import Collection


def test_a_shape_has_its_passages_and_its_largest_collection() -> None:
    sizes = Shape(1_000_000, 1_000, 300_000).sizes()
    assert (len(sizes), sizes[0]) == (1_000, 300_000)
    assert sizes[1:] == sorted(sizes[1:], reverse=True)
    assert min(sizes) >= LEAST
    assert abs(sum(sizes) - 1_000_000) < 1_000


def test_every_collection_is_in_one_class_and_in_all() -> None:
    sizes = Shape(1_000_000, 1_000, 300_000).sizes()
    made = [Collection(id=number, chunk_count=size) for number, size in enumerate(sizes)]
    found = classes(made)
    *parts, everything = found.values()
    assert everything == made
    assert sorted(one.id for part in parts for one in part) == list(range(1_000))
    assert next(iter(found)) == "the largest, 300,000"


def test_speed_is_told_by_parts() -> None:
    speed = Speed()
    assert [speed.add(40, 100) for _ in range(5)] == [False, False, True, False, False]
    assert [stored for stored, _ in speed.parts] == [120]
