"""Conditions: what a sentence says only if, unless or until, and who leaves that out."""

import functools
import re
from collections.abc import Iterator

from aiconvokit.chat.parts import Part, Taken, is_aside
from aiconvokit.chat.reading import Reading, Word

_CONDITIONS = {
    "english": """
if: if when whenever where once unless provided until case event
unless: unless if except until without
until till: until till before
provided_that provided_however: provided if when long only subject
except excluding other_than apart_from exclusive_of save_for save_as save_that save_where save_to \
save_in: except excluding exclusive other apart but save unless
before_the before_tax before_taxes before_interest before_depreciation: before
after_tax after_taxes: after
net_of: net
constant_currency constant_currencies: constant
pro_forma: pro
together combined: together combined both and
to_its_knowledge to_our_knowledge to_the_knowledge to_the_best best_of: knowledge
subject_to: subject if provided
as_long_as so_long_as: long while if
in_case in_the_event: case event if when
when whenever: when whenever if after upon once where case event""",
    "german": """
wenn falls sofern soweit solange: wenn falls sofern soweit solange sobald nur bei nach
bis: bis
außer ausgenommen: außer ausgenommen ohne nicht sofern
vorbehaltlich: vorbehaltlich
zusammen: zusammen und
sei_denn: sei wenn sofern außer""",
    "french": "si: si\njusqu: jusqu\npourvu: pourvu si",
    "spanish": "si: si cuando\nhasta: hasta\nsiempre_que: siempre si\na_menos: menos",
}
"""What makes a sentence conditional, and the words one of which a claim then needs."""
_NO_CONDITION = re.compile(
    r"# bis |(?:\S+ )?(?:bis (?:#|zu |auf )|hasta #|jusqu (?:à|en) #|together with)"
)
"""Of something else than time: "bis zu 40", "von 8 bis 18 Uhr"."""
INVERTED = frozenset(["had", "were", "should"])
_GERMAN_INVERTED_LIST = """
sollte sollten wird werden ist sind hat haben kommt kommen hätte hätten wäre wären"""
_GERMAN_INVERTED = frozenset(_GERMAN_INVERTED_LIST.split())
"""At the beginning of a sentence or part they are an "if": "had the authority agreed"."""
_MODALS = frozenset(["shall", "must", "may", "can", "will", "should"])
"""Beside one of them, "when" says under which condition and not what happened."""
_Marks = dict[str, list[tuple[tuple[str, ...], frozenset[str]]]]


def is_conditional(part: Part, quote: Reading) -> bool:
    """Whether a part says under which condition something holds."""
    return any(_conditions(part, quote))


def drops_condition(taken: Taken, said: frozenset[str], quote: Reading) -> bool:
    """Whether the claim is made without the condition that the sentence makes.

    Args:
        taken: what the claim takes from the sentence.
        said: the claim's words.
        quote: the sentence.
    """
    sections = {part.section for part in taken.parts if taken.own(part)}
    for part in taken.parts:
        own = taken.own(part)
        if not own and (is_aside(part, quote) or _is_elsewhere(part, sections)):
            continue
        for begins, needed in _conditions(part, quote):
            if (not own and begins) or (own and said.isdisjoint(needed)):
                return True
    return False


def _is_elsewhere(part: Part, sections: set[int]) -> bool:
    """Whether a part is of another section; "; provided that" limits the one before."""
    return bool(sections) and part.section not in sections and ";" not in part.before


def _conditions(part: Part, quote: Reading) -> Iterator[tuple[bool, frozenset[str]]]:
    """What makes a part conditional: whether it begins so, and the words a claim then needs."""
    texts = part.texts
    if texts[0] in INVERTED and len(texts) > 2 and quote.language == "english":
        yield True, frozenset(["if"])
    if texts[0] in _GERMAN_INVERTED and not part.before and quote.language == "german":
        yield True, frozenset(["wenn", "falls", "sofern"])
    if texts[0] == "provided" and part.before:
        yield True, frozenset(["provided", "if"])
    marks, whens = _marks(quote.language)
    for at, text in enumerate(texts):
        for phrase, needed in marks.get(text, ()):
            if tuple(texts[at : at + len(phrase)]) != phrase:
                continue
            if text in whens and not any(word.text in _MODALS for word in quote.words):
                continue
            if not _NO_CONDITION.match(" ".join(texts[max(0, at - 1) :])):
                yield _begins(part, at), needed


def _begins(part: Part, at: int) -> bool:
    """Whether only words like "but" or "es" stand before a place of a part."""
    return not any(isinstance(t, Word) and t.key for t in part.terms[:at]) and at <= 2


@functools.cache
def _marks(language: str | None) -> tuple[_Marks, frozenset[str]]:
    """By its first word, each condition of a language with the words a claim then needs."""
    found: _Marks = {}
    for line in _CONDITIONS.get(language or "", "").strip().splitlines():
        phrases, needed = line.split(": ")
        for phrase in phrases.split():
            words = tuple(phrase.split("_"))
            found.setdefault(words[0], []).append((words, frozenset(needed.split())))
    return found, frozenset(["when", "whenever"])
