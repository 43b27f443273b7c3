import pytest

from ingestion.chunk import chunk_document
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import HTML, sniff
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse


def _text(source: str | bytes) -> str:
    data = source.encode() if isinstance(source, str) else source
    return parse(data, HTML, "a.html", Limits()).pages[0].text


_PAGE = """<!DOCTYPE html>
<html><head><title>Travel Expense Policy</title><style>p { color: red }</style>
<meta http-equiv="refresh" content="0; url=http://example.com/"></head>
<body><nav><a href="/">Home</a></nav><script>alert("no")</script>
<h1>Meals &amp; rooms</h1><p>A meal is
paid&nbsp;up to the <b>daily</b> rate.<br>No more.</p><!-- comment -->
<div hidden>hidden</div><p style="display: none">hidden too</p>
<h2>Rates</h2>
<table><caption>Per day</caption><thead><tr><th>Country<th>Rate</thead>
<tr><td>France</td><td>$</td><td>12.50</td></tr><tr><td colspan=2>Note</td></tr></table>
<ul><li>one<li><p>two</p></ul><ol start="3"><li>three</ol>
<img src="http://example.com/a.png"><pre>a  b
  c</pre>tail</body></html>"""


def test_what_a_reader_sees() -> None:
    document = parse(_PAGE.encode(), HTML, "index.html", Limits())
    assert document.title == "Travel Expense Policy"
    assert document.pages[0].text == (
        "Meals & rooms\n\nA meal is paid up to the daily rate.\nNo more.\n\nRates\n\nPer day\n\n"
        "| Country | Rate |\n| France | $12.50 |\n\nNote\n\n• one\n\n• two\n\n3. three\n\n"
        "a  b\n  c\n\ntail"
    )


def test_passages_know_their_headings_and_are_slices() -> None:
    body = "".join(f"<li>{name}</li>" for name in ("Fees", "Terms"))
    body += "".join(f"<h2>{name}</h2><p>{f'{name} apply. ' * 90}</p>" for name in ("Fees", "Terms"))
    document = parse(f"<h1>Contract</h1>{body}".encode(), HTML, "a.html", Limits())
    chunks = chunk_document(document)
    assert [chunk.heading for chunk in chunks] == ["Contract > Fees", "Contract > Terms"]
    for chunk in chunks:
        assert chunk.text == document.pages[0].text[chunk.start : chunk.end]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<p>Größe".encode(), "Größe"),
        ("<p>Größe".encode("cp1252"), "Größe"),
        ("<p>Größe".encode("utf-16"), "Größe"),
        ('<meta charset="iso-8859-1"><p>Größe'.encode(), "Größe"),
        ('<html><meta charset="windows-1251"><p>Договор'.encode("cp1251"), "Договор"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    assert sniff("a.html", data) == HTML
    assert _text(data) == text


def test_nothing_of_the_machine_is_read() -> None:
    source = (
        '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/hostname">]><html><body>a &x; b'
        '<iframe src="file:///etc/hostname"></iframe><object data="file:///etc/hostname"></object>'
    )
    assert _text(source).removeprefix("]>").strip() == "a &x; b"


@pytest.mark.parametrize("source", [" ", "<html><body><script>x</script></body></html>", "<!---->"])
def test_a_page_without_words_has_no_text(source: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        _text(source)
    assert caught.value.code == "no_text"


def test_a_page_may_be_nested_but_not_without_end() -> None:
    assert _text("<div>" * 1_000 + "deep") == "deep"
    with pytest.raises(DocumentTooComplex, match="nested"):
        _text("<div>" * 100_000 + "deep")
