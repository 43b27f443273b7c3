"""Does a question ask for figures? Then tables answer it, and passages full of numbers go up."""

import re

# Whole words: "ratio" must not be found in "expiration". English, as the tables of most filings;
# a word of another language costs nothing here.
_ASKS_FOR_FIGURES = re.compile(
    r"""
    \b(
        how\ (many|much) | number\ of | amounts? | totals? | average | percent(age)? | ratio
        | growth | margins? | turnover | millions? | billions? | usd | days
        | (in|de)creas(e|ed|es|ing) | chang(e|ed|es) | improv(e|ed|es|ing|ement)
        | (net\ )?(income|earnings|sales|profit|loss(es)?) | revenues? | expenses? | expenditures?
        | ebitda? | capex | inventor(y|ies) | debt | assets? | liabilit(y|ies) | equity
        | receivables? | payables? | dividends? | cash\ flows? | working\ capital
        | balance\ sheet | income\ statement | p&l | pp&?n?e
        | wie\ viele? | betrag | umsatz | gewinn | verlust | prozent | bilanz
        | combien | montant | chiffre\ d.affaires | b[eé]n[eé]fice
        | cu[aá]nt[oa]s? | importe | ingresos | beneficio
    )\b | %
    """,
    re.IGNORECASE | re.VERBOSE,
)


def asks_for_figures(question: str) -> bool:
    """Whether the answer is most likely a number in a table."""
    return _ASKS_FOR_FIGURES.search(question) is not None
