"""What people say and what documents say: words that are added to a question."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiconvokit.rest.fields import BLANK, NOT_A_STRING, REQUIRED
from ingestion.lexical import MARKS, paired
from ingestion.storable import why_unstorable

MAX_ENTRIES = 500
MAX_PHRASES = 20
MAX_PHRASE_CHARACTERS = 100
"""A glossary is looked through for every question, and a phrase is a term and not a text."""
MAX_WORDS = 1_000
"""Of a question that are looked up; whoever pastes a page has spelled it out."""

Stored = dict[str, list[str]]
"""An entry as an assistant's row and the API hold it: `says` and `means`."""
_TOO_LONG = f"Ensure this field has no more than {MAX_PHRASE_CHARACTERS} characters."
_NO_LIST = 'Expected a list of items but got type "{}".'

# General knowledge of how statements are headed and how contracts are worded, not of any question.
# A line: what a question says -> what documents say.
_BUILT_IN = """
Statements
    P&L | P&L statement | profit and loss -> income statement | statements of operations
    income statement -> statements of operations | statements of income
    balance sheet | statement of financial position
        -> consolidated balance sheets | total assets | total liabilities
    cash flow statement | statement of cash flows | cash flow
        -> cash flows from operating activities
    cash flow from operations | operating cash flow -> net cash provided by operating activities
    free cash flow | FCF
        -> net cash provided by operating activities | purchases of property, plant and equipment

Lines of statements
    revenue | revenues | sales | turnover | top line -> net sales | total revenues
    COGS | cost of goods sold -> cost of sales | cost of revenue
    SG&A -> selling, general and administrative
    R&D -> research and development
    D&A -> depreciation and amortization
    EBIT -> operating income
    EBITDA -> operating income | depreciation and amortization
    net profit | bottom line | net earnings -> net income
    EPS -> earnings per share
    tax rate | effective tax rate -> provision for income taxes | income before income taxes
    dividend | dividends -> dividends declared | dividends paid
    capex | capital expenditure | capital expenditures -> purchases of property, plant and equipment
    PP&E | PPNE | PP&NE | fixed assets -> property, plant and equipment, net
    inventory -> inventories
    leases -> right-of-use assets | lease liabilities
    shareholders' equity | net worth | book value -> total stockholders' equity
    buyback | buybacks | share repurchase | share repurchases
        -> repurchases of common stock | treasury stock

Ratios, by the lines they are made of
    gross margin | gross profit -> cost of sales
    operating margin -> operating income
    net margin | profit margin -> net income | net sales
    quick ratio | current ratio | liquidity | working capital
        -> total current assets | total current liabilities
    DPO | days payable -> accounts payable
    DSO | days sales outstanding -> accounts receivable
    DIO | inventory turnover -> merchandise inventories
    cash conversion cycle -> accounts payable | accounts receivable | merchandise inventories
    return on assets | ROA | asset turnover -> total assets
    return on equity | ROE -> total stockholders' equity
    debt to equity | leverage | net debt -> long-term debt | total stockholders' equity
    interest coverage -> interest expense

Reports
    workforce | headcount -> employees
    auditor | auditors -> independent registered public accounting firm
    lawsuit | lawsuits | litigation -> legal proceedings
    acquisition | acquisitions | M&A -> business combination | acquired
    guidance | outlook -> expect | forecast
    CEO -> chief executive officer
    CFO -> chief financial officer

Contracts
    parties | contracting parties -> by and between | hereinafter referred to as
    agreement date | contract date | date of the agreement | date of the contract
        -> dated as of | made and entered into as of
    effective date -> effective as of | commencement date
    governing law | choice of law | applicable law -> governed by and construed in accordance with
    expiration | expiration date | expire | duration | term of the agreement | term of the contract
        -> initial term | shall remain in effect | shall continue until
    renewal | renewal term | auto-renewal -> automatically renew | successive periods
    notice period -> days prior written notice
    termination for convenience -> terminate at any time without cause upon written notice
    change of control -> merger | consolidation | sale of substantially all assets
    assignment | anti-assignment -> may not assign without prior written consent
    exclusivity -> sole and exclusive
    non-compete | noncompete -> shall not compete | competing products
    non-solicitation | no-solicit -> shall not solicit | hire
    confidentiality | NDA | non-disclosure -> confidential information | shall not disclose
    liability cap | cap on liability | limitation of liability
        -> in no event shall be liable | aggregate liability shall not exceed
    indemnity | indemnification -> indemnify and hold harmless
    intellectual property | IP -> patents | copyrights | trademarks
    IP ownership -> right, title and interest
    license grant -> hereby grants | license
    audit rights -> inspect | books and records
    warranty | warranties -> warrants
    insurance -> policy | certificate of insurance
    dispute resolution -> arbitration | courts
    force majeure -> beyond its reasonable control
    most favored nation | MFN -> no less favorable
    ROFR | ROFO -> right of first refusal | right of first offer
    minimum commitment -> minimum purchase
    payment terms -> due and payable | invoice
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a question says one of `says`, documents may say one of `means`."""

    says: tuple[str, ...]
    means: tuple[str, ...]


