"""Pages become passages: lines, then kinds of lines, then passages that know their place."""

from ingestion.chunk.document import chunk_document

__all__ = ["chunk_document"]
