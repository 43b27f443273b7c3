"""The statements which draw on all else: equity, the balance sheet, cash flows, per share."""

from aiconvokit.demo.render import inputs
from aiconvokit.demo.render.series import OPENING, YEARS, Series, rolled, rounded, total

Accounts = dict[str, Series]

ASSETS_LATER = (
    "goodwill.total.close",
    "intangible.total.close",
    "ppe.total.close",
    "rou.total.close",
    "dt.asset",
)
ASSETS_CURRENT = (
    "inventories",
    "receivables",
    "contract_assets",
    "other_receivables",
    "derivatives",
    "cash",
)
LIABILITIES_LATER = ("debt.later", "lease.later", "pensions", "provisions.later", "dt.liability")
LIABILITIES_CURRENT = (
    "debt.current",
    "lease.current",
    "trade_payables",
    "contract_liabilities",
    "tax_payable",
    "provisions.current",
    "other_payables",
)


def cash_flows(book: Accounts) -> Accounts:
    """Cash from operations by the indirect method, and what the acquisition cost."""
    bought = {name: Series.flow(0, value, 0) for name, value in inputs.ACQUIRED.items()}
    price = total([*bought.values(), book["goodwill.total.acquired"]])
    line = {
        "cf.provisions": book["provision.total.close"].change(),
        "cf.pensions": inputs.PENSION["service"] + inputs.PENSION["paid"],
        "cf.share_based": inputs.SHARE_BASED,
        "cf.disposal_gain": -inputs.DISPOSAL_GAIN,
        "cf.inventories": bought["inventories"] - book["inventories"].change(),
        "cf.receivables": bought["receivables"]
        - total(book[n].change() for n in ("receivables", "contract_assets", "other_receivables")),
        "cf.payables": total(
            book[n].change() for n in ("trade_payables", "contract_liabilities", "other_payables")
        )
        + bought["trade_payables"]
        + bought["other_payables"],
    }
    adjustments = total([book["tax"], book["net_finance_costs"], book["depreciation"]])
    line["cf.generated"] = total([book["profit"], adjustments, *line.values()])
    paid = total([book["interest_borrowings"], book["interest_leases"], book["exchange_losses"]])
    line["cf.interest"] = -paid
    line["cf.tax"] = -inputs.TAX_PAID
    line["cf.operating"] = total([line["cf.generated"], line["cf.interest"], line["cf.tax"]])
    line["acquired.price"] = price
    line |= {f"acquired.{name}": value for name, value in bought.items()}
    line["acquired.net_assets"] = total(bought.values())
    line["cf.acquisition"] = bought["cash"] - price
    return line


def _repaid() -> Series:
    """Repayments of the revolving facility and of the term loan."""
    return inputs.FACILITY_REPAID - inputs.TERM_LOAN.change()


def cash(book: Accounts) -> Accounts:
    """Investing and financing, and the cash that is left."""
    line = {
        "cf.ppe": -book["ppe.total.additions"],
        "cf.intangibles": -book["intangible.total.additions"],
        "cf.proceeds": book["ppe.disposal.proceeds"],
        "cf.acquisition": book["cf.acquisition"],
        "cf.interest_received": book["finance_income"],
    }
    line["cf.investing"] = total(line.values())
    dividends = Series(
        {y: rounded(inputs.DIVIDEND_SHARES[y] * inputs.DIVIDEND_PAID_CENTS[y], 100) for y in YEARS}
    )
    financing = {
        "cf.drawn": inputs.FACILITY_DRAWN,
        "cf.repaid": -_repaid(),
        "cf.leases": -book["lease.principal"],
        "cf.treasury": -inputs.TREASURY_BOUGHT,
        "cf.dividends": -dividends,
        "cf.dividends_nci": -inputs.NCI_DIVIDENDS,
    }
    line |= financing
    line["cf.financing"] = total(financing.values())
    line["cf.net"] = total([book["cf.operating"], line["cf.investing"], line["cf.financing"]])
    line["cf.fx"] = inputs.CASH_FX
    line["cash"] = rolled(inputs.CASH_OPENING, line["cf.net"], inputs.CASH_FX)
    line["cash.open"] = line["cash"].prior()
    line["free_cash_flow"] = total(
        [book["cf.operating"], line["cf.ppe"], line["cf.intangibles"], line["cf.leases"]]
    )
    return line


def balance_sheet(book: Accounts) -> Accounts:
    """The sums of either side but for equity, and net debt (leases included)."""
    line = {
        "assets.later": total(book[name] for name in ASSETS_LATER),
        "assets.current": total(book[name] for name in ASSETS_CURRENT),
        "liabilities.later": total(book[name] for name in LIABILITIES_LATER),
        "liabilities.current": total(book[name] for name in LIABILITIES_CURRENT),
    }
    line["assets"] = line["assets.later"] + line["assets.current"]
    line["liabilities"] = line["liabilities.later"] + line["liabilities.current"]
    line["net_debt"] = book["debt"] + book["lease"] - book["cash"]
    line["leverage"] = Series(  # tenths
        {y: rounded(10 * line["net_debt"][y], book["ebitda"][y]) for y in YEARS}
    )
    return line


