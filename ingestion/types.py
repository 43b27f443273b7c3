"""What flows through the pipeline: bytes -> ParsedDocument -> Chunk -> vectors."""

import numpy as np
import numpy.typing as npt

from ingestion.documents import Chunk, OutlineEntry, Page, ParsedDocument

__all__ = ["Chunk", "OutlineEntry", "Page", "ParsedDocument", "Vectors"]

Vectors = npt.NDArray[np.float32]
"""float32, shape (number of texts, dimensions), every row of unit length."""
