"""Whether two texts say opposite things, or one of them more firmly, about the same words."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator, Sequence

from aiconvokit.chat.numbers import Number
from aiconvokit.chat.reading import CONTRACTED, Reading, Term, Word

_NEGATORS = {
    "english": "not no never none neither nor without cannot nothing nobody fails failed lacks \
hardly scarcely barely",
    "german": "nicht nie niemals ohne weder noch kein keine keinen keiner keinem keines keinerlei \
kaum",
    "french": "ne n pas jamais aucun aucune sans ni",
    "spanish": "no nunca jamás sin ningún ninguna ninguno ni tampoco",
    "italian": "non mai senza nessun nessuna nessuno né",
    "portuguese": "não nunca sem nenhum nenhuma nem",
    "dutch": "niet geen nooit zonder",
    "danish": "ikke ingen intet aldrig uden",
    "norwegian": "ikke ingen intet aldri uten",
    "swedish": "inte ej ingen inget inga aldrig utan",
    "russian": "не нет ни никогда без",
    "arabic": "لا لم لن ليس ليست غير بدون دون",
}
REACH = 4
"""Content words that a negation may concern: "without the prior written consent of the Buyer"."""

# Words of one group that shut each other out: the claim may not use another than the quote.
_RIVALS = [
    [side.split() for side in group.split("|")]
    for group in """increase increases increased rise rises rose risen grow grew grown growth \
higher gain gains|decrease decreases decreased decline declined fall falls fell fallen drop \
dropped lower loss losses
profit profits|loss losses
above over# exceeding|below under#
before|after
more|less fewer
least minimum|most maximum
include includes included including|exclude excludes excluded excluding
accept accepts accepted|reject rejects rejected
limited|unlimited
permitted permits allowed allow|prohibited prohibits forbidden
asset assets|liability liabilities
buyer purchaser|seller supplier vendor
all each every any both|some several certain|none
shall must will|may can could might
first|second|third|fourth|last
and|or
within# within|after
within#|after#
gross|net
current|previous prior
muss müssen|kann können darf dürfen
soll sollen|kann können darf dürfen
stieg gestiegen erhöht erhöhte zunahme|sank gesunken verringert verringerte fiel abnahme
vor|nach
mindestens|höchstens
mehr|weniger
über#|unter#
debe deben deberá|puede pueden podrá
aumentó aumentaron|disminuyó disminuyeron
antes|después
doit doivent|peut peuvent
augmenté|diminué
avant|après
يجب|يجوز
ارتفع ارتفعت|انخفض انخفضت
البائع المورد|المشتري
قبل|بعد""".splitlines()
]
# Each group: when the quote has one of them near what the claim says, the claim needs one as well.
_HEDGES = [
    frozenset(group.split())
    for group in """may can could might|entitled permitted
approximately about around roughly circa nearly almost some
expects expect expected expecting anticipates anticipate anticipated plans plan planned intends \
intend forecast estimated estimates estimate projected targets target aims likely probably \
possibly potentially believes proposed
should would
unless except excluding save
kann können darf dürfen könnte
etwa rund ungefähr circa ca
voraussichtlich erwartet erwarten plant geplant
sofern außer ausgenommen
puede pueden podrá podrán podría
aproximadamente alrededor
espera prevé
salvo excepto
peut peuvent pourra pourrait
environ
prévoit
sauf
يجوز قد يمكن
حوالي تقريبا""".replace("|", " ").splitlines()
]
# The same, but in both directions: a limit more says something else too.
_LIMITS = [
    frozenset(group.split())
    for group in """least minimum
