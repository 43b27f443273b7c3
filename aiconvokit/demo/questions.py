"""What the demo asks of its two documents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoQuestion:
    """One question, and where its answer stands.

    `document` is a file name and `page` a physical page, from 1; both None when the documents
    cannot answer. `expect` is a part of the right quote, with single spaces. A follow-up only makes
    sense after the question before it.
    """

    text: str
    document: str | None
    page: int | None
    expect: str
    follow_up: bool = False


REPORT = "annual_report.pdf"
AGREEMENT = "supply_agreement.pdf"

QUESTIONS = (
    DemoQuestion(
        text="How much will Harrowmere pay for the maintenance company Brinkhof Warmtetechniek?",
        document=REPORT,
        page=36,
        expect="€11.2 million in cash",
    ),
    DemoQuestion(
        text="How long is the warranty period for compressors under the supply agreement?",
        document=AGREEMENT,
        page=5,
        expect="thirty-six months from Delivery",
    ),
    DemoQuestion(
        text="How many heat pumps did the Kaunas plant assemble in 2025?",
        document=REPORT,
        page=7,
        expect="61,400 heat pumps in 2025",
    ),
    DemoQuestion(
        text="And in the year before?",
        document=REPORT,
        page=7,
        expect="52,700 heat pumps",
        follow_up=True,
    ),
    DemoQuestion(
        text="How many weeks of paternity leave do new fathers get?",
        document=None,
        page=None,
        expect="",
    ),
)
