"""What is installed beside what is always there."""

from functools import cache
from importlib.util import find_spec


@cache
def reads_pictures() -> bool:
    """Whether words on pictures are recognised: the extra `ocr`."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None
