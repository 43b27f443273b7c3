"""Why a document cannot become searchable.

IngestionError
├── DocumentRejected   the file itself is at fault: stable code, never retried
│   ├── DocumentTooComplex   a limit was hit (pages, characters, time, memory)
├── ParserCrashed      the parsing child died by itself: tried again
├── IncompleteStage    two workers had the same document: tried again
├── SpaceChanged       the collection was given another embedding space meanwhile: tried again
└── EmbeddingFailed    the embedder answered nonsense or not at all
    └── ModelChanged   its vectors have other dimensions than those of the collection
"""


class IngestionError(Exception):
    """Root; `code` is stable and shown to the owner, `detail` is one sentence for a person."""

    code = "failed"
    retryable = False
    """Whether another try may end differently."""

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class DocumentRejected(IngestionError):
    """The file cannot be read; `encrypted`, `corrupt`, `no_text` or `unsupported`."""

    code = "corrupt"


class DocumentTooComplex(DocumentRejected):
    """A limit stopped the parser; `too_complex`, `too_many_pages`, `timeout` or `memory`."""

    code = "too_complex"


class ParserCrashed(IngestionError):
    """The parsing child ended without an answer; worth another try."""

    code = "parser_crashed"
    retryable = True


class EmbeddingFailed(IngestionError):
    """The embedder gave vectors that cannot be stored (count, dimension, NaN)."""

    code = "bad_embeddings"


class ModelChanged(EmbeddingFailed):
    """A model's name stands for another model now: its vectors are in no one space."""

    code = "embedding_model_changed"

    def __init__(self, model: str, *, dimensions: int, former: int) -> None:
        super().__init__(
            f"{model} gives vectors of {dimensions} dimensions now, and these documents were "
            f"embedded with {former}: run aiconvokit reindex --to {model}"
        )


class IncompleteStage(IngestionError):
    """Passages are missing from the stage, so the version must not go live; tried again."""

    retryable = True


class SpaceChanged(IngestionError):
    """What was embedded is of a space that the collection left meanwhile; tried again."""

    retryable = True
