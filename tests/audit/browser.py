"""What the audit measures in Chromium, on the pages as a server sends them."""

from __future__ import annotations

import gzip
import io
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.audit import pixels
from tests.audit.findings import Findings
from tests.test_browser import WIDTHS, QuietHandler, context, lay_out, visit

HERE = Path(__file__).resolve().parent
SHIFTS = """
    window.auditShifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (!entry.hadRecentInput) window.auditShifts.push(entry.value);
    }).observe({ type: "layout-shift", buffered: true });
"""
BELOW = "document.documentElement.scrollHeight - innerHeight - scrollY"
DECODED = "Promise.all([...document.images].map((img) => img.decode().catch(() => 0)))"
FIRST_STOP = """document.activeElement.getAttribute("href") || document.activeElement.outerHTML"""
UNSEEN_FOCUS = """() => {
    const stops = "a[href], button, input, select, summary, [tabindex]", unseen = [];
    for (const e of document.querySelectorAll(stops)) {
      if (e.tabIndex < 0 || !e.checkVisibility({ visibilityProperty: true })) continue;
      e.focus({ preventScroll: true });
      if (document.activeElement !== e) continue;
      const style = getComputedStyle(e);
      if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)
        unseen.push(e.outerHTML.slice(0, 60));
      e.blur();
    }
    return unseen;
}"""
DRAWN = """document.fonts.ready.then(() => [...document.querySelectorAll(".katex-html")]
    .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect())
    .filter((box) => box.width < 2 || box.height < 2).length)"""
RESULTS = "#search-results ul.search li"


class ZippingHandler(QuietHandler):
    """Serves files compressed, as GitHub Pages does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 (its base calls it so)
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if path.suffix not in (".png", ".woff2"):
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(data)


def measure(browser: Browser, site: str, name: str, axe: str, found: Findings) -> None:
    """Open a page wide and narrow, light and dark, and note what is found."""
    for width in WIDTHS:
        for dark in (False, True):
            look = f"{width} px, {'dark' if dark else 'light'}"
            with context(browser, width, dark) as window:
                window.add_init_script(SHIFTS)
                seen = visit(window, site + name, still=True)
                in_page(seen.tab, name, width, look, found)
                violations(seen.tab, axe, name, look, found)
                keyboard(seen.tab, name, look, found)
                if width == max(WIDTHS):
                    pixels.drawn(seen.tab, name, look, found)
                if dark and width == max(WIDTHS):
                    pixels.dark_figures(seen.tab, name, found)
                away = [url for url in seen.requests if not url.startswith(site)]
                found.add("external", name, away, look)
                found.add("errors", name, seen.problems, look)


def hurry_through(tab: Tab) -> None:
    """Turn the wheel down to the end, most of a window at a time, and come back."""
    size = tab.viewport_size
    assert size is not None
    tab.mouse.move(size["width"] / 2, size["height"] / 2)
    while tab.evaluate(BELOW) > 1:
        tab.mouse.wheel(0, 0.8 * size["height"])
        tab.evaluate(pixels.NEXT_FRAMES)
    tab.evaluate(DECODED)
    tab.evaluate("scrollTo(0, 0)")


def in_page(tab: Tab, name: str, width: int, look: str, found: Findings) -> None:
    """Note what moved, contrast and room."""
    hurry_through(tab)
    found.note("shift", name, tab.evaluate("auditShifts.reduce((a, b) => a + b, 0)"))
    lay_out(tab)
    measured: dict[str, Any] = tab.evaluate((HERE / "measure.js").read_text(encoding="utf-8"))
    found.note("contrast", name, measured["contrast"], measured["faint"], look)
    found.add("sideways", name, measured["sideways"], look)
    if width == min(WIDTHS):
        share = 100 * len(measured["scrolling"]) / max(1, measured["code"])
        found.note("code", name, share, measured["scrolling"], look)
    # Computed colours say nothing of a filter that dims the page: compare them with the pixels.
    shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    counted = shot.getcolors(shot.width * shot.height) or []
    seen = max(counted)[1]
    assert isinstance(seen, tuple)
    far = min(
        max(abs(a - b) for a, b in zip(seen, paper, strict=True)) for paper in measured["papers"]
    )
    found.add("pixels", name, [f"{seen} is no computed background"] if far > 6 else [], look)


def violations(tab: Tab, axe: str, name: str, look: str, found: Findings) -> None:
    """Note what axe finds, with all its rules."""
    tab.evaluate(axe)
    for row in ("axe", "axe, lesser"):
        found.add(row, name, [])
    for rule in tab.evaluate("axe.run().then((results) => results.violations)"):
        grave = rule["impact"] in ("serious", "critical")
        nodes = [f"{rule['id']}: {' '.join(map(str, node['target']))}" for node in rule["nodes"]]
        found.add("axe" if grave else "axe, lesser", name, nodes, look)


def keyboard(tab: Tab, name: str, look: str, found: Findings) -> None:
    """Press Tab at the top: the first stop skips to the text. Every stop after it is seen."""
    tab.evaluate("scrollTo(0, 0)")
    tab.keyboard.press("Tab")
    stop = tab.evaluate(FIRST_STOP)
    has_frame = tab.locator("nav").count() > 0  # else there is nothing to skip
    wrong = [f"the first stop is no skip link: {stop[:60]}"]
    found.add("keyboard", name, wrong if has_frame and not stop.startswith("#") else [], look)
    unseen = [f"the focus is not seen: {what}" for what in tab.evaluate(UNSEEN_FOCUS)]
    found.add("keyboard", name, unseen, look)


def disk(browser: Browser, path: Path, name: str, found: Findings) -> None:
    """Open a page from disk, with and without JavaScript: its text and its formulas are there."""
    for js in (True, False):
        with context(browser, js=js) as window:
            seen = visit(window, path.as_uri())
            wrong = list(seen.problems)
            wrong += [f"asks for {url}" for url in seen.requests if not url.startswith("file:")]
            if not seen.tab.locator("h1:visible").count():
                wrong.append("its heading is not seen")
            lay_out(seen.tab)
            if count := seen.tab.evaluate(DRAWN):
                wrong.append(f"{count} formulas are not drawn")
            found.add("disk", name, wrong, f"{'with' if js else 'without'} JavaScript")


def search(browser: Browser, site: str, found: Findings) -> None:
    """Ask the book's own search what learners ask."""
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))["questions"]
    with context(browser) as window:
        for question, page in questions.items():
            seen = visit(window, f"{site}search.html?q={quote(question)}")
            results = first_results(seen.tab, site)
            right = [] if f"{page}.html" in results else [f"“{question}” led to {results}"]
            found.add("search", page, right)
            seen.tab.close()


def first_results(tab: Tab, site: str, count: int = 3) -> list[str]:
    """Return the pages of the first results, once the search has ended."""
    tab.wait_for_function(
        "/finished|did not match/.test(document.querySelector('#search-results')?.innerText || '')",
        timeout=30_000,
    )
    links = tab.locator(f"{RESULTS} a").evaluate_all("links => links.map((a) => a.href)")
    return [urlsplit(link.removeprefix(site)).path for link in links[:count]]
