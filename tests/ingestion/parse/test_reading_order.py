from ingestion.parse.reading_order import Word, text_of

WIDTH = 1_000.0


def _line(left: float, top: float, right: float, text: str) -> Word:
    return Word(left, top, right, top + 20, text)


def test_cells_of_a_row_stand_on_a_line() -> None:
    words = [
        _line(700, 133, 760, "900"),
        _line(100, 100, 180, "Item"),
        _line(100, 130, 180, "Rent"),
        _line(700, 102, 760, "2024"),
        _line(850, 131, 900, "850"),
        _line(850, 99, 900, "2023"),
    ]
    assert text_of(words, WIDTH) == "Item 2024 2023\nRent 900 850"


def test_a_large_space_begins_a_paragraph() -> None:
    tops = (100, 125, 180)
    words = [_line(100, top, 900, f"Line {index}") for index, top in enumerate(tops)]
    assert text_of(words, WIDTH) == "Line 0\nLine 1\n\nLine 2"


def test_columns_are_read_one_after_the_other() -> None:
    left = [_line(50, 100 + 25 * row, 470, f"left {row}") for row in range(4)]
    right = [_line(530, 101 + 25 * row, 950, f"right {row}") for row in range(4)]
    title = _line(100, 40, 900, "Across both")
    text = text_of([*right, title, *left], WIDTH)
    assert text == (
        "Across both\n\nleft 0\nleft 1\nleft 2\nleft 3\n\nright 0\nright 1\nright 2\nright 3"
    )


def test_nothing_is_nothing() -> None:
    assert text_of([], WIDTH) == ""
