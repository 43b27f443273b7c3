"""`python -m benchmarks.web.screenshots [FOLDER]`: pictures of every view.

Without a folder the three of README.md are made again in docs/images; with one every view comes
there as NAME-desktop-light.png and so on: in two sizes, light and dark.
"""

import argparse
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from benchmarks.web.browser import DESKTOP, chromium, tab
from benchmarks.web.scene import Scene, scene, stage
from benchmarks.web.views import VIEWS, View

Light = Literal["light", "dark"]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
README = ("proof-desktop-light", "inside-desktop-dark", "widget-desktop-light")
LIGHTS: tuple[Light, ...] = ("light", "dark")
COLOURS = 256
"""Of a palette: text and flat colours look the same, at a third of the bytes."""


def small(png: bytes) -> bytes:
    """The same picture with a palette."""
    written = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> None:
    """Make the pictures, and tell their names and sizes."""
    parser = argparse.ArgumentParser("benchmarks.web.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="every view comes here")
    given: Path | None = parser.parse_args().folder
    wanted = None if given else set(README)
    folder = given or IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, stage() as (url, model), scene(url, model) as found:
        for name, png in pictures(browser, found, wanted):
            (folder / f"{name}.png").write_bytes(small(png))
            size = (folder / f"{name}.png").stat().st_size
            sys.stdout.write(f"{folder / name}.png  {size / 1_000:.0f} kB\n")


def pictures(
    browser: Browser, found: Scene, wanted: Iterable[str] | None
) -> Iterator[tuple[str, bytes]]:
    """The pictures with these names (None: all) as PNG."""
    for view in VIEWS:
        for viewport in view.viewports:
            lights = {
                light: name
                for light in LIGHTS
                if (name := _name(view, viewport, light)) and (wanted is None or name in wanted)
            }
            if not lights:
                continue
            token = None if view.is_public else found.owner.token
            with tab(browser, viewport, token) as page:
                view.show(page, found)
                for light, name in lights.items():
                    yield name, _picture(page, light)


def _name(view: View, viewport: ViewportSize, light: Light) -> str:
    return f"{view.name}-{'desktop' if viewport == DESKTOP else 'phone'}-{light}"


def _picture(page: Page, light: Light) -> bytes:
    page.emulate_media(color_scheme=light)
    return page.screenshot(animations="disabled")


if __name__ == "__main__":
    main()
