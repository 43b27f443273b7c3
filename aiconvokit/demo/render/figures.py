"""The group's accounts, computed from `inputs`: every figure that the report prints.

`accounts()` maps dotted names to measures in thousands of euros (`eps.*` and `dps.*` in euro cents,
`shares.*` in thousands, `staff.*` in full-time equivalents). Statements are sums of other entries;
balances are carried forward from movements. That assets equal equity and liabilities is therefore
a result and not an input: the tests ask for it.
"""

from collections.abc import Callable, Mapping
from functools import cache

from aiconvokit.demo.render import inputs, statements
from aiconvokit.demo.render.series import OPENING, Series, rolled, rounded, total

Accounts = dict[str, Series]
Group = Mapping[str, Mapping[str, Series]]


@cache
def accounts() -> Accounts:
    """Every entry by name; balances have 2022 as well."""
    book: Accounts = {}
    for step in STEPS:
        book |= step(book)
    return book


def columns(prefix: str, measure: str) -> list[str]:
    """The entries of one measure over a group's parts and, last, its total."""
    parts = GROUPS[prefix]
    return [f"{prefix}.{part}.{measure}" for part in (*parts, "total")]


def _revenue(_: Accounts) -> Accounts:
    book = _spread("segment", inputs.SEGMENTS)
    book["revenue"] = book["segment.total.revenue"]
    book |= {f"region.{name}": line for name, line in inputs.REGIONS.items()}
    over_time = {f"revenue.{name}": line for name, line in inputs.REVENUE_OVER_TIME.items()}
    book |= over_time
    book["revenue.over_time"] = total(over_time.values())
    book["revenue.at_once"] = book["revenue"] - book["revenue.over_time"]
    for name in inputs.SEGMENTS:
        book[f"margin.{name}"] = _share(
            book[f"segment.{name}.ebita"], book[f"segment.{name}.revenue"]
        )
    return book


def _plant(_: Accounts) -> Accounts:
    book = _carried("ppe", inputs.PLANT) | _carried("intangible", inputs.INTANGIBLES)
    book |= _carried("rou", inputs.RIGHT_OF_USE)
    goodwill = {
        name: (
            inputs.GOODWILL_OPENING[name],
            {"acquired": lines["goodwill_acquired"], "fx": lines["goodwill_fx"]},
        )
        for name, lines in inputs.SEGMENTS.items()
    }
    book |= _carried("goodwill", goodwill)
    book["ppe.disposal.proceeds"] = inputs.DISPOSAL_GAIN - book["ppe.total.disposals"]
    book["disposal_gain"] = inputs.DISPOSAL_GAIN
    return book


def _income(book: Accounts) -> Accounts:
    line = dict(inputs.INCOME)
    line["gross_profit"] = book["revenue"] - line["cost_of_sales"]
    costs = total([line["research"], line["selling"], line["administration"]])
    line["other_net"] = line["other_operating"] - book["disposal_gain"] + line["restructuring_cost"]
    line["operating_profit"] = line["gross_profit"] - costs + line["other_operating"]
    line["finance_costs"] = total(
        line[name]
        for name in (
            "interest_borrowings",
            "amortised_costs",
            "interest_leases",
            "interest_pensions",
            "exchange_losses",
        )
    )
    line["net_finance_costs"] = line["finance_costs"] - line["finance_income"]
    line["profit_before_tax"] = line["operating_profit"] - line["net_finance_costs"]
    line |= {f"tax.{name}": effect for name, effect in inputs.TAX_EFFECTS.items()}
    line["tax.expected"] = line["profit_before_tax"].times(*inputs.TAX_RATE)
    effects = inputs.TAX_EFFECTS.values()
    line["tax"] = total([line["tax.expected"], *effects])
    line["tax.deferred"] = inputs.DEFERRED_TAX_EXPENSE
    line["tax.current"] = line["tax"] - line["tax.deferred"]
    line["profit"] = line["profit_before_tax"] - line["tax"]
    line["owners_profit"] = line["profit"] - line["nci_profit"]
    return line


def _segments(book: Accounts) -> Accounts:
    """From the segments' results down to operating profit; head office is what is left."""
    ebita = book["segment.total.ebita"]
    acquired = -book["intangible.customers.amortisation"]
    head_office = ebita - acquired - book["restructuring_cost"] - book["operating_profit"]
    spent = book["ppe.total.additions"] + book["intangible.total.additions"]
    return {
        "head_office": head_office,
        "acquired_amortisation": acquired,
        "adjusted_ebita": ebita - head_office,
        "capex": spent,
        "capex.unallocated": spent - book["segment.total.capex"],
    }