def net_debt(book: Accounts) -> Accounts:
    """What moved net debt; the movements are signed as they change it."""
    return {
        "nd.open": book["net_debt"].prior(),
        "nd.investing": -total(
            [book[f"cf.{n}"] for n in ("proceeds", "acquisition", "interest_received")]
        ),
        "nd.shareholders": -total(
            [book[f"cf.{n}"] for n in ("dividends", "dividends_nci", "treasury")]
        ),
        "nd.leases": book["lease"].change(),
        "nd.other": book["amortised_costs"] - book["cf.fx"],
    }


def equity(book: Accounts) -> Accounts:
    """Retained earnings of 2022 are what balanced that year; from there on they are carried."""
    flat = Series.flow(0, 0, 0)
    hedges_opening = inputs.DERIVATIVES_OPENING - rounded(
        inputs.DERIVATIVES_OPENING * inputs.TAX_RATE[0], inputs.TAX_RATE[1]
    )
    capital = rounded(inputs.SHARES_ISSUED * inputs.NOMINAL_CENTS, 100)
    parts = {
        "equity.capital": rolled(capital, flat),
        "equity.premium": inputs.SHARE_PREMIUM,
        "equity.treasury": rolled(
            inputs.TREASURY_OPENING, -inputs.TREASURY_BOUGHT, inputs.TREASURY_DELIVERED
        ),
        "equity.hedging": rolled(hedges_opening, book["oci.hedges"], book["oci.hedges_tax"]),
        "equity.translation": rolled(inputs.TRANSLATION_OPENING, book["oci.translation"]),
    }
    nci = rolled(inputs.NCI_OPENING, book["nci_profit"], -inputs.NCI_DIVIDENDS)
    net_assets = book["assets"][OPENING] - book["liabilities"][OPENING]
    retained_opening = net_assets - nci[OPENING] - sum(p[OPENING] for p in parts.values())
    parts["equity.retained"] = rolled(
        retained_opening,
        book["owners_profit"],
        book["oci.kept"],
        book["cf.dividends"],
        inputs.SHARE_BASED,
        -inputs.TREASURY_DELIVERED,
    )
    owners = total(parts.values())
    line = {**parts, "equity.owners": owners, "equity.nci": nci, "equity": owners + nci}
    line["equity_and_liabilities"] = line["equity"] + book["liabilities"]
    line["equity.delivered"] = inputs.TREASURY_DELIVERED
    line["oci.hedges_net"] = book["oci.hedges"] + book["oci.hedges_tax"]
    return line


def changes_in_equity(book: Accounts) -> Accounts:
    """Entries `soce.column.movement`; the columns group the reserves as the statement does."""
    none = Series.flow(0, 0, 0)
    movements = {
        "capital": {},
        "treasury": {"bought": -inputs.TREASURY_BOUGHT, "delivered": inputs.TREASURY_DELIVERED},
        "reserves": {"oci": book["oci.recycled"]},
        "retained": {
            "profit": book["owners_profit"],
            "oci": book["oci.kept"],
            "dividends": book["cf.dividends"],
            "share_based": inputs.SHARE_BASED,
            "delivered": -inputs.TREASURY_DELIVERED,
        },
        "nci": {"profit": book["nci_profit"], "dividends": -inputs.NCI_DIVIDENDS},
    }
    closing = {
        "capital": book["equity.capital"] + book["equity.premium"],
        "treasury": book["equity.treasury"],
        "reserves": book["equity.hedging"] + book["equity.translation"],
        "retained": book["equity.retained"],
        "nci": book["equity.nci"],
    }
    line: Accounts = {}
    for measure in ("open", "profit", "oci", "dividends", "bought", "share_based", "delivered"):
        for column, close in closing.items():
            moved = movements[column].get(measure, none)
            line[f"soce.{column}.{measure}"] = close.prior() if measure == "open" else moved
    line |= {f"soce.{column}.close": close for column, close in closing.items()}
    for measure in {name.rpartition(".")[2] for name in line}:
        owners = total(line[f"soce.{c}.{measure}"] for c in closing if c != "nci")
        line[f"soce.owners.{measure}"] = owners
        line[f"soce.total.{measure}"] = owners + line[f"soce.nci.{measure}"]
    return line


def per_share(book: Accounts) -> Accounts:
    """Shares in thousands, earnings and dividends per share in euro cents."""
    weighted = inputs.WEIGHTED_SHARES
    diluted = weighted + inputs.DILUTIVE_SHARES
    profit = book["owners_profit"]
    outstanding = Series({y: inputs.SHARES_ISSUED - n for y, n in inputs.TREASURY_SHARES.items()})
    proposed = inputs.DIVIDEND_PROPOSED_CENTS
    return {
        "shares.weighted": weighted,
        "shares.dilutive": inputs.DILUTIVE_SHARES,
        "shares.diluted": diluted,
        "shares.treasury": inputs.TREASURY_SHARES,
        "shares.outstanding": outstanding,
        "eps.basic": Series({y: rounded(100 * profit[y], weighted[y]) for y in YEARS}),
        "eps.diluted": Series({y: rounded(100 * profit[y], diluted[y]) for y in YEARS}),
        "dps.paid": inputs.DIVIDEND_PAID_CENTS,
        "dps.proposed": proposed,
        "dividend.proposed": Series({y: rounded(outstanding[y] * proposed[y], 100) for y in YEARS}),
    }
