import io

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingestion.chunk import chunk_document
from ingestion.load import PPTX
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse


def test_slides_tables_charts_and_notes() -> None:
    presentation = Presentation()
    title_and_content, title_only, blank = (presentation.slide_layouts[n] for n in (1, 5, 6))
    area = (Inches(1), Inches(3), Inches(5), Inches(2))

    slide = presentation.slides.add_slide(title_and_content)
    slide.shapes.title.text = "Sales\vby region"
    slide.placeholders[1].text = "Europe grew\nAsia did not"
    slide.notes_slide.notes_text_frame.text = "Say thanks."

    slide = presentation.slides.add_slide(blank)
    slide.element.set("show", "0")
    slide.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(1)).text_frame.text = "below"
    slide.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1)).text_frame.text = "above"

    slide = presentation.slides.add_slide(title_only)
    slide.shapes.title.text = "Figures"
    table = slide.shapes.add_table(2, 2, *area).table
    for index, text in enumerate(["Year", "Net sales", "2024", "1,234"]):
        table.cell(index // 2, index % 2).text = text
    data = CategoryChartData()  # type: ignore[no-untyped-call]  # python-pptx's own gap
    data.categories = ["Q1", "Q2"]
    data.add_series("Anvils", (1.5, None))  # type: ignore[no-untyped-call]  # the same
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *area, data)
    out = io.BytesIO()
    presentation.save(out)

    document = parse(out.getvalue(), PPTX, "Review.pptx", Limits())
    assert [(page.number, page.label, page.text) for page in document.pages] == [
        (
            1,
            "Slide 1",
            "Sales by region\n\nEurope grew\n\nAsia did not\n\nSpeaker notes:\n\nSay thanks.",
        ),
        (2, "Slide 2 (hidden)", "above\n\nbelow"),
        (
            3,
            "Slide 3",
            (
                "Figures\n\n| Year | Net sales |\n| 2024 | 1,234 |\n"
                "|  | Anvils |\n| Q1 | 1.5 |\n| Q2 |"
            ),
        ),
    ]
    chunks = chunk_document(document)
    assert [chunk.heading for chunk in chunks] == ["Sales by region", "Slide 2", "Figures"]
    assert [chunk.text for chunk in chunks] == [page.text for page in document.pages]