most maximum
than
not_more no_more not_longer no_longer
not_less no_less not_fewer no_fewer
not_later no_later
not_only
up_to
without
only solely
mindestens
höchstens
ohne
nur
menos mínimo
máximo
solo sólo solamente
moins
seulement""".splitlines()
]
_HAN_PAIRS = """增加 减少|增长 下降|上升 下降|提高 降低|高于 低于|超过 低于|之前 之后|以上 以下
买方 卖方|甲方 乙方|应 可以|必须 可以|至少 至多|最低 最高|盈利 亏损|流入 流出
包括 不包括|允许 禁止|资产 负债"""
_HAN_NEGATION = re.compile("[\u4e0d\u6ca1\u6c92\u65e0\u7121\u975e\u672a\u7981]|\u306a\u3044|ません")
_HAN_HEDGE = re.compile("可能|可以|大约|约|预计|预期|至少|不超过|最多|除非")
_LIMIT_WORDS = frozenset(["later", "more", "less", "fewer", "only", "earlier", "longer"])
NEAR = 6
"""A hedge this many words before or behind what the claim takes from the quote belongs to it."""


def opposed(claim: Reading, quote: Reading) -> bool:
    """Whether the claim denies what the quote says, says what it denies, or drops its limits.

    Both are in one language. A negation concerns the content word after it: "may not assign" is
    about "assign".
    """
    if claim.language is None:
        return _han_opposed(claim, quote)
    said, shown = claim.keys | _texts(claim), quote.keys | _texts(quote)
    denied, by_quote = _denied(claim, 1), _denied(quote, 1)
    if denied and not by_quote:
        return True
    # A word that one side denies at once must be within reach of a negation on the other side.
    if (by_quote & said) - _denied(claim, REACH) or (denied & shown) - _denied(quote, REACH):
        return True
    near = _near(claim, quote)
    if _count_negators(claim) != _count_negators(near):
        return True
    return _rivals(_texts(claim), _texts(near)) or _unhedged(_texts(claim), _texts(near))


def contrary(claim: Reading, quote: Reading) -> bool:
    """Whether one denies something and the other nothing; for two languages."""
    return _denies(claim) != _denies(quote)


def _denies(reading: Reading) -> bool:
    if reading.language is None:
        return bool(_HAN_NEGATION.search(_joined(reading)))
    return bool(_denied(reading, 1))


def _texts(reading: Reading) -> frozenset[str]:
    """The words, "over#" before a number, "up_to" as one; the modal of "may not" says nothing."""
    found: set[str] = set()
    terms = reading.terms
    for term, after in itertools.zip_longest(terms, terms[1:]):
        if not isinstance(term, Word):
            continue
        if isinstance(after, Number):
            found.add(f"{term.text}#")
        elif isinstance(after, Word) and term.text in {"not", "no"}:
            found.add(f"{term.text}_{after.text}")
        elif isinstance(after, Word) and after.text in {"not", "to", "never"}:
            found.add(f"{term.text}_{after.text}")
            if after.text != "to":
                continue
        found.add(term.text)
    return frozenset(found)


def _joined(reading: Reading) -> str:
    return "".join(word.text for word in reading.words)


def _denied(reading: Reading, reach: int) -> frozenset[str]:
    """The first `reach` content words after each negation; "" when none follows."""
    places = frozenset(negations(reading.terms, reading.language))
    denied: set[str] = set()
    left = 0
    for place, term in enumerate(reading.terms):
        if isinstance(term, Number):
            continue
        if place in places:
            left = reach
        elif left and term.key and not term.text.endswith("ly"):
            denied.add(term.key)
            left -= 1
    return frozenset(denied | {""}) if left == reach else frozenset(denied)


def _count_negators(reading: Reading) -> int:
    return sum(1 for _ in negations(reading.terms, reading.language))


def negations(terms: Sequence[Term], language: str | None) -> Iterator[int]:
    """The places of negations; "not later" limits an amount and "but not limited to" a list."""
    negators = _negators(language)
    for place, term in enumerate(terms):
        if not isinstance(term, Word):
            continue
        after = terms[place + 1] if place + 1 < len(terms) else None
        following = after.text if isinstance(after, Word) else ""
        if following in _LIMIT_WORDS and term.text in {"not", "no"}:
            continue
        if following == "limited" and place and getattr(terms[place - 1], "text", "") == "but":
            continue
        if term.text in negators or CONTRACTED.search(term.text):
            yield place


@functools.cache
def _negators(language: str | None) -> frozenset[str]:
    return frozenset(_NEGATORS.get(language or "", _NEGATORS["english"]).split())


def _near(claim: Reading, quote: Reading) -> Reading:
    """The quote from a little before to a little after what the claim takes from it."""
    terms = quote.terms
    at = [
        place
        for place, term in enumerate(terms)
        if (isinstance(term, Word) and term.key in claim.keys and term.key)
        or (isinstance(term, Number) and any(n.readings & term.readings for n in claim.numbers))
    ]
    inside = terms[max(0, at[0] - NEAR) : at[-1] + NEAR + 1] if at else ()
    return dataclasses.replace(quote, terms=inside)


def _rivals(said: frozenset[str], shown: frozenset[str]) -> bool:
    """Whether the claim has a word that the quote has not, but only one that shuts it out."""
    for sides in _RIVALS:
        claimed = [bool(said.intersection(side)) for side in sides]
        quoted = [bool(shown.intersection(side)) for side in sides]
        if any(quoted) and any(c and not q for c, q in zip(claimed, quoted, strict=True)):
            return True
    return False


def _unhedged(said: frozenset[str], shown: frozenset[str]) -> bool:
    """Whether the claim drops what limits the quote, or sets a limit of its own."""
    dropped = any(group & shown and not group & said for group in _HEDGES)
    return dropped or any(bool(group & shown) != bool(group & said) for group in _LIMITS)


def _han_opposed(claim: Reading, quote: Reading) -> bool:
    said, shown = _joined(claim), _joined(quote)
    if bool(_HAN_NEGATION.search(said)) != bool(_HAN_NEGATION.search(shown)):
        return True
    if set(_HAN_HEDGE.findall(said)) != set(_HAN_HEDGE.findall(shown)):
        return True
    for pair in _HAN_PAIRS.replace("\n", "|").split("|"):
        one, other = pair.split()
        if (one in said) != (one in shown) and (other in said) != (other in shown):
            return True
    return False
