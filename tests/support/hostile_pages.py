"""Pages as they come out of contracts and reports, with honest ways to say what they say."""

# ruff: noqa: RUF001, ISC004  (signs of other scripts look like Latin ones; long sentences are cut)

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """`text` is the page; `facts` are sentences on it, each with honest rewordings.

    `rows` are (claim, honest) pairs: rows of its table and sentences that say what is in them.
    """

    name: str
    language: str
    text: str
    facts: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[str, ...]]


def _page(
    name: str,
    language: str,
    facts: dict[str, tuple[str, ...]],
    *,
    above: str = "",
    rows: dict[str, tuple[str, ...]] | None = None,
) -> Page:
    table = rows or {}
    joint = "" if language == "chinese" else " "
    text = "\n".join(part for part in (above, *table, joint.join(facts)) if part)
    return Page(name, language, text, facts, table)


PAGES = [
    _page(
        "supply-agreement.pdf",
        "english",
        {
            "Either party may terminate this Agreement upon ninety (90) days' written notice.": (
                "Either party may terminate the agreement with 90 days' written notice.",
                "The agreement may be terminated by either party upon ninety days' notice.",
            ),
            "The Supplier shall not assign this Agreement without the prior written consent of "
            "the Buyer.": (
                "The Supplier may not assign the agreement without the Buyer's consent.",
                "Without the prior written consent of the Buyer, the Supplier shall not assign "
                "this Agreement.",
            ),
            "The Buyer shall pay each invoice within 30 days of receipt.": (
                "Each invoice shall be paid by the Buyer within thirty (30) days of receipt.",
                "Invoices must be paid within 30 days of receipt.",
            ),
            "Late payments bear interest at 8 percent per annum.": (
                "Interest on late payments is 8% per annum.",
            ),
            "The Supplier shall deliver the Goods to the Kaunas warehouse within 14 days after "
            "the order.": ("The Goods must be delivered within 14 days after the order.",),
            "The Buyer shall notify the Supplier of defects within five (5) business days.": (
                "The Buyer must notify the Supplier of defects within 5 business days.",
                "The Supplier shall be notified of defects by the Buyer within 5 business days.",
            ),
            "The minimum order quantity is 250 units per quarter.": (
                "The minimum order quantity per quarter is 250 units.",
            ),
            "This Agreement is governed by the laws of the State of Delaware.": (
                "The laws of the State of Delaware govern this Agreement.",
                "The agreement is governed by the laws of Delaware.",
            ),
            "The initial term begins on March 1, 2024 and ends on February 28, 2027.": (
                "The initial term begins on 1 March 2024.",
                "The initial term starts on 2024-03-01 and ends on 28 February 2027.",
            ),
        },
        above="SUPPLY AGREEMENT",
    ),
    _page(
        "lease.pdf",
        "english",
        {
            "The tenant shall pay the landlord a monthly rent of EUR 2,450.00 in advance.": (
                "The tenant pays the landlord a monthly rent of \u20ac2,450.",
                "The monthly rent is EUR 2,450 in advance.",
            ),
            "The landlord shall repair the roof before the first day of October.": (
                "The roof shall be repaired by the landlord before the first day of October.",
            ),
            "The tenant may keep up to two bicycles in the cellar.": (
                "Up to two bicycles may be kept in the cellar.",
            ),
            "The deposit amounts to three monthly rents and is repaid after the end of the "
            "lease.": ("The deposit is three monthly rents.",),
            "Pets are not permitted in the common rooms.": (
                "Pets are not permitted in common rooms.",
            ),
            "The rent may increase by at most 2.5% per year.": (
                "The rent may increase by at most 2.5 percent per year.",
            ),
            "The lease ends on 31 December 2028 unless it is renewed.": (
                "Unless it is renewed, the lease ends on December 31, 2028.",
            ),
        },
        above="LEASE\nThe parties agree as follows.",
    ),
    _page(
        "services.pdf",
        "english",
        {
            "Harrowmere shall indemnify Kestrel against claims of third parties.": (
                "Kestrel shall be indemnified by Harrowmere against claims of third parties.",
            ),
            "Kestrel shall maintain insurance of at least $5 million per occurrence.": (
                "Kestrel must maintain insurance of at least $5,000,000 per occurrence.",
                "Kestrel shall maintain at least US$ 5 million of insurance per occurrence.",
            ),
            "The liability of Kestrel is limited to the fees paid in the preceding twelve "
            "months.": (
                "Kestrel's liability is limited to the fees paid in the preceding 12 months.",
            ),
            "Confidential information may be disclosed to auditors.": (
                "Auditors may receive confidential information.",
                "Confidential information may be disclosed to the auditors.",
            ),
            "Harrowmere may suspend the services if an invoice is more than 45 days overdue.": (
                "If an invoice is more than 45 days overdue, Harrowmere may suspend the services.",
            ),
            "Kestrel will provide support from 8:00 to 18:00 on working days.": (),
            "The monthly service fee is approximately 12,500 euros.": (
                "The monthly service fee is approximately EUR 12,500.",
            ),
            "Availability of the platform shall be at least 99.5% in each month.": (
                "The platform's availability shall be at least 99.5% in each month.",
            ),
            "Neither party is liable for indirect damages.": (
                "Neither party is liable for indirect damages under the agreement.",
            ),
        },
    ),
    _page(
        "license.pdf",
        "english",
        {
            "The Licensor grants the Licensee a non-exclusive license to the Software.": (
                "The Licensee is granted a non-exclusive license to the Software by the Licensor.",
            ),
            "The Licensee may install the Software on up to 40 servers.": (
                "The Software may be installed by the Licensee on up to 40 servers.",
            ),
            "The Licensor may audit the Licensee once per calendar year.": (),
            "The Licensee shall pay an annual fee of GBP 18,000.": (
                "The annual fee is \u00a318,000.",
                "An annual fee of GBP 18,000 shall be paid by the Licensee.",
            ),
            "Source code is deposited with Northgate Escrow.": (
                "The source code is deposited with Northgate Escrow.",
            ),
            "The warranty period is six (6) months from delivery.": (
                "The warranty period is 6 months from delivery.",
            ),
            "The Licensor does not warrant that the Software is free of errors.": (
                "The Licensor doesn't warrant that the Software is free of errors.",
            ),
        },
        above="SOFTWARE LICENSE",
    ),
    _page(
        "annual-report-2025.pdf",
        "english",
        {
            "Revenue rose by 10.0 % in 2025, driven by pumps sold in the United States and "
            "Canada.": (
                "Revenue increased by 10% in 2025.",
                "In 2025, revenue grew by 10.0%, driven by pumps sold in the United States and "
                "Canada.",
            ),
            "Headcount fell from 12,910 in 2024 to 12,340 in 2025.": (
                "In 2025 headcount decreased to 12,340.",
                "Headcount declined from 12,910 in 2024 to 12,340 in 2025.",
            ),
            "The Board proposed an ordinary dividend of EUR 1.20 per share.": (
                "The dividend proposed is \u20ac1.20 per share.",
                "An ordinary dividend of EUR 1.20 per share was proposed by the Board.",
            ),
            "The Group did not repurchase shares in 2025.": (
                "No shares were repurchased in 2025.",
            ),
            "Research and development cost \u20ac11.2 million, above the previous year.": (
                "Research and development cost EUR 11,200,000.",
                "Research and development cost 11.2m euros, above the previous year.",
            ),
            "The operating margin improved by 1.4 percentage points to 9.8%.": (
                "The operating margin improved by 1.4 percentage points.",
                "The operating margin improved to 9.8 percent.",
            ),
            "Management expects revenue growth of about 6% in 2026.": (
                "Management expects revenue to grow by about 6 percent in 2026.",
            ),
            "Currency effects may reduce earnings in the second half of 2026.": (
                "Earnings may be reduced by currency effects in the second half of 2026.",
            ),
            "Net debt decreased to $3.4 billion at year end.": (
                "At year end, net debt was $3.4bn.",
            ),
            "The plant in Kaunas produces 48,000 valves and the plant in Gdynia 36,500 seals.": (),
        },
        above="Management report",
    ),
    _page(
        "income-statement.pdf",
        "english",
        {"The notes are part of these statements.": ()},
        above="Consolidated income statement\nEUR million Note 2025 2024",
        rows={
            "Revenue 3 4,812.4 4,375.1": (
                "Revenue was EUR 4,812.4 million in 2025.",
                "In 2024, revenue was 4,375.1 million euros.",
            ),
            "Cost of sales 4 3,120.8 2,904.6": (
                "Cost of sales was \u20ac3,120.8 million in 2025.",
            ),
            "Research and development 611.3 540.2": (
                "Research and development was EUR 611.3 million in 2025.",
            ),
            "Operating profit 468.9 401.7": ("Operating profit in 2024 was EUR 401.7 million.",),
            "Net profit 412.0 380.2": (
                "Net profit was EUR 412.0 million in 2025 and EUR 380.2 million in 2024.",
                "Net profit was EUR 412,000 thousand in 2025.",
            ),
            "Earnings per share (EUR) 2.14 1.98": ("Earnings per share were EUR 2.14 in 2025.",),
        },
    ),
    _page(
        "balance-sheet.pdf",
        "english",
        {"See the accompanying notes to these statements.": ()},
        above="CONSOLIDATED BALANCE SHEETS\n(in thousands of dollars)\nDecember 31, 2025 2024",
        rows={
            "Cash and cash equivalents $ 30,986 $ 28,112": (
                "Cash and cash equivalents were $30,986 thousand in 2025.",
                "In 2024 cash and cash equivalents were $28.112 million.",
            ),
            "Inventories 17,204 19,877": ("Inventories were $17,204 thousand in 2025.",),
            "Total assets 241,390 236,054": ("Total assets were 236,054 in 2024.",),
            "Accumulated deficit (12,480) (15,933)": (
                "The accumulated deficit was $12,480 thousand in 2025.",
            ),
            "Other comprehensive income (1,306) 2,218": (
                "Other comprehensive income was $(1,306) thousand in 2025.",
                "Other comprehensive income in 2024 was $2,218 thousand.",
            ),
        },
    ),
    _page(
        "travel-policy.docx",
        "english",
        {},
        above="Travel policy\n\nRules for all employees:\n"
        "- Flights above six hours may be booked in business class.\n"
        "- Hotel rooms cost at most 160 euros per night.\n"
        "- Receipts must be submitted within 21 days after the journey.\n"
        "- Private cars are reimbursed at EUR 0.30 per kilometre.\n"
        "- Taxis are not reimbursed without a receipt.",
        rows={},
    ),
    _page(
        "liefervertrag.pdf",
        "german",
        {
            "Der Lieferant liefert die Ware innerhalb von 14 Tagen nach der Bestellung.": (
                "Innerhalb von vierzehn (14) Tagen nach der Bestellung liefert der Lieferant die "
                "Ware.",
            ),
            "Der Käufer zahlt jede Rechnung binnen 30 Tagen.": (
                "Jede Rechnung zahlt der Käufer binnen dreißig Tagen.",
            ),
            "Die Gewährleistung beträgt 24 Monate.": ("24 Monate beträgt die Gewährleistung.",),
            "Der Lieferant darf Unteraufträge nicht ohne Zustimmung des Käufers vergeben.": (
                "Ohne Zustimmung des Käufers darf der Lieferant Unteraufträge nicht vergeben.",
            ),
            "Der Jahresumsatz stieg im Jahr 2025 um 4,5 % auf 12,8 Mio. Euro.": (
                "Im Jahr 2025 stieg der Jahresumsatz auf 12.800.000 Euro.",
                "Der Jahresumsatz stieg im Jahr 2025 um 4,5 Prozent.",
            ),
            "Der Vertrag beginnt am 1. April 2024 und endet am 31. März 2027.": (
                "Der Vertrag beginnt am 01.04.2024.",
            ),
            "Der Käufer kann den Vertrag mit einer Frist von drei Monaten kündigen.": (
                "Mit einer Frist von 3 Monaten kann der Käufer den Vertrag kündigen.",
            ),
            "Die Haftung des Lieferanten ist auf 500.000 Euro begrenzt.": (
                "Auf 500 000 Euro ist die Haftung des Lieferanten begrenzt.",
            ),
        },
        above="Liefervertrag",
    ),
    _page(
        "合同.pdf",
        "chinese",
        {
            "甲方应在收到发票后三十天内向乙方支付货款。": ("甲方应在收到发票后30天内支付货款。",),
            "本合同有效期为三年，自2024年3月1日起生效。": ("本合同自2024年3月1日起生效。",),
            "乙方不得将本合同转让给第三方。": ("乙方不得将合同转让给第三方。",),
            "2025年公司营业收入为4.2亿元，比上年增长12%。": (
                "2025年公司营业收入为420百万元。",
                "2025年营业收入比上年增长12%。",
            ),
            "乙方应支付违约金50万元。": ("乙方应支付违约金500,000元。",),
            "保修期为二十四个月。": ("保修期为24个月。",),
        },
    ),
    _page(
        "عقد.pdf",
        "arabic",
        {
            "يجب على المشتري دفع الفاتورة خلال ٣٠ يوما من تاريخ الاستلام.": (
                "يجب على المشتري دفع الفاتورة خلال 30 يوما من تاريخ الاستلام.",
            ),
            "لا يجوز للمورد نقل هذا العقد إلى طرف ثالث.": (),
            "ارتفع صافي الربح في عام 2025 إلى 84 مليون دولار.": (
                "في عام ٢٠٢٥ ارتفع صافي الربح إلى ٨٤ مليون دولار.",
            ),
            "يبدأ العقد في 1 مارس 2024 وينتهي في 28 فبراير 2027.": ("يبدأ العقد في 1 مارس 2024.",),
            "مدة الضمان 24 شهرا.": ("مدة الضمان ٢٤ شهرا.",),
        },
    ),
    _page(
        "geschaeftsbericht.pdf",
        "german",
        {"Der Vorstand schlägt eine Dividende von 0,80 Euro je Aktie vor.": ()},
        above="Gewinn- und Verlustrechnung\nMio. EUR 2025 2024",
        rows={
            "Umsatzerlöse 1.204,5 1.118,9": ("Die Umsatzerlöse betrugen 2025 1.204,5 Mio. EUR.",),
            "Materialaufwand 702,3 688,0": (),
            "Jahresüberschuss 88,4 71,6": (),
        },
    ),
]

