"""What a chat's file is called: whatever its title says, a name and nothing else."""

from urllib.parse import unquote

import pytest

from aiconvokit.chat.export import disposition
from aiconvokit.chat.schemas import ChatDetail

PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
"""`I want`: misspelt without the mark of no width in the middle."""
WHEN = "2026-11-22T00:00:00Z"


def name(title: str) -> str:
    chat = ChatDetail(7, "http://x.test/", "thread_x", 1, title, WHEN, WHEN, [])
    header = disposition(chat, "markdown")
    assert header.isascii()
    assert header.isprintable()
    return unquote(header.partition("filename*=UTF-8''")[2])


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("invoice\u202efdp.exe", "invoicefdp.exe.md"),  # would read "invoiceexe.pdf"
        ("\u2066a\u2069 \u200fb\u200e \u061cc", "a b c.md"),
        ("Ge\u00adschäft\ufeff\u2060", "Geschäft.md"),  # soft hyphen, marks of no width
        ("a\x80b\x9fc\x85d", "a b c d.md"),
        ("a\u2028b\u2029c\u3000d", "a b c d.md"),
        ("\u202e\u200b\x00", "chat-7.md"),
        ("\u200c\u200d . \u200d", "chat-7.md"),
        ("\ue000\U000e0041", "chat-7.md"),  # of private use, and a tag
        (PERSIAN, f"{PERSIAN}.md"),
        ("👩\u200d🔬 Größe", "👩\u200d🔬 Größe.md"),
        ("x" * 200, "x" * 80 + ".md"),
    ],
)
def test_a_name_holds_nothing_that_cannot_be_seen(title: str, found: str) -> None:
    assert name(title) == found
