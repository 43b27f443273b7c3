"""Moved to ingestion.language (the pipeline needs it too); this name goes away."""

from ingestion.language import SIMPLE, STOP_WORDS, detect, is_unsegmented

__all__ = ["SIMPLE", "STOP_WORDS", "detect", "is_unsegmented"]
