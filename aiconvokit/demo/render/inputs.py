"""What was invented for the fictional group: all amounts in thousands of euros unless named.

Only inputs stand here. Every total, balance, ratio and per-share figure of the report is computed
from them in `figures`, so that the statements and the notes agree with one another.
"""

from aiconvokit.demo.render.series import Series

flow = Series.flow
stock = Series.stock

TAX_RATE = (258, 1000)
NOMINAL_CENTS = 50
SHARES_ISSUED = 24_600  # thousands

SEGMENTS: dict[str, dict[str, Series]] = {
    "residential": {
        "revenue": flow(261480, 228915, 243760),
        "ebita": flow(23140, 8925, 19480),
        "capex": flow(14870, 18925, 22140),
        "goodwill_fx": flow(-310, 145, -120),
        "goodwill_acquired": flow(0, 0, 0),
    },
    "commercial": {
        "revenue": flow(142635, 156270, 171905),
        "ebita": flow(15870, 18640, 21350),
        "capex": flow(9215, 10480, 12365),
        "goodwill_fx": flow(-220, 180, -95),
        "goodwill_acquired": flow(0, 0, 0),
    },
    "district": {
        "revenue": flow(118940, 127385, 139220),
        "ebita": flow(13205, 14310, 16940),
        "capex": flow(5640, 6115, 7290),
        "goodwill_fx": flow(60, -45, 85),
        "goodwill_acquired": flow(0, 11900, 0),
    },
    "service": {
        "revenue": flow(61275, 68540, 77465),
        "ebita": flow(9460, 10785, 12610),
        "capex": flow(1830, 1940, 2215),
        "goodwill_fx": flow(0, 0, 0),
        "goodwill_acquired": flow(0, 0, 0),
    },
}
GOODWILL_OPENING = {
    "residential": 38200,
    "commercial": 27650,
    "district": 21300,
    "service": 9250,
}
REGIONS = {
    "netherlands": flow(172480, 161925, 170340),
    "germany": flow(188615, 171340, 186905),
    "nordics": flow(92340, 104870, 118265),
    "britain": flow(71205, 74390, 83120),
    "rest": flow(59690, 68585, 73720),
}
REVENUE_OVER_TIME = {
    "projects": flow(41870, 45320, 49265),
    "maintenance": flow(52480, 58915, 66830),
}

INCOME = {
    "cost_of_sales": flow(401960, 408345, 434080),
    "research": flow(24310, 26085, 27940),
    "selling": flow(71620, 70215, 74885),
    "administration": flow(38475, 39330, 41210),
    "other_operating": flow(1240, -6815, 1985),
    "restructuring_cost": flow(0, 8900, 0),
    "finance_income": flow(410, 965, 1120),
    "interest_borrowings": flow(5180, 6845, 6020),
    "amortised_costs": flow(220, 220, 220),
    "interest_leases": flow(1090, 1240, 1385),
    "interest_pensions": flow(310, 345, 330),
    "exchange_losses": flow(640, 415, 505),
    "nci_profit": flow(1205, 1340, 1515),
}
TAX_EFFECTS = {
    "rates": flow(-1460, -880, -1730),
    "non_deductible": flow(540, 610, 585),
    "innovation": flow(-1320, -905, -1580),
    "prior_years": flow(115, -240, 165),
    "unrecognised": flow(0, 385, 0),
}
DEFERRED_TAX_EXPENSE = flow(-420, -1310, 640)
DEFERRED_TAX_LIABILITY = stock(9850, 9420, 11310, 10960)
DEFERRED_TAX_ASSET_OPENING = 7240
TAX_PAID = flow(9640, 7210, 8320)
TAX_PAYABLE_OPENING = 3450

