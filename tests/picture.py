"""Take the pictures of pages, for the README and for links that are shared.

`python -m tests.picture`, after `python3 make.py book`.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser, sync_playwright

from tests.pages import REPO
from tests.test_browser import FLAGS, HOW_TO_INSTALL, chromium, lay_out

SITE = REPO / "build" / "_build" / "html"
README = REPO / "book" / "pictures"  # not among the pages
PREVIEW = REPO / "book" / "static" / "page.png"  # among them, for links that are shared


@dataclass(frozen=True)
class Shot:
    """A window on a page, and the file that shows it."""

    path: Path
    page: str
    place: str  # what the page is scrolled to, as a CSS selector
    below: int  # pixels from the top of the window to that
    size: tuple[int, int]
    scale: float = 1.5
    dark: bool = False
    query: str = ""


SHOTS = (
    Shot(README / "first-page.png", "book/intro.html", "body", 0, (1280, 882)),
    Shot(
        README / "phone.png",
        "notebooks/08_backward.html",
        "#fig-backward-fork",
        70,
        (360, 746),
        scale=2,
    ),
    Shot(
        README / "light.png",
        "notebooks/08_backward.html",
        ".nn-steps",
        62,
        (800, 960),
        query="steps=relu.a.12",
    ),
    Shot(
        README / "dark.png",
        "notebooks/10_the_keras_example.html",
        "#fit-forward-back-step-again .pair",
        170,
        (800, 960),
        dark=True,
    ),
    Shot(PREVIEW, "notebooks/11_real_data.html", ".pair", 130, (1180, 900)),
)


def take(browser: Browser, shot: Shot) -> None:
    """Open a page at a place and store what the window shows, with a thin frame around it."""
    width, height = shot.size
    window = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=shot.scale,
        color_scheme="dark" if shot.dark else "light",
    )
    tab = window.new_page()
    tab.goto(f"{(SITE / shot.page).as_uri()}?{shot.query}", wait_until="networkidle")
    lay_out(tab)  # or what is above would still grow
    tab.locator(shot.place).first.evaluate(
        "(place, below) => scrollTo(0, scrollY + place.getBoundingClientRect().top - below)",
        shot.below,
    )
    tab.wait_for_timeout(500)  # a figure comes when it is near
    png = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    window.close()
    framed = ImageOps.expand(png, border=2, fill="#8b949e")  # seen on white and on black
    shot.path.parent.mkdir(exist_ok=True)
    framed.quantize(96).save(shot.path, optimize=True)
    print(f"{shot.path.relative_to(REPO).as_posix()}: {shot.path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Take them all."""
    if not SITE.is_dir():
        sys.exit("There are no pages to take pictures of. Build them first: python3 make.py book")
    program = chromium()
    if program is None:
        sys.exit(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for shot in SHOTS:
            take(browser, shot)
        browser.close()


if __name__ == "__main__":
    main()