def _depreciation(book: Accounts) -> Accounts:
    line = {
        "depreciation.ppe": -book["ppe.total.depreciation"],
        "depreciation.rou": -book["rou.total.depreciation"],
        "amortisation": -book["intangible.total.amortisation"],
    }
    line["depreciation"] = total(line.values())
    functions = inputs.DEPRECIATION_BY_FUNCTION
    line |= {f"depreciation.{name}": value for name, value in functions.items()}
    line["depreciation.cost_of_sales"] = line["depreciation"] - total(functions.values())
    line["ebitda"] = book["operating_profit"] + line["depreciation"]
    return line


def _personnel(_: Accounts) -> Accounts:
    line = {f"personnel.{name}": value for name, value in inputs.PERSONNEL.items()}
    line["personnel.pensions"] = inputs.PENSION["service"]
    line["personnel.share_based"] = inputs.SHARE_BASED
    line["personnel"] = total(line.values())
    line |= {f"staff.{name}": value for name, value in inputs.HEADCOUNT.items()}
    line["staff"] = total(inputs.HEADCOUNT.values())
    return line


def _other_income(book: Accounts) -> Accounts:
    """Other comprehensive income: translation, hedges and pensions, the last two net of tax."""
    translation = total(
        [
            book["goodwill.total.fx"],
            book["intangible.total.fx"],
            book["ppe.total.fx"],
            inputs.CASH_FX,
        ]
    )
    hedge_tax = -inputs.HEDGE_MOVEMENT.times(*inputs.TAX_RATE)
    pension_gain = -inputs.PENSION["remeasured"]
    pension_tax = -pension_gain.times(*inputs.TAX_RATE)
    line = {
        "oci.translation": translation,
        "oci.hedges": inputs.HEDGE_MOVEMENT,
        "oci.hedges_tax": hedge_tax,
        "oci.pensions": pension_gain,
        "oci.pensions_tax": pension_tax,
    }
    line["oci.recycled"] = total([translation, inputs.HEDGE_MOVEMENT, hedge_tax])
    line["oci.kept"] = pension_gain + pension_tax
    line["oci"] = line["oci.recycled"] + line["oci.kept"]
    line["comprehensive"] = book["profit"] + line["oci"]
    line["owners_comprehensive"] = line["comprehensive"] - book["nci_profit"]
    return line


def _working_capital(book: Accounts) -> Accounts:
    line = {f"inventory.{name}": value for name, value in inputs.INVENTORIES.items()}
    line["inventories"] = total(inputs.INVENTORIES.values())
    line |= {f"receivable.{name}": value for name, value in inputs.RECEIVABLES.items()}
    line |= {f"allowance.{name}": value for name, value in inputs.ALLOWANCE.items()}
    line["receivable"] = total(inputs.RECEIVABLES.values())
    line["allowance"] = total(inputs.ALLOWANCE.values())
    line["receivables"] = line["receivable"] + line["allowance"]
    line |= inputs.WORKING
    line |= _carried("provision", inputs.PROVISIONS)
    for name, current in inputs.PROVISIONS_CURRENT.items():
        line[f"provision.{name}.current"] = current
        line[f"provision.{name}.later"] = line[f"provision.{name}.close"] - current
    line["provisions.current"] = total(inputs.PROVISIONS_CURRENT.values())
    line["provisions.later"] = line["provision.total.close"] - line["provisions.current"]
    line["pensions"] = rolled(inputs.PENSION_OPENING, *inputs.PENSION.values())
    line |= {f"pension.{name}": value for name, value in inputs.PENSION.items()}
    line["pension.open"] = line["pensions"].prior()
    line["tax_payable"] = rolled(inputs.TAX_PAYABLE_OPENING, book["tax.current"], -inputs.TAX_PAID)
    return line


def _parts(book: Accounts) -> Accounts:
    """What the notes tell of balances that the statements show whole."""
    swap = inputs.INTEREST_SWAP
    named = inputs.STAFF_PAYABLE + inputs.TAXES_PAYABLE
    line = {
        "other_receivables.tax": inputs.TAX_RECEIVABLE,
        "other_receivables.rest": book["other_receivables"] - inputs.TAX_RECEIVABLE,
        "other_payables.staff": inputs.STAFF_PAYABLE,
        "other_payables.taxes": inputs.TAXES_PAYABLE,
        "other_payables.rest": book["other_payables"] - named,
        "derivatives.swap": swap,
        "derivatives.forwards": book["derivatives"] - swap,
        "payables": book["trade_payables"] + book["other_payables"],
        "inventory.gross": book["inventories"] - book["inventory.write_down"],
    }
    for name, added in (
        ("inventory.write_down", inputs.WRITE_DOWN_ADDED),
        ("allowance", inputs.ALLOWANCE_ADDED),
    ):
        line[f"{name}.open"] = book[name].prior()
        line[f"{name}.added"] = -added
        line[f"{name}.used"] = book[name].change() + added
    line |= {
        name.replace("allowance", "allowance_abs"): -book[name]
        for name in ("allowance", *(f"allowance.{age}" for age in inputs.ALLOWANCE))
    }
    for name, due in inputs.LEASE_DUE.items():
        line[f"lease.due.{name}"] = due
    line["lease.due"] = total(inputs.LEASE_DUE.values())
    line["lease.discount"] = book["lease"] - line["lease.due"]
    line["facility.undrawn"] = Series(
        {year: inputs.FACILITY_LIMIT - used for year, used in book["debt.facility"].items()}
    )
    return line


