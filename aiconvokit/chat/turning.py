"""Whether a claim leaves out of a sentence what turns the meaning of the rest."""

from collections.abc import Sequence

from aiconvokit.chat.asides import begins_closed, denies, drops_which
from aiconvokit.chat.conditions import drops_condition
from aiconvokit.chat.numbers import Number
from aiconvokit.chat.parts import Part, Taken, is_adverbial, is_aside
from aiconvokit.chat.polarity import negations
from aiconvokit.chat.reading import Reading, Word

_OPAQUE_LIST = """
deny denies denied denying doubt doubts doubted allegedly reportedly purportedly supposedly alleged
alleges purported rumoured rumored untrue avoid avoids avoided bestritt bestreitet bestritten
leugnet leugnete angeblich mutmaßlich bezweifelt bezweifelte behauptet behauptete behaupten vermutet
vermutete weigert weigerte hätte hätten wäre wären würde würden habe sei seien plante planten
beabsichtigt beabsichtigte beabsichtigen wollte wollten"""
_OPAQUE = frozenset(_OPAQUE_LIST.split())
_OPAQUE_BEFORE_LIST = """
claim claims claimed assert asserts asserted contend contends contended argue argues argued believe
believes believed think thinks thought assume assumes assumed suspect suspects suspected hope hopes
hoped fear fears feared refuse refuses refused decline declines declined reject rejects rejected
threaten threatens threatened consider considers considered suggest suggests suggested dispute
disputes disputed question questioned true false offered tried attempted attempts agreed asked
demanded requested wants wanted decided seeks sought promised planned plans intended intends close
ordered told urged advised glaubt glaubte meint meinte hofft hoffte befürchtet befürchtete
fürchtet bezweifeln versuchte beschloss"""
_OPAQUE_BEFORE = frozenset(_OPAQUE_BEFORE_LIST.split())
"""Verbs behind whose "that" or "to" stands what may not be so."""
_COMPLEMENT = frozenset(["that", "whether", "to", "of", "having", "dass", "ob", "zu"])
_COMPLEMENT_REACH = 3
"""Terms behind such a verb in which its "that" stands: "asked the Board to"."""
_CONTRARY = frozenset(["instead", "unlike", "rather", "statt", "anstatt", "anstelle"])
"""What stands behind one of them in its part did not happen."""
_COMPARED = frozenset(["after", "following", "compared", "against", "versus", "nach", "gegenüber"])

DENIED_REACH = 4
"""Words behind a negation that it may concern."""


def turns(taken: Taken, claim: Reading, quote: Reading) -> bool:
    """Whether the claim leaves out of a sentence what turns the meaning of the rest."""
    said = frozenset(word.text for word in claim.words)
    return (
        drops_condition(taken, said, quote)
        or drops_which(taken, said, quote)
        or _drops_speaker(taken, said, claim)
        or _drops_comparison(taken, said)
        or _denies_elsewhere(taken, claim, quote)
    )


def _drops_speaker(taken: Taken, said: frozenset[str], claim: Reading) -> bool:
    """Whether the claim says itself what the sentence only says that somebody says."""
    owns = [(part.section, taken.own(part)) for part in taken.parts]
    for number, part in enumerate(taken.parts):
        if not any(own for section, own in owns[number:] if section == part.section):
            continue
        for at, term in enumerate(part.terms):
            if not isinstance(term, Word) or term.text in said or term.key in claim.keys:
                continue
            if term.text in _CONTRARY and owns[number][1]:
                return True
            if _is_opaque(term.text, part.texts[at + 1 :] or _next(taken, number)):
                return True
    return False


def _drops_comparison(taken: Taken, said: frozenset[str]) -> bool:
    """Whether a figure is used that stands only to compare: ", after a loss of 5"."""
    return any(
        part.texts[0] in _COMPARED
        and part.texts[0] not in said
        and any(isinstance(term, Number) for term in taken.own(part))
        for part in taken.parts[1:]
    )


def _is_opaque(text: str, after: Sequence[str]) -> bool:
    follows = not _COMPLEMENT.isdisjoint(after[:_COMPLEMENT_REACH])
    return text in _OPAQUE or (text in _OPAQUE_BEFORE and follows)


def _next(taken: Taken, number: int) -> list[str]:
    """The first word of the next part: "hofft, dass"."""
    following = taken.parts[number + 1 : number + 2]
    return following[0].texts[:1] if following else []


def _denies_elsewhere(taken: Taken, claim: Reading, quote: Reading) -> bool:
    """Whether the claim denies what the sentence says beside, or before, something it denies."""
    denied = _denied(claim)
    if not denied:
        return False
    negated = [denies(part, quote) for part in taken.parts]
    first = negated.index(True) if True in negated else 0
    return any(
        ((at < first and not is_adverbial(part)) or _is_closed(part, quote))
        and not negated[at]
        and any(isinstance(term, Word) and term.key in denied for term in taken.own(part))
        for at, part in enumerate(taken.parts)
    ) or _denies_beside(taken, quote, negated, denied)


def _denies_beside(
    taken: Taken, quote: Reading, negated: Sequence[bool], denied: Sequence[str]
) -> bool:
    """Whether all negations stand in asides and what is denied does not."""
    asides = [is_aside(part, quote) for part in taken.parts]
    if not all(aside for aside, is_negated in zip(asides, negated, strict=True) if is_negated):
        return False
    return any(
        not aside and any(isinstance(t, Word) and t.key in denied for t in taken.own(part))
        for aside, part in zip(asides, taken.parts, strict=True)
    )


def _is_closed(part: Part, quote: Reading) -> bool:
    """Whether no negation before it reaches into a part: "although", "but has", "which"."""
    return begins_closed(part) or is_aside(part, quote)


def _denied(claim: Reading) -> list[str]:
    """The content words right behind the claim's negations."""
    found: list[str] = []
    for at in negations(claim.terms, claim.language):
        behind = [t.key for t in claim.terms[at + 1 :] if isinstance(t, Word) and t.key]
        found += behind[:DENIED_REACH]
    return found
