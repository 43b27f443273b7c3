"""A hostile answer writer: it takes true sentences and makes them false, in ways it knows."""

# ruff: noqa: RUF001  (signs of other scripts look like Latin ones)

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from support.hostile_pages import INVENTED, PAGES, Page


@dataclass(frozen=True)
class Attack:
    """One statement that is false (`is_true` False) or true, and how it was made."""

    kind: str
    text: str
    is_true: bool
    page: str | None


Twist = Callable[[str, random.Random], str | None]

_NUMBER = re.compile(r"(?<![\d٠-٩])[\d٠-٩]+(?:[.,][\d٠-٩]+)*")
_YEAR = re.compile(r"(?<!\d)20[12]\d(?!\d)")


def _chosen(pattern: re.Pattern[str], text: str, rng: random.Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return rng.choice(found) if found else None


def _put(text: str, match: re.Match[str], new: str) -> str | None:
    changed = text[: match.start()] + new + text[match.end() :]
    return changed if changed != text else None


def one_digit(text: str, rng: random.Random) -> str | None:
    match = _chosen(_NUMBER, text, rng)
    if match is None:
        return None
    at = rng.choice([i for i, sign in enumerate(match.group()) if sign.isdigit()])
    old = int(match.group()[at])
    base = ord("٠") if "٠" <= match.group()[at] <= "٩" else ord("0")
    new = chr(base + rng.choice([d for d in range(1, 10) if d != old]))
    changed = match.group()[:at] + new + match.group()[at + 1 :]
    others = set(_NUMBER.findall(text))
    return None if changed in others else _put(text, match, changed)


def decimal_moved(text: str, rng: random.Random) -> str | None:
    match = _chosen(re.compile(r"(?<!\d)(\d+)([.,])(\d)(\d*)(?![\d])"), text, rng)
    if match is None:
        match = _chosen(
            re.compile(r"(?<![\d.,])(\d)(\d+)(?![\d.,]|\)? ?(?:January|March|Feb))"), text, rng
        )
        return match and _put(text, match, f"{match[1]}.{match[2]}1")
    return _put(text, match, f"{match[1]}{match[3]}{match[2]}{match[4] or '5'}7")


def _exchanger(pairs: str, *, both_ways: bool = True) -> Twist:
    """One word of a pair for the other; pairs stand as `one=other` in lines."""
    table: dict[str, str] = {}
    for line in pairs.splitlines():
        one, other = line.split("=")
        table.setdefault(one, other)
        if both_ways:
            table.setdefault(other, one)
    bounded = [
        rf"(?<![^\W_]){re.escape(k)}(?![^\W_])" if k[0] < "\u0700" else re.escape(k)
        for k in sorted(table, key=len, reverse=True)
    ]
    pattern = re.compile("|".join(bounded))

    def twist(text: str, rng: random.Random) -> str | None:
        match = _chosen(pattern, text, rng)
        return match and _put(text, match, table[match.group()])

    return twist


scale = _exchanger("million=billion\nMio.=Mrd.\n亿元=万元\nمليون=مليار\nthousand=million")
currency = _exchanger(
    "EUR=USD\n\u20ac=$\n$=\u20ac\ndollars=euros\nGBP=CHF\n\u00a3=\u20ac"
    "\nEuro=Dollar\n元=美元\nدولار=يورو"
)
points = _exchanger(
    "percentage points=percent\n%= percentage points\npercent=million\nProzent=Prozentpunkte"
)
time_unit = _exchanger(
    "days=months\nmonths=weeks\nday=month\nyear=quarter\nTagen=Monaten\nMonate=Jahre\n三十天=三十个月"
    "\n三年=三个月\n个月=天\nيوما=شهرا"
)
compared = _exchanger(
    "rose=fell\nincrease=decrease\nincreased=decreased\nimproved=deteriorated\nabove=below"
    "\nbefore=after\nminimum=maximum\nat least=at most\nmore than=less than\nstieg=sank"
    "\nbeginnt=endet"
    "\n增长=下降\nارتفع=انخفض\ngrowth=decline\nwithin=after\nup to=at least\nbegins=ends"
    "\nfirst=second"
)
entity = _exchanger(
    "Supplier=Buyer\nLicensor=Licensee\nHarrowmere=Kestrel\ntenant=landlord\nLieferant=Käufer"
    "\n甲方=乙方\nالمشتري=المورد\nDelaware=Nevada\nUnited States=Mexico\nKaunas=Gdynia\nBoard=Group"
    "\nNorthgate=Southgate\nauditors=competitors\nLieferanten=Käufers"
)
_firmer = _exchanger(
    "may=shall\nmay=must\nkann=muss\nkann=wird\napproximately =\nabout =\nup to ="
    "\nat least =\nat most ="
    "\nexpects=achieved\nmay reduce=reduces\nmay increase=increases\nmay be=is"
    "\nmay be=must be\nmay be=are",
    both_ways=False,
)


def firmer(text: str, rng: random.Random) -> str | None:
    # "may not" forbids as "shall not" does.
    return None if "may not" in text or "darf nicht" in text else _firmer(text, rng)


noun = _exchanger(
    "invoice=delivery\nGoods=Services\ndefects=delays\nroof=heating\nbicycles=motorcycles"
    "\ncellar=kitchen\ndeposit=commission\nPets=Plants\nfees=royalties\nclaims=taxes\nshares=bonds"
    "\ndividend=bonus\nmargin=cash flow\nvalves=turbines\nservers=laptops\nSoftware=Hardware"
    "\nwarranty=trial\nplatform=hotline\nRechnung=Lieferung\nGewährleistung=Probezeit"
    "\nHaftung=Vergütung"
    "\nVertrag=Mietvertrag\n货款=租金\n发票=样品\n保修期=试用期\n违约金=保证金\nalready=never"
    "\nordinary=special\nannual=monthly\nmonthly=weekly\nindirect=direct\nwritten=oral"
    "\ninitial=final"
    "\nnon-exclusive=exclusive\nprior=subsequent\ninsurance=inventory"
    "\nالفاتورة=الغرامة\nالضمان=الإيجار"
)


def year(text: str, rng: random.Random) -> str | None:
    match = _chosen(_YEAR, text, rng)
    if match is None:
        return None
    new = str(int(match.group()) + rng.choice([-2, -1, 1, 2]))
    return None if new in text else _put(text, match, new)


_DENIALS = [
    (" shall not ", " shall "), (" does not ", " does "), (" did not repurchase ", " repurchased "),
    (" are not ", " are "), ("Neither party is", "Each party is"), (" nicht ", " "), ("不得", "应"),
    ("لا يجوز", "يجوز"), (" without ", " with "),
    (" shall ", " shall not "), (" may ", " may not "), (" is ", " is not "),
    (" are ", " are not "),
    (" will ", " will never "), (" rose ", " never rose "), (" fell ", " hardly did not fall "),
    (" beträgt ", " beträgt nicht "), (" zahlt ", " zahlt nicht "),
    (" liefert ", " liefert keine "),
    (" stieg ", " stieg nicht "), ("应", "不应"), ("يجب", "لا يجب"), (" bear ", " bear no "),
    (" proposed ", " did not propose "), (" improved ", " never improved "),
    (" grants ", " cannot grant "), (" kann ", " kann nicht "), ("为", "不为"),
    ("ارتفع", "لم يرتفع"),
]  # fmt: skip


def negated(text: str, rng: random.Random) -> str | None:
    fitting = [(old, new) for old, new in _DENIALS if old in text]
    # "shall not" and "shall" both fit a sentence that is denied: the first one undoes it.
    if not fitting:
        return None
    old, new = fitting[0] if fitting[0] in _DENIALS[:9] else rng.choice(fitting)
    return text.replace(old, new, 1)


def exchanged_numbers(text: str, rng: random.Random) -> str | None:
    found = [m for m in _NUMBER.finditer(text) if not re.fullmatch(r"[12]\d{0,1}", m.group())]
    if len(found) < 2:
        return None
    one, other = sorted(rng.sample(found, 2), key=lambda m: m.start())
    if one.group() == other.group() or bool(_YEAR.fullmatch(one.group())) != bool(
        _YEAR.fullmatch(other.group())
    ):
        return None
    middle = text[one.end() : other.start()]
    return text[: one.start()] + other.group() + middle + one.group() + text[other.end() :]


def exchanged_names(text: str, rng: random.Random) -> str | None:
    pairs = [
        ("Supplier", "Buyer"), ("Licensor", "Licensee"), ("Harrowmere", "Kestrel"),
        ("tenant", "landlord"), ("Lieferant", "Käufer"), ("甲方", "乙方"), ("Kaunas", "Gdynia"),
        ("valves", "seals"), ("dividend", "share"), ("fees", "liability"),
        ("revenue", "management"),
    ]  # fmt: skip
    for one, other in pairs:
        if one in text and other in text:
            return text.replace(one, "\0").replace(other, one).replace("\0", other)
    return None


def look_alike(text: str, rng: random.Random) -> str | None:
    """A changed number or party, written in signs of another script."""
    changed = rng.choice([one_digit, entity, noun])(text, rng)
    if changed is None:
        return None
    style = rng.choice(["arabic", "wide", "cyrillic"])
    if style == "arabic":
        return re.sub(r"[0-9]", lambda m: chr(ord("٠") + int(m.group())), changed)
    if style == "wide":
        return re.sub(r"[0-9]", lambda m: chr(ord("０") + int(m.group())), changed)
    return changed.translate(str.maketrans("aeopc", "аеорс"))


TWISTS: dict[str, Twist] = {
    "one digit": one_digit,
    "decimal moved": decimal_moved,
    "scale swapped": scale,
    "currency swapped": currency,
    "percent or points": points,
    "unit of time swapped": time_unit,
    "year shifted": year,
    "negated": negated,
    "comparison reversed": compared,
    "entity swapped": entity,
    "hedge dropped": firmer,
    "other word": noun,
    "numbers exchanged": exchanged_numbers,
    "names exchanged": exchanged_names,
    "other scripts": look_alike,
}


def _statements(page: Page) -> list[str]:
    bullets = [line[2:] for line in page.text.splitlines() if line.startswith("- ")]
    said = [honest for ways in (page.facts | page.rows).values() for honest in ways]
    return [*page.facts, *said, *bullets]


def honest() -> Iterator[Attack]:
    """Everything that the pages say, word for word and reworded."""
    for page in PAGES:
        for table in (page.facts, page.rows):
            for fact, ways in table.items():
                yield Attack("verbatim", fact, is_true=True, page=page.name)
                for way in ways:
                    yield Attack("reworded", way, is_true=True, page=page.name)
        for line in page.text.splitlines():
            if line.startswith("- "):
                yield Attack("verbatim", line[2:], is_true=True, page=page.name)


def attacks(seed: int, rounds: int) -> Iterator[Attack]:
    """False statements of every kind; none is said by any page."""
    rng = random.Random(seed)  # noqa: S311  (repeatable, no secret)
    said = {attack.text for attack in honest()}
    done: set[str] = set()
    for _ in range(rounds):
        for page in PAGES:
            for text in _statements(page):
                for kind, twist in TWISTS.items():
                    changed = twist(text, rng)
                    if changed and changed not in said and changed not in done:
                        done.add(changed)
                        yield Attack(kind, changed, is_true=False, page=page.name)
    yield from _spliced(rng, done)
    for text in INVENTED:
        yield Attack("invented", text, is_true=False, page=None)
        yield Attack("invented quote", f'"{text.rstrip(".")}" (page 3).', is_true=False, page=None)


MIN_TAIL = 14
"""Characters: a shorter tail says next to nothing."""

_SEAM = re.compile(
    r" (?=(?:within|upon|without|of|in|by|to|on|unless|after|at|innerhalb|binnen|mit|auf) )|，"
)


def _spliced(rng: random.Random, done: set[str]) -> Iterator[Attack]:
    """The head of one sentence with another's tail; a row's label with another row's cell."""
    facts = [(page, fact) for page in PAGES for fact in page.facts]
    for page, fact in facts:
        for other_page, other in rng.sample(facts, 14):
            heads, tails = list(_SEAM.finditer(fact)), list(_SEAM.finditer(other))
            if fact == other or page.language != other_page.language or not heads or not tails:
                continue
            head, tail = rng.choice(heads), rng.choice(tails)
            text = fact[: head.start()] + other[tail.start() :]
            rest = min(len(fact) - head.start(), len(other) - tail.start())
            is_new = set(re.findall(r"\w{4,}", text)) - set(re.findall(r"\w{4,}", fact))
            if rest > MIN_TAIL and is_new and text not in {fact, other} | done:
                done.add(text)
                yield Attack("spliced", text, is_true=False, page=None)
    for page in PAGES:
        for one in page.rows:
            for other in page.rows:
                label = re.split(r" [\d$(]", one)[0]
                values = re.findall(r"\d[\d.,]{2,}\d", other)
                if one != other:
                    text = f"{label} was {rng.choice(values)} in 2025."
                    yield Attack("spliced", text, is_true=False, page=page.name)
