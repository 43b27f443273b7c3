import io
import zipfile
from collections.abc import Mapping

import pytest

from ingestion.chunk import chunk_document
from ingestion.documents import OutlineEntry, ParsedDocument
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import EPUB, sniff
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse

_CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>'
)
_OPF = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The Lease of Acme</dc:title></metadata>
<manifest>
<item id="c2" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="c1" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="c3" href="text/three.xhtml" media-type="application/xhtml+xml"/>
<item id="pic" href="cover.svg" media-type="image/svg+xml"/>
<item id="gone" href="gone.xhtml" media-type="application/xhtml+xml"/>
{contents}
</manifest>
<spine toc="ncx"><itemref idref="pic"/><itemref idref="c1"/><itemref idref="c2"/>
<itemref idref="c1"/><itemref idref="gone"/><itemref idref="c3"/></spine></package>"""
_NAV_ITEM = '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
_NCX_ITEM = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
_NAV = """<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<body><nav epub:type="landmarks"><a href="text/one.xhtml">Start</a></nav><nav epub:type="toc"><ol>
<li><a href="text/one.xhtml">One: the parties</a></li><li><a href="text/two%20b.xhtml#x">Two</a>
<ol><li><a href="text/three.xhtml">Two and <b>a half</b></a></li></ol></li></ol></nav>
</body></html>"""
_NCX = """<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN"
"http://127.0.0.1:9/ncx.dtd"><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
<navPoint><navLabel><text>One: the parties</text></navLabel><content src="text/one.xhtml"/>
</navPoint>
<navPoint><navLabel><text>Two</text></navLabel><content src="text/two%20b.xhtml#x"/>
<navPoint><navLabel><text>Two and a half</text></navLabel><content src="text/three.xhtml"/>
</navPoint></navPoint></navMap></ncx>"""


def _chapter(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html [<!ENTITY big "no">]>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x.js"/></head>'
        f"<body>{body}</body></html>"
    )


def _book(changes: Mapping[str, str | None] | None = None, *, contents: str = _NAV_ITEM) -> bytes:
    """A real EPUB; `changes` replaces entries, None removes one."""
    entries: dict[str, str | None] = {
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/content.opf": _OPF.format(contents=contents),
        "OEBPS/nav.xhtml": _NAV,
        "OEBPS/toc.ncx": _NCX,
        "OEBPS/cover.svg": "<svg/>",
        "OEBPS/text/one.xhtml": _chapter(
            "<h1>The parties</h1><p>Acme lets, Größe &amp; Co rents.<a id='x'/></p>"
        ),
        "OEBPS/text/two b.xhtml": _chapter("<p>The rent is 900 euros.</p><img src='a.png'/>"),
        "OEBPS/text/three.xhtml": _chapter("<p>It ends in May. &big;</p>"),
        **(changes or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, content in entries.items():
            if content is not None:
                archive.writestr(name, content)
    return out.getvalue()


def _parse(
    data: bytes, filename: str = "book.epub", limits: Limits | None = None
) -> ParsedDocument:
    return parse(data, sniff(filename, data), filename, limits or Limits())


def _code(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(DocumentRejected) as caught:
        _parse(data, limits=limits)
    return caught.value.code


@pytest.mark.parametrize("contents", [_NAV_ITEM, _NCX_ITEM])
def test_chapters_are_pages_in_reading_order(contents: str) -> None:
    document = _parse(_book(contents=contents), "export.epub")
    assert document.title == "The Lease of Acme"
    assert [(page.number, page.label) for page in document.pages] == [
        (1, "One: the parties"),
        (2, "Two"),
        (3, "Two and a half"),
    ]
    assert document.pages[0].text.endswith("The parties\n\nAcme lets, Größe & Co rents.")
    assert document.pages[1].text.endswith("The rent is 900 euros.")
    start = document.pages[0].text.index("The parties")
    assert document.outline == (
        OutlineEntry(1, "The parties", 1, start),
        OutlineEntry(1, "Two", 2),
        OutlineEntry(2, "Two and a half", 3),
    )
    chunks = chunk_document(document)
    assert [(chunk.page, chunk.heading) for chunk in chunks] == [
        (1, "The parties"),
        (2, "Two"),
        (3, "Two > Two and a half"),
    ]


def test_entities_are_not_expanded() -> None:
    assert "&big;" in _parse(_book()).pages[2].text


def test_a_book_is_known_by_its_beginning_and_by_its_name() -> None:
    data = _book()
    assert sniff("a.epub", data) == sniff("a", data) == EPUB
    with pytest.raises(DocumentRejected, match="looks like EPUB"):
        sniff("a.docx", data)
    assert sniff("a.epub", data.replace(b"mimetype", b"mimetypo")) == EPUB


def test_without_a_table_of_contents_there_are_no_labels() -> None:
    document = _parse(_book(contents=""))
    assert [page.label for page in document.pages] == [None] * 3


def test_names_that_lead_out_of_the_archive_are_only_names() -> None:
    opf = _OPF.format(contents="").replace("text/one.xhtml", "../../../../etc/passwd")
    assert len(_parse(_book({"OEBPS/content.opf": opf})).pages) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"META-INF/container.xml": None}, "unsupported"),
        ({"META-INF/container.xml": "<container/>"}, "corrupt"),
        ({"OEBPS/content.opf": None}, "corrupt"),
        ({"OEBPS/content.opf": "<package><spine"}, "corrupt"),
        ({"OEBPS/content.opf": "<package/>"}, "corrupt"),
    ],
)
def test_what_is_refused(changes: Mapping[str, str | None], code: str) -> None:
    assert _code(_book(changes)) == code


def _encryption(name: str) -> dict[str, str | None]:
    return {
        "META-INF/encryption.xml": '<encryption xmlns="urn:x"><EncryptedData><CipherData>'
        f'<CipherReference URI="{name}"/></CipherData></EncryptedData></encryption>'
    }


def test_chapters_that_a_seller_locked_are_told_and_fonts_are_of_no_matter() -> None:
    assert _code(_book(_encryption("OEBPS/text/one.xhtml"))) == "encrypted"
    assert len(_parse(_book(_encryption("OEBPS/fonts/a.otf"))).pages) == 3


def test_a_book_without_words_has_no_text() -> None:
    empty = {f"OEBPS/text/{name}.xhtml": _chapter("") for name in ("one", "two b", "three")}
    texts = {
        name: body.replace('<!DOCTYPE html [<!ENTITY big "no">]>', "")
        for name, body in empty.items()
    }
    assert _code(_book(texts)) == "no_text"


def test_entities_of_the_list_of_parts_are_not_expanded() -> None:
    bomb = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    opf = (
        _OPF.format(contents="")
        .replace("<package", f'<!DOCTYPE package [<!ENTITY e0 "boom">{bomb}]><package', 1)
        .replace("The Lease of Acme", "&e9;")
    )
    assert _code(_book({"OEBPS/content.opf": opf})) == "corrupt"


def test_limits_hold() -> None:
    data = _book({"OEBPS/text/one.xhtml": _chapter("<p>word</p>" * 200_000)})
    assert _code(data, Limits(unpacked_bytes=1_000)) == "too_complex"
    assert _code(data, Limits(unpacked_ratio=5)) == "too_complex"
    assert _code(data, Limits(archive_entries=5)) == "too_complex"
    assert _code(_book(), Limits(pages=2)) == "too_many_pages"
    with pytest.raises(DocumentTooComplex):
        _parse(data, limits=Limits(characters=1_000, unpacked_ratio=10_000))
