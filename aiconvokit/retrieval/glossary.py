"""What people say and what documents say: words that are added to a question, weighted low."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a question says one of `says`, documents may say one of `means`."""

    says: tuple[str, ...]
    means: tuple[str, ...]


def _entry(says: str, means: str) -> Entry:
    return Entry(tuple(says.split(" | ")), tuple(means.split(" | ")))


# Accounting terms, by general knowledge of how statements are headed.
BUILT_IN = (
    _entry("P&L | P&L statement | profit and loss", "income statement | statements of operations"),
    _entry("income statement", "statements of operations | statements of income"),
    _entry(
        "balance sheet | statement of financial position",
        "consolidated balance sheets | total assets | total liabilities",
    ),
    _entry(
        "cash flow statement | statement of cash flows | cash flow",
        "cash flows from operating activities",
    ),
    _entry("capex | capital expenditure", "purchases of property, plant and equipment"),
    _entry("PP&E | PPNE | PP&NE | fixed assets", "property, plant and equipment, net"),
    _entry("COGS | cost of goods sold", "cost of sales | cost of revenue"),
    _entry("revenue | sales | turnover", "net sales | total revenues"),
    _entry("DPO | days payable", "accounts payable"),
    _entry("DSO | days sales outstanding", "accounts receivable"),
    _entry("DIO | inventory turnover", "merchandise inventories"),
    _entry("D&A", "depreciation and amortization"),
    _entry("SG&A", "selling, general and administrative"),
    _entry("R&D", "research and development"),
    _entry("EPS", "earnings per share"),
    _entry("EBIT", "operating income"),
    _entry("EBITDA", "operating income | depreciation and amortization"),
    _entry("gross margin | gross profit", "cost of sales"),
    _entry("operating margin", "operating income"),
    _entry(
        "quick ratio | current ratio | liquidity",
        "total current assets | total current liabilities",
    ),
    _entry("working capital", "total current assets | total current liabilities"),
    _entry("net profit | bottom line | net earnings", "net income"),
    _entry("dividends", "dividends declared | dividends paid"),
    _entry("workforce | headcount", "employees"),
)


def added_words(question: str, entries: Sequence[Entry] = BUILT_IN) -> str:
    """What the glossary adds to a question; "" when it knows none of its words."""
    found = (entry for entry in entries if _pattern(entry.says).search(question))
    return " ".join(" ".join(entry.means) for entry in found)


@lru_cache(maxsize=4096)
def _pattern(says: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words, in any case; an abbreviation of two letters only as it is written."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_phrase, says))})(?!\w)", re.IGNORECASE)


def _phrase(phrase: str) -> str:
    return r"\s+".join(map(re.escape, phrase.split()))
