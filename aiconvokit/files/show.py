"""Documents as the wire shows them."""

from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.schemas import DocumentError, DocumentOut, DocumentProgress
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import stamp
from aiconvokit.rest.urls import document_url
from ingestion.attributes import loaded


def show_document(request: ApiRequest, assistant_id: int, row: DocumentRow) -> DocumentOut:
    """A document as an assistant's owner sees it."""
    document = row.document
    has_error = document.error_code is not None  # also one that waits to be tried again
    return DocumentOut(
        id=document.id,
        filename=document.filename,
        url=document_url(request, assistant_id, document.id),
        media_type=document.media_type,
        bytes=row.size,
        pages=document.page_count,
        status=document.status,
        error=DocumentError(document.error_code or "", document.error_detail or "")
        if has_error
        else None,
        version=document.version,
        created_at=stamp(document.created_at),
        attributes=loaded(document.attributes),
        progress=_progress(row),
    )


def _progress(row: DocumentRow) -> DocumentProgress | None:
    """Null until the first passages are embedded: before that the file is being parsed.

    Of a document that replaces another the number of pages is the other's.
    """
    document = row.document
    if row.staged_page is None or document.page_count is None or document.ready_version:
        return None
    return DocumentProgress(row.staged_page, document.page_count)