# Carrying amounts: what stood at the end of 2022, then movements with their signs.
PLANT: dict[str, tuple[int, dict[str, Series]]] = {
    "land": (
        52300,
        {
            "additions": flow(2140, 3310, 6480),
            "acquired": flow(0, 900, 0),
            "transfers": flow(1250, 2875, 9640),
            "disposals": flow(0, 0, -1150),
            "depreciation": flow(-2860, -3020, -3310),
            "fx": flow(-140, 60, -75),
        },
    ),
    "machinery": (
        61750,
        {
            "additions": flow(9480, 8215, 12350),
            "acquired": flow(0, 1050, 0),
            "transfers": flow(4310, 5240, 8150),
            "disposals": flow(-420, -610, -385),
            "depreciation": flow(-10240, -10815, -11460),
            "fx": flow(-190, 85, -110),
        },
    ),
    "equipment": (
        14200,
        {
            "additions": flow(3905, 3120, 4275),
            "acquired": flow(0, 200, 0),
            "transfers": flow(380, 415, 520),
            "disposals": flow(-95, -140, -110),
            "depreciation": flow(-3715, -3840, -3965),
            "fx": flow(0, 0, 0),
        },
    ),
    "construction": (
        7640,
        {
            "additions": flow(8350, 14920, 11265),
            "acquired": flow(0, 0, 0),
            "transfers": flow(-5940, -8530, -18310),
            "disposals": flow(0, 0, 0),
            "depreciation": flow(0, 0, 0),
            "fx": flow(0, 0, 0),
        },
    ),
}
INTANGIBLES: dict[str, tuple[int, dict[str, Series]]] = {
    "development": (
        21450,
        {
            "additions": flow(7860, 8240, 9105),
            "acquired": flow(0, 0, 0),
            "amortisation": flow(-5310, -5980, -6615),
            "fx": flow(0, 0, 0),
        },
    ),
    "software": (
        8120,
        {
            "additions": flow(2415, 2180, 2960),
            "acquired": flow(0, 0, 0),
            "amortisation": flow(-2240, -2390, -2505),
            "fx": flow(0, 0, 0),
        },
    ),
    "customers": (
        24900,
        {
            "additions": flow(0, 0, 0),
            "acquired": flow(0, 9200, 0),
            "amortisation": flow(-3600, -4250, -4600),
            "fx": flow(-85, 40, -55),
        },
    ),
}
RIGHT_OF_USE: dict[str, tuple[int, dict[str, Series]]] = {
    "premises": (
        21300,
        {"additions": flow(4120, 6480, 5260), "depreciation": flow(-4950, -5240, -5610)},
    ),
    "vehicles": (
        7450,
        {"additions": flow(2980, 3340, 3615), "depreciation": flow(-2890, -3050, -3205)},
    ),
}
LEASE_OPENING = 30150
LEASE_PAYMENTS = flow(8420, 9010, 9630)  # interest and principal
LEASE_CURRENT = stock(7150, 7320, 7860, 8210)
DISPOSAL_GAIN = flow(85, 120, 1640)

# The fair values of what was bought with Sorvalampi Controls Oy on 1 March 2024.
ACQUIRED = {
    "customers": 9200,
    "plant": 2150,
    "inventories": 1980,
    "receivables": 2460,
    "cash": 1120,
    "trade_payables": -1730,
    "other_payables": -640,
    "deferred_tax": -1840,
}

