"""Texts that come as tokens: clients cut and count them before they send them.

They count in cl100k_base, the encoding of OpenAI's embedding models, and so for names they do not
know. Its bytes ship in the wheel whose other data `ingestion.tokens` reads.
"""

import binascii
import gzip
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def text_of(tokens: Sequence[int]) -> str:
    """What tokens of cl100k_base spell; half a character at an end becomes U+FFFD.

    Raises:
        ValueError: one of them stands for no text.
    """
    known = _bytes()
    for token in tokens:
        if not 0 <= token < len(known):
            raise ValueError(token)
    return b"".join(known[token] for token in tokens).decode(errors="replace")


@cache
def _bytes() -> list[bytes]:
    """Token -> bytes, from lines of "<base64> <rank>" in the order of the ranks; about 10 MB."""
    spec = find_spec("bpe_openai")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package bpe-openai is not installed; reinstall aiconvokit.")
    folder = Path(spec.submodule_search_locations[0])
    fields = gzip.decompress((folder / "data" / "cl100k_base.tiktoken.gz").read_bytes()).split()
    return [binascii.a2b_base64(field) for field in fields[::2]]