INVENTED = """The Supplier guarantees a market share of 12 percent in Norway.
The Buyer must return all packaging to the Supplier free of charge.
Kestrel acquired Northgate Escrow for $40 million in 2025.
The tenant is allowed to sublet the flat to students.
A penalty of EUR 10,000 is due for each day of delay.
The Board resolved to move the head office to Zurich.
Revenue in Canada doubled in 2025.
The Licensee receives free training for all employees.
Dividends were suspended because of the strike.
Harrowmere employs 300 engineers in Kaunas.
The warranty covers damage by lightning.
The lease includes a parking space and a garden.
Employees receive a travel allowance of 50 euros per day.
The auditors found material weaknesses in internal controls.
Der Lieferant trägt die Kosten der Verpackung.
Der Käufer erhält 3 % Skonto bei Zahlung innerhalb von 10 Tagen.
Die Dividende stieg auf 1,20 Euro je Aktie.
乙方应在七天内退还保证金。
公司在上海新建了一座工厂。
يحق للمورد زيادة الأسعار كل ستة أشهر.
The initial term is renewed automatically for two years.
This Agreement is subject to arbitration in London.
Net debt was fully repaid in 2025.
The roof was repaired in October 2024 by the tenant.""".splitlines()
"""Plausible, and on no page."""