INVENTORIES = {
    "raw": stock(48900, 57320, 49860, 51240),
    "progress": stock(12450, 14105, 12380, 13690),
    "finished": stock(39800, 51260, 44915, 42370),
    "write_down": stock(-4100, -6120, -7340, -5890),
}
RECEIVABLES = {
    "not_due": stock(68400, 74215, 71930, 80465),
    "days_30": stock(9850, 10940, 12615, 11280),
    "days_60": stock(3120, 3465, 4390, 3210),
    "days_90": stock(1180, 1425, 2105, 1240),
    "older": stock(2140, 2590, 3815, 2965),
}
ALLOWANCE = {
    "not_due": stock(-140, -150, -145, -160),
    "days_30": stock(-197, -219, -252, -226),
    "days_60": stock(-250, -277, -351, -257),
    "days_90": stock(-354, -428, -631, -372),
    "older": stock(-1209, -1511, -2261, -1895),
}
WORKING = {
    "contract_assets": stock(11250, 13480, 12960, 15725),
    "other_receivables": stock(9480, 10155, 9870, 10640),
    "trade_payables": stock(62300, 66840, 58915, 65280),
    "contract_liabilities": stock(18900, 20465, 22780, 26340),
    "other_payables": stock(31450, 33120, 30985, 34610),
}
# Parts named here; what is left of the balance is the other part.
TAX_RECEIVABLE = stock(4120, 4480, 4310, 4705)
STAFF_PAYABLE = stock(17240, 18105, 16870, 19120)
TAXES_PAYABLE = stock(6310, 6740, 6020, 7085)
INTEREST_SWAP = stock(1120, 410, 215, 690)
WRITE_DOWN_ADDED = flow(2580, 2410, 1180)
ALLOWANCE_ADDED = flow(720, 1480, 640)
# Undiscounted lease payments.
LEASE_DUE = {
    "year": Series({2024: 9260, 2025: 9640}),
    "second": Series({2024: 7930, 2025: 8150}),
    "fifth": Series({2024: 13640, 2025: 14020}),
    "later": Series({2024: 4610, 2025: 4370}),
}
PROVISIONS: dict[str, tuple[int, dict[str, Series]]] = {
    "warranty": (
        19850,
        {
            "added": flow(9640, 11385, 10420),
            "used": flow(-8215, -9140, -9865),
            "released": flow(-760, -540, -1130),
        },
    ),
    "restructuring": (
        0,
        {"added": flow(0, 8900, 0), "used": flow(0, -2650, -4980), "released": flow(0, 0, -420)},
    ),
    "other": (
        3120,
        {
            "added": flow(850, 1240, 960),
            "used": flow(-610, -720, -1385),
            "released": flow(-140, -210, -265),
        },
    ),
}
PROVISIONS_CURRENT = {
    "warranty": stock(8900, 9450, 10120, 9870),
    "restructuring": stock(0, 0, 4600, 850),
    "other": stock(1450, 1510, 1880, 1240),
}
PENSION_OPENING = 12400
PENSION = {
    "service": flow(680, 655, 640),
    "interest": flow(310, 345, 330),
    "paid": flow(-1150, -1180, -1215),
    "remeasured": flow(-620, 480, -910),  # plus: a loss
}

TERM_LOAN = stock(80000, 70000, 60000, 50000)
NOTES = stock(60000, 60000, 60000, 60000)
FACILITY_OPENING = 15000
FACILITY_DRAWN = flow(20000, 30000, 10000)
FACILITY_REPAID = flow(10000, 12000, 13000)
FACILITY_LIMIT = 75000
LOAN_COSTS_OPENING = -1320
CURRENT_BORROWINGS = stock(10000, 10000, 10000, 10000)
CASH_OPENING = 46200
CASH_FX = flow(-210, 95, -130)

SHARE_PREMIUM = stock(88450, 88450, 88450, 88450)
TRANSLATION_OPENING = -1940
DERIVATIVES_OPENING = 1640
HEDGE_MOVEMENT = flow(-1120, 460, 780)
TREASURY_OPENING = -2016
TREASURY_BOUGHT = flow(0, 4932, 0)
TREASURY_DELIVERED = flow(798, 861, 1450)
TREASURY_SHARES = stock(96, 58, 197, 139)  # thousands, like the three below
WEIGHTED_SHARES = flow(24529, 24478, 24446)
DILUTIVE_SHARES = flow(148, 131, 164)
DIVIDEND_SHARES = flow(24542, 24583, 24461)
DIVIDEND_PAID_CENTS = flow(62, 65, 50)
DIVIDEND_PROPOSED_CENTS = flow(65, 50, 60)
SHARE_BASED = flow(1310, 1245, 1580)
NCI_OPENING = 6850
NCI_DIVIDENDS = flow(640, 700, 760)

PERSONNEL = {
    "wages": flow(131420, 133865, 141230),
    "social": flow(24180, 24905, 26140),
    "defined_contribution": flow(8940, 9215, 9780),
    "temporary": flow(7865, 5120, 6430),
}
HEADCOUNT = {
    "production": flow(1318, 1247, 1296),
    "research": flow(214, 228, 241),
    "sales": flow(402, 396, 405),
    "service": flow(318, 341, 372),
    "administration": flow(176, 172, 174),
}
# By function; the rest of depreciation and amortisation belongs to cost of sales.
DEPRECIATION_BY_FUNCTION = {
    "research": flow(6120, 6885, 7540),
    "selling": flow(8240, 9015, 9630),
    "administration": flow(4385, 4520, 4760),
}
