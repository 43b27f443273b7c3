"""What is said of a file that is locked with a password."""

from ingestion.errors import DocumentRejected


def locked(what: str, password: str | None) -> DocumentRejected:
    """`encrypted`: no password was given, or it is another one.

    Args:
        what: the file as a sentence begins with it, "The PDF".
        password: what was tried, None for nothing; it is not told on.
    """
    if password is None:
        return DocumentRejected(
            f"{what} needs a password. Send it with PUT …/documents/{{id}}/ as `password`, "
            "or upload a copy without one.",
            code="encrypted",
        )
    return DocumentRejected(
        f"{what} needs another password than the one that was given. Send the right one with PUT "
        "…/documents/{id}/ as `password`, or upload a copy without one.",
        code="encrypted",
    )
