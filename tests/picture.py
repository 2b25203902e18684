"""Take the README's picture of a page: `python -m tests.picture`, after `python3 make.py book`."""

from __future__ import annotations

import io
import shutil

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.pages import REPO
from tests.test_browser import FLAGS, NAMES

PAGE = REPO / "build" / "_build" / "html" / "notebooks" / "11_real_data.html"
PICTURE = REPO / "book" / "static" / "page.png"
WIDTH, HEIGHT = 1180, 900


def main() -> None:
    """Open a chapter at its first pair of cells and store what the window shows."""
    chromium = next(path for path in map(shutil.which, NAMES) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5)
        tab.goto(PAGE.as_uri())
        tab.evaluate("document.fonts.ready")
        tab.evaluate(
            "window.scrollTo(0, document.querySelector('.tag_from-scratch')"
            ".getBoundingClientRect().top - 130)"
        )
        tab.wait_for_timeout(500)
        shot = Image.open(io.BytesIO(tab.screenshot()))
        browser.close()
    shot.convert("P", palette=Image.Palette.ADAPTIVE, colors=96).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(REPO)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
