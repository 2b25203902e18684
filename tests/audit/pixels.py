"""The contrast of text as it is drawn: read from screenshots, not computed from styles.

A style says which colour a text has; only the pixels say what a reader sees, after opacity,
filters, layers above it and thin strokes. Of each box of text the most common colour is the
background, and the ink is the one farthest from it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import CDPSession
from playwright.sync_api import Page as Tab

from tests.audit.findings import ROWS, Findings
from tests.test_browser import dark_flaws, grey

JS = Path(__file__).with_name("text.js")
SCALE = (
    3  # pixels of a screenshot to one of the page: the middle of a thin stroke has its full colour
)
STEP = 1600  # how much of a page is looked at, at a time
FEW = 4  # pixels that have to show the ink
NEXT_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
BELOW = 2  # pixels of the page beneath a line, into which an underscore may reach


def contrast(pixels: npt.NDArray[np.uint8]) -> float:
    """Return the contrast between the most common colour and the one farthest from it."""
    red, green, blue = np.moveaxis(pixels.astype(np.int64), -1, 0)
    colours, counts = np.unique((red << 16) + (green << 8) + blue, return_counts=True)
    levels = np.stack([colours >> 16, colours >> 8 & 255, colours & 255]) / 255
    # The luminance as WCAG defines it.
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light = np.array([0.2126, 0.7152, 0.0722]) @ linear + 0.05
    paper = light[counts.argmax()]
    ratios = np.maximum(light, paper) / np.minimum(light, paper)
    order = np.argsort(-ratios)
    enough = np.searchsorted(np.cumsum(counts[order]), FEW)  # a pixel alone may be a stray one
    return float(ratios[order][min(enough, len(order) - 1)])


def crop(shot: npt.NDArray[np.uint8], box: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Return the pixels of a box, given in pixels of the page."""
    left, top, right, bottom = (round(SCALE * edge) for edge in box)
    return shot[top : bottom + SCALE * BELOW, left:right]


def screenshot(tab: Tab, session: CDPSession, height: int) -> npt.NDArray[np.uint8]:
    """Return what the window shows, enlarged."""
    width, top = tab.evaluate("[document.documentElement.clientWidth, scrollY]")
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": SCALE}
    options = {"format": "png", "optimizeForSpeed": True, "clip": clip}
    data = session.send("Page.captureScreenshot", options)["data"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def drawn(tab: Tab, name: str, look: str, found: Findings) -> None:
    """Go through a page, folds opened, and note the contrast of all text; the page is used up."""
    collect = JS.read_text(encoding="utf-8")
    session = tab.context.new_cdp_session(tab)
    size = tab.viewport_size
    assert size is not None
    tab.set_viewport_size({"width": size["width"], "height": STEP})
    tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
    tab.evaluate("document.querySelectorAll('article details').forEach((fold) => fold.open = true)")
    hidden: dict[str, None] = {}
    met: set[str] = set()
    place, end = 0, 1
    while place < end:
        tab.evaluate(f"scrollTo({{ top: {place}, behavior: 'instant' }})")
        tab.evaluate(NEXT_FRAMES)
        texts: dict[str, Any] = tab.evaluate(collect)
        shot = screenshot(tab, session, STEP)
        for text in texts["found"]:
            met.add(text["what"])
            row = "figure text" if text["figure"] else "drawn"
            ratio = contrast(crop(shot, text["box"]))
            wrong = [] if ROWS[row].met(ratio) else [f"{ratio:.1f} {text['what']}"]
            found.note(row, name, ratio, wrong, look)
        hidden |= dict.fromkeys(texts["hidden"])
        place += STEP - 300  # what lay under the bar at the top is met again
        end = tab.evaluate("document.documentElement.scrollHeight")
    covered = [what for what in hidden if what not in met]
    found.add("covered", name, covered, look)


def dark_figures(tab: Tab, name: str, found: Findings) -> None:
    """Note the figures that the dark page shows in a light box, or hardly shows."""
    frame = grey(tab.screenshot()).histogram()
    background = frame.index(max(frame))
    for figure in tab.locator("article img:visible").all():
        figure.scroll_into_view_if_needed()
        figure.evaluate("img => img.decode()")  # it loads when it comes near
        wrong = dark_flaws(grey(figure.screenshot()), background)
        source = figure.get_attribute("src")
        found.add("dark figures", name, [f"{source}: {flaw}" for flaw in wrong])
