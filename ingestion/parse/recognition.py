"""Words on the picture of a page; only inside a child of its own.

The models are files of the package rapidocr, so nothing is fetched. Measured on a dense page (100
lines, 1,200 pixels wide): 8 s of CPU, 0.6 GB; 1,600 pixels take a third more and read the same.
"""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr
from rapidocr.utils.output import RapidOCROutput

from ingestion.load import PDF
from ingestion.parse import images
from ingestion.parse.picture import open_page
from ingestion.parse.reading_order import Word, text_of

SHORT_SIDE, LONG_SIDE = 1_200, 2_000
"""Of the picture in pixels: a page of A4 has letters of 20 pixels' height."""

LEAST_SCORE = 0.5
"""Below it a word is a guess at a stain."""

_MODELS = Path(rapidocr.__file__).parent / "models"
_SETTINGS = {
    "Global.use_cls": False,  # whether a line stands on its head: pages do not
    "Global.text_score": LEAST_SCORE,
    "Det.model_path": str(_MODELS / "PP-OCRv6_det_small.onnx"),
    "Det.box_thresh": 0.3,  # at its 0.5 it misses whole lines of short pages
    "Rec.model_path": str(_MODELS / "PP-OCRv6_rec_small.onnx"),
    "Rec.rec_batch_num": 1,  # a line by itself is not padded to the longest: a third less of CPU
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


def recognise(data: bytes, media_type: str, number: int, password: str | None) -> str:
    """The text of a page, lines in reading order; pages count from 1.

    Raises:
        DocumentRejected: the file cannot be opened, or has no such page.
    """
    logging.disable(logging.CRITICAL)
    cv2.setNumThreads(1)
    picture = (
        _pdf_page(data, number, password)
        if media_type == PDF
        else np.asarray(images.page(data, number, (LONG_SIDE, LONG_SIDE)))[:, :, ::-1]
    )
    found = rapidocr.RapidOCR(params=_SETTINGS)(picture)
    if not isinstance(found, RapidOCROutput) or found.boxes is None or not found.txts:
        return ""
    words = [_word(box, text) for box, text in zip(found.boxes, found.txts, strict=True)]
    return text_of(words, picture.shape[1])


def _pdf_page(data: bytes, number: int, password: str | None) -> Any:
    """A page as bytes of shape (height, width, 3): blue, green and red."""
    with open_page(data, number, password, forms=True) as page:
        width, height = page.get_size()
        scale = min(SHORT_SIDE / min(width, height), LONG_SIDE / max(width, height))
        return page.render(scale=scale).to_numpy().copy()


def _word(box: Any, text: str) -> Word:
    (left, top), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
    return Word(left, top, right, bottom, text)