def _deferred_tax(book: Accounts) -> Accounts:
    acquired = Series.flow(0, inputs.ACQUIRED["deferred_tax"], 0)
    in_equity = book["oci.hedges_tax"] + book["oci.pensions_tax"]
    opening = inputs.DEFERRED_TAX_ASSET_OPENING - inputs.DEFERRED_TAX_LIABILITY[OPENING]
    net = rolled(opening, -inputs.DEFERRED_TAX_EXPENSE, in_equity, acquired)
    return {
        "dt.open": net.prior(),
        "dt.income": -inputs.DEFERRED_TAX_EXPENSE,
        "dt.equity": in_equity,
        "dt.acquired": acquired,
        "dt.close": net,
        "dt.liability": inputs.DEFERRED_TAX_LIABILITY,
        "dt.asset": net + inputs.DEFERRED_TAX_LIABILITY,
    }


def _debt(book: Accounts) -> Accounts:
    interest = book["interest_leases"]
    leases = rolled(
        inputs.LEASE_OPENING, book["rou.total.additions"], interest, -inputs.LEASE_PAYMENTS
    )
    facility = rolled(inputs.FACILITY_OPENING, inputs.FACILITY_DRAWN, -inputs.FACILITY_REPAID)
    costs = rolled(inputs.LOAN_COSTS_OPENING, book["amortised_costs"])
    debt = total([inputs.TERM_LOAN, inputs.NOTES, facility, costs])
    return {
        "debt.term": inputs.TERM_LOAN,
        "debt.notes": inputs.NOTES,
        "debt.facility": facility,
        "debt.costs": costs,
        "debt": debt,
        "debt.current": inputs.CURRENT_BORROWINGS,
        "debt.later": debt - inputs.CURRENT_BORROWINGS,
        "lease": leases,
        "lease.open": leases.prior(),
        "lease.paid": -inputs.LEASE_PAYMENTS,
        "lease.principal": inputs.LEASE_PAYMENTS - interest,
        "lease.current": inputs.LEASE_CURRENT,
        "lease.later": leases - inputs.LEASE_CURRENT,
        "derivatives": rolled(inputs.DERIVATIVES_OPENING, inputs.HEDGE_MOVEMENT),
    }


def _spread(prefix: str, group: Group) -> Accounts:
    """Entries `prefix.part.measure`, and `prefix.total.measure` for each measure."""
    book = {f"{prefix}.{part}.{m}": line for part, of in group.items() for m, line in of.items()}
    for measure in next(iter(group.values())):
        book[f"{prefix}.total.{measure}"] = total(of[measure] for of in group.values())
    return book


def _carried(prefix: str, group: Mapping[str, tuple[int, Mapping[str, Series]]]) -> Accounts:
    """As `_spread`, with the balances `open` and `close` that the movements lead from and to."""
    parts: dict[str, dict[str, Series]] = {}
    for part, (opening, movements) in group.items():
        close = rolled(opening, *movements.values())
        parts[part] = {**movements, "open": close.prior(), "close": close}
    return _spread(prefix, parts)


def _share(part: Series, whole: Series) -> Series:
    """Tenths of a percent."""
    return Series({year: rounded(1000 * part[year], whole[year]) for year in part})


GROUPS: dict[str, tuple[str, ...]] = {
    "segment": tuple(inputs.SEGMENTS),
    "goodwill": tuple(inputs.SEGMENTS),
    "ppe": tuple(inputs.PLANT),
    "intangible": tuple(inputs.INTANGIBLES),
    "rou": tuple(inputs.RIGHT_OF_USE),
    "provision": tuple(inputs.PROVISIONS),
    "soce": ("capital", "treasury", "reserves", "retained", "owners", "nci"),
}

STEPS: tuple[Callable[[Accounts], Accounts], ...] = (
    _revenue,
    _plant,
    _income,
    _segments,
    _depreciation,
    _personnel,
    _other_income,
    _working_capital,
    _deferred_tax,
    _debt,
    _parts,
    statements.cash_flows,
    statements.cash,
    statements.balance_sheet,
    statements.net_debt,
    statements.equity,
    statements.changes_in_equity,
    statements.per_share,
)
