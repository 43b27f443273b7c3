"""What a Word document's styles say of a paragraph: heading, title, list."""

import re
from functools import cache

from lxml.etree import _Element as Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

MAX_ANCESTORS = 20
"""A style is based on another; a damaged file has circles."""

_HEADING = re.compile(r"heading (\d)")
_BODY_LEVEL = 9


def child_value(element: Element | None, name: str) -> str | None:
    """The `w:val` of a child element; None when there is none."""
    child = element.find(f"{W}{name}") if element is not None else None
    return child.get(f"{W}val") if child is not None else None


class Styles:
    """The paragraph styles of one document."""

    def __init__(self, part: Element | None) -> None:
        found = part.findall(f"{W}style[@{W}type='paragraph']") if part is not None else []
        self._styles = {style.get(f"{W}styleId", ""): style for style in found}
        defaults = (one for one in found if one.get(f"{W}default") in {"1", "true"})
        self._default = next((one.get(f"{W}styleId", "") for one in defaults), "")
        self._level_of_style = cache(self._find_level)
        self._list_of_style = cache(self._find_list)

    def level_of(self, paragraph: Element) -> int:
        """1 to 9 for a heading, 0 for any other paragraph."""
        level = _outline_level(paragraph.find(f"{W}pPr"))
        return self._level_of_style(self._style_of(paragraph)) if level is None else level

    def is_title(self, paragraph: Element) -> bool:
        """Whether it is the document's title."""
        style = self._styles.get(self._style_of(paragraph))
        return (child_value(style, "name") or "").lower() == "title"

    def list_of(self, paragraph: Element) -> tuple[str, int]:
        """(number of the list, depth from 0); ("", 0) for none."""
        own = _list(paragraph.find(f"{W}pPr"))
        return self._list_of_style(self._style_of(paragraph)) if own is None else own

    def _style_of(self, paragraph: Element) -> str:
        return child_value(paragraph.find(f"{W}pPr"), "pStyle") or self._default

    def _find_level(self, style_id: str) -> int:
        for style in self._ancestors(style_id):
            name = _HEADING.fullmatch((child_value(style, "name") or "").lower())
            if name:
                return int(name.group(1))
            level = _outline_level(style.find(f"{W}pPr"))
            if level is not None:
                return level
        return 0

    def _find_list(self, style_id: str) -> tuple[str, int]:
        lists = (_list(style.find(f"{W}pPr")) for style in self._ancestors(style_id))
        return next((found for found in lists if found is not None), ("", 0))

    def _ancestors(self, style_id: str) -> list[Element]:
        found: list[Element] = []
        style = self._styles.get(style_id)
        while style is not None and len(found) < MAX_ANCESTORS:
            found.append(style)
            style = self._styles.get(child_value(style, "basedOn") or "")
        return found


def _outline_level(properties: Element | None) -> int | None:
    value = child_value(properties, "outlineLvl")
    if value is None or value not in "0123456789":
        return None
    return 0 if int(value) == _BODY_LEVEL else int(value) + 1


def _list(properties: Element | None) -> tuple[str, int] | None:
    """None when the properties say nothing of a list; list "0" takes one away."""
    numbering = properties.find(f"{W}numPr") if properties is not None else None
    if numbering is None:
        return None
    depth = child_value(numbering, "ilvl") or "0"
    return child_value(numbering, "numId") or "", int(depth) if depth in "012345678" else 0
