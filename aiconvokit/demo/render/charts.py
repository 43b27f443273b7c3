"""The report's charts, drawn as vectors from the same figures as its tables."""

from collections.abc import Callable, Sequence

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color

from aiconvokit.demo.render.figures import accounts
from aiconvokit.demo.render.layout import GREY, INK, PALETTE, TEXT_WIDTH
from aiconvokit.demo.render.series import YEARS, rounded

HEIGHT = 128.0
FLOOR = 26.0
BAR = 46.0
SEGMENT_NAMES = {
    "residential": "Residential Heat Pumps",
    "commercial": "Commercial and Industrial",
    "district": "District Heating Controls",
    "service": "Service",
}


def revenue_by_segment() -> Drawing:
    """Stacked bars, one per year."""
    book = accounts()
    stacks = [[book[f"segment.{name}.revenue"][year] for name in SEGMENT_NAMES] for year in YEARS]
    return _stacked("Revenue by segment, € million", stacks, list(SEGMENT_NAMES.values()))


def free_cash_flow() -> Drawing:
    """Cash from operations beside capital expenditure, one pair of bars per year."""
    book = accounts()
    pairs = [(book["cf.operating"][year], book["capex"][year]) for year in YEARS]
    drawing = _canvas("Cash from operating activities and capital expenditure, € million")
    _legend(drawing, ["Cash from operating activities", "Capital expenditure"])
    scale = (HEIGHT - FLOOR - 30) / max(value for pair in pairs for value in pair)
    for place, (year, pair) in enumerate(zip(YEARS, pairs, strict=True)):
        left = 20 + place * 100.0
        for side, value in enumerate(pair):
            x = left + side * 36
            drawing.add(_filled(Rect(x, FLOOR, 34, value * scale), PALETTE[side]))
            drawing.add(_label(x + 17, FLOOR + value * scale + 3, _millions(value)))
        drawing.add(_label(left + 35, FLOOR - 12, str(year)))
    return drawing


def _stacked(title: str, stacks: Sequence[Sequence[int]], names: list[str]) -> Drawing:
    drawing = _canvas(title)
    _legend(drawing, names)
    scale = (HEIGHT - FLOOR - 30) / max(sum(stack) for stack in stacks)
    for place, (year, stack) in enumerate(zip(YEARS, stacks, strict=True)):
        left, base = 30 + place * 100.0, FLOOR
        for number, value in enumerate(stack):
            height = value * scale
            drawing.add(_filled(Rect(left, base, BAR, height), PALETTE[number]))
            base += height
        drawing.add(_label(left + BAR / 2, base + 3, _millions(sum(stack))))
        drawing.add(_label(left + BAR / 2, FLOOR - 12, str(year)))
    return drawing


def _canvas(title: str) -> Drawing:
    drawing = Drawing(TEXT_WIDTH, HEIGHT)
    drawing.add(
        String(0, HEIGHT - 9, title, fontName="Helvetica-Bold", fontSize=8.4, fillColor=GREY)
    )
    drawing.add(Line(0, FLOOR, 320, FLOOR, strokeColor=GREY, strokeWidth=0.5))
    return drawing


def _legend(drawing: Drawing, names: list[str]) -> None:
    for number, name in enumerate(names):
        y = HEIGHT - 36 - 14 * number
        drawing.add(_filled(Rect(335, y, 8, 8), PALETTE[number]))
        drawing.add(String(348, y + 1, name, fontName="Helvetica", fontSize=7.8, fillColor=INK))


def _millions(thousands: int) -> str:
    return f"{rounded(thousands, 100) / 10:.1f}"


def _filled(shape: Rect, colour: Color) -> Rect:
    shape.fillColor = colour
    shape.strokeColor = None
    return shape


def _label(x: float, y: float, text: str) -> String:
    return String(
        x, y, text, fontName="Helvetica", fontSize=7.8, fillColor=INK, textAnchor="middle"
    )


CHARTS: dict[str, Callable[[], Drawing]] = {
    "revenue_by_segment": revenue_by_segment,
    "free_cash_flow": free_cash_flow,
}