def _read(glossary: str) -> tuple[Entry, ...]:
    """Entries of the form above; a line that begins with an arrow goes on with the one before."""
    lines = glossary.replace("\n        ->", " ->").splitlines()
    sides = (line.split("->") for line in lines if "->" in line)
    return tuple(Entry(_phrases(says), _phrases(means)) for says, means in sides)


def _phrases(side: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in side.split("|"))


BUILT_IN = _read(_BUILT_IN)
"""Where an assistant has no glossary of its own."""


def entries_of(stored: Sequence[Stored] | None) -> tuple[Entry, ...]:
    """The glossary of an assistant as its row holds it; null is the built-in one."""
    if stored is None:
        return BUILT_IN
    return tuple(Entry(tuple(one["says"]), tuple(one["means"])) for one in stored)


def check_glossary(value: Any) -> list[Stored]:
    """A glossary as a request gives it, in the form that is stored.

    Raises:
        ValueError: the first thing that is wrong, in one sentence.
    """
    if not isinstance(value, list):
        raise ValueError(_NO_LIST.format(type(value).__name__))  # noqa: TRY004  # a client's mistake
    if len(value) > MAX_ENTRIES:
        raise ValueError(f"Ensure this field has no more than {MAX_ENTRIES} elements.")
    return [_check_entry(one, f"Entry {number}") for number, one in enumerate(value, start=1)]


def _check_entry(value: Any, place: str) -> Stored:
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise ValueError(f"{place}: Invalid data. Expected a dictionary, but got {kind}.")  # noqa: TRY004  # as above
    return {name: _check_phrases(value, name, f"{place}, {name}: ") for name in ("says", "means")}


def _check_phrases(entry: dict[str, Any], name: str, place: str) -> list[str]:
    if name not in entry:
        raise ValueError(place + REQUIRED)
    phrases = entry[name]
    if not isinstance(phrases, list):
        raise ValueError(place + _NO_LIST.format(type(phrases).__name__))  # noqa: TRY004  # as above
    if not phrases:
        raise ValueError(f"{place}This list may not be empty.")
    if len(phrases) > MAX_PHRASES:
        raise ValueError(f"{place}Ensure this field has no more than {MAX_PHRASES} elements.")
    for phrase in phrases:
        if why := _wrong(phrase):
            raise ValueError(place + why)
    return [phrase.strip() for phrase in phrases]


def _wrong(phrase: Any) -> str | None:
    if not isinstance(phrase, str):
        return NOT_A_STRING
    if why := why_unstorable(phrase):
        return why
    if not _words(phrase):
        return BLANK
    return _TOO_LONG if len(phrase.strip()) > MAX_PHRASE_CHARACTERS else None


def added_words(question: str, entries: Sequence[Entry] = BUILT_IN) -> str:
    """What the glossary adds to a question; "" when it knows none of its words."""
    known, lengths = _index(tuple(entries))
    words = _words(question)[:MAX_WORDS]
    found = {
        number
        for length in lengths
        for at in range(len(words) - length + 1)
        for number in known.get(words[at : at + length], ())
    }
    return " ".join(" ".join(entries[number].means) for number in sorted(found))


@lru_cache(maxsize=16)
def _index(
    entries: tuple[Entry, ...],
) -> tuple[Mapping[tuple[str, ...], Sequence[int]], Collection[int]]:
    """The words of each phrase -> the numbers of the entries that it belongs to; their lengths."""
    found: dict[tuple[str, ...], list[int]] = {}
    for number, entry in enumerate(entries):
        for phrase in entry.says:
            if words := _words(phrase):
                found.setdefault(words, []).append(number)
    return found, {len(phrase) for phrase in found}


_WORD = re.compile(rf"&|(?:[^\W_][{re.escape(MARKS)}]*)+")


def _words(text: str) -> tuple[str, ...]:
    """Words in any case; without spaces between words, pairs of letters."""
    return tuple(_WORD.findall(paired(text.casefold())))
