"""The graph in the package is what the code beside it makes."""

import pytest

pytest.importorskip("onnx", reason="onnx has no wheel for this Python")

from onnx import load

from aiconvokit.llm.e5.graph import PATH, build


def test_the_graph_is_fresh() -> None:
    assert load(PATH, load_external_data=False) == build(), (
        "Renew it: python -m aiconvokit.llm.e5.graph"
    )


def test_the_graph_holds_no_weights() -> None:
    assert PATH.stat().st_size < 50_000
