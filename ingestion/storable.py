"""Text that Postgres can hold."""

NUL = "Null characters are not allowed."
SURROGATE = "Surrogate characters are not allowed."


def why_unstorable(text: str) -> str | None:
    """One sentence about what of a text cannot be stored; None when all can."""
    if "\0" in text:
        return NUL
    if text.isascii():  # most are, and that is told at once
        return None
    return SURROGATE if any("\ud800" <= letter <= "\udfff" for letter in text) else None
