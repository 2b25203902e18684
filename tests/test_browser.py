"""The built pages in a real browser: all of it here, nothing broken, everything legible."""

from __future__ import annotations

import functools
import io
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests import pages
from tests.pages import book_build, book_html

__all__ = ["book_build", "book_html"]  # fixtures, found by their names

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW_TO_INSTALL = (
    "Chromium is not here, so the pages were not opened in a browser. Install it with "
    "'apt-get install chromium' (Debian), 'python -m playwright install chromium' (elsewhere), "
    "or name its program in NNBOOK_CHROMIUM"
)
WIDTHS = (360, 1280)


@dataclass
class Visit:
    """A page opened in a tab, and what went wrong while it was."""

    tab: Tab
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    """Says nothing when a tab is closed while it still loads."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(folder: Path, handler: type[QuietHandler] = QuietHandler) -> Iterator[str]:
    """Serve a folder on this machine and yield its address."""
    made = functools.partial(handler, directory=str(folder))
    with QuietServer(("127.0.0.1", 0), made) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def address(book_html: Path) -> Iterator[str]:
    """Serve the site and return its address."""
    with served(book_html) as site:
        yield site


def chromium() -> str | None:
    """Return the program of Chromium: a named one, the system's, or playwright's own."""
    named = [os.environ.get("NNBOOK_CHROMIUM"), *map(shutil.which, NAMES)]
    found = next((path for path in named if path), None)
    if found is not None:
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


@pytest.fixture(scope="module")  # not longer: while it lives, an event loop runs in this thread
def browser() -> Iterator[Browser]:
    """Start Chromium, or say what was skipped and why."""
    found = chromium()
    if found is None:
        if os.environ.get("NNBOOK_REQUIRE_BROWSER") == "1":
            pytest.fail(HOW_TO_INSTALL, pytrace=False)
        pytest.skip(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


def context(browser: Browser, width: int = 1280, dark: bool = False, js: bool = True) -> Any:
    """Open a window of a width, for a reader who prefers light or dark."""
    return browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=js,
    )


def visit(window: BrowserContext, url: str, *, still: bool = False) -> Visit:
    """Open a page and wait until it is loaded, or until nothing more is asked for."""
    seen = Visit(window.new_page())
    seen.tab.on("request", lambda request: seen.requests.append(request.url))
    seen.tab.on("requestfailed", lambda request: seen.problems.append(f"failed {request.url}"))
    seen.tab.on("pageerror", lambda error: seen.problems.append(f"error {error}"))
    seen.tab.on(
        "response",
        lambda answer: (
            seen.problems.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    seen.tab.on(
        "console",
        lambda message: (
            seen.problems.append(f"console {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    seen.tab.goto(url, wait_until="networkidle" if still else "load")
    return seen


def lay_out(tab: Tab) -> None:
    """Lay out all of a page, also what a reader has not come near: it may be too wide there."""
    style = "* { contain: none !important; content-visibility: visible !important }"
    tab.evaluate(
        "style => document.head.append(Object.assign(document.createElement('style'),"
        " { textContent: style }))",
        style,
    )


def names(site: Path) -> list[str]:
    """Return every page of the site, the one that only leads on included."""
    return [p.name for p in pages.pages(site)]


def written(site: Path) -> list[str]:
    """Return the pages that somebody wrote."""
    return [p.name for p in pages.content_pages(site)]


def grey(png: bytes) -> Image.Image:
    """Return a screenshot in shades of grey, 0 to 255."""
    return Image.open(io.BytesIO(png)).convert("L")


def dark_flaws(figure: Image.Image, background: int) -> list[str]:
    """Return what is wrong with a figure on a dark page, both in shades of grey."""
    shares = [count / (figure.width * figure.height) for count in figure.histogram()]
    edge = figure.crop((0, 0, figure.width, 3)).histogram()
    flaws = {
        "a box": abs(edge.index(max(edge)) - background) > 6,
        "mostly light": sum(shares[200:]) >= 0.25,
        "nobody can see it": sum(shares[120:]) <= 0.002,
    }
    return [flaw for flaw, is_there in flaws.items() if is_there]


def is_dark(tab: Tab) -> bool:
    """Whether the page has a dark background and light text."""
    rgb = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    return bool(sum(rgb[:3]) < 3 * 128)


# ---- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_opens_clean_and_fits(browser: Browser, address: str, book_html: Path, width: int) -> None:
    with context(browser, width) as window:
        for name in names(book_html):
            seen = visit(window, address + name, still=True)
            assert seen.problems == [], name
            assert [url for url in seen.requests if not url.startswith(address)] == [], name
            lay_out(seen.tab)
            sizes = seen.tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert sizes[0] <= sizes[1], f"{name} scrolls sideways at {width} px: {sizes}"
            seen.tab.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_link_into_a_page_leads_there(
    browser: Browser, address: str, book_html: Path, width: int
) -> None:
    """Also where the cells above it turn out higher or lower than guessed, as they come near."""
    name = "notebooks/08_backward.html"
    still = "(() => { const was = window.was; return (window.was = scrollY) === was })()"
    sections = pages.page(book_html, name).soup.select("article section section")
    with context(browser, width) as window:
        for section in [pages.attribute(found, "id") for found in sections[::4]]:
            tab = visit(window, f"{address}{name}#{section}").tab
            tab.wait_for_function(still, polling=100)
            top, left = tab.locator(f"id={section}").evaluate(
                "e => [e.getBoundingClientRect().top,"
                " document.documentElement.scrollHeight - innerHeight - scrollY]"
            )
            assert 0 <= top <= 150 or left < 2, f"{section} is at {top} px"
            tab.close()


def test_opens_from_disk(browser: Browser, book_html: Path) -> None:
    with context(browser) as window:
        for name in written(book_html):
            seen = visit(window, (book_html / name).as_uri())
            assert seen.problems == [], name
            assert [url for url in seen.requests if not url.startswith("file:")] == [], name
            seen.tab.close()


def test_search_works_from_disk(browser: Browser, book_html: Path) -> None:
    with context(browser) as window:
        seen = visit(window, f"{(book_html / 'search.html').as_uri()}?q=batch-major")
        found = seen.tab.locator("#search-results li a")
        found.first.wait_for(timeout=5_000)
        assert any("notation.html" in str(a.get_attribute("href")) for a in found.all())
        found.first.click()
        seen.tab.locator("article h1").wait_for(timeout=5_000)
        assert "search.html" not in seen.tab.url
        assert seen.problems == []


def test_theme_switch_works_from_disk(browser: Browser, book_html: Path) -> None:
    with context(browser) as window:
        seen = visit(window, (book_html / "book" / "intro.html").as_uri())
        assert not is_dark(seen.tab)
        for _ in range(2):  # light as the system has it, then light or dark by choice
            if not is_dark(seen.tab):
                seen.tab.locator(".theme-switch-button:visible").first.click()
        assert is_dark(seen.tab)
        seen.tab.reload()
        assert is_dark(seen.tab), "the choice is not remembered"
        assert seen.problems == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("05_descent", "Step 0 of", "Step 1 of"), ("08_backward", "Step 1 of", "Step 2 of")],
    ids=["player", "steps"],
)
def test_figures_step_by_a_click_from_disk(
    browser: Browser, book_html: Path, name: str, before: str, after: str
) -> None:
    with context(browser) as window:
        seen = visit(window, (book_html / "notebooks" / f"{name}.html").as_uri())
        figure = seen.tab.locator(".nn-figure").first
        where = figure.locator(".nn-where")
        expect(where).to_contain_text(before)
        figure.get_by_role("button", name="Next", exact=True).click()
        expect(where).to_contain_text(after)
        assert seen.problems == []


def test_formulas_are_drawn(browser: Browser, address: str, book_html: Path) -> None:
    drawn = 0
    with context(browser) as window:
        for name in written(book_html):
            seen = visit(window, address + name)
            boxes = seen.tab.evaluate(
                "[...document.querySelectorAll('.katex-html')].map(e =>"
                " [e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
            )
            assert all(w > 2 and h > 2 for w, h in boxes), name
            if boxes:
                fonts = seen.tab.evaluate(
                    "document.fonts.ready.then(fonts => [...fonts]"
                    ".filter(f => f.status === 'loaded').map(f => f.family))"
                )
                assert any("KaTeX_Math" in font for font in fonts), name
            drawn += len(boxes)
            seen.tab.close()
    assert drawn > 0


def test_long_formulas_scroll_in_their_own_box(browser: Browser, address: str) -> None:
    with context(browser, 360) as window:
        tab = visit(window, f"{address}book/notation.html").tab
        tab.evaluate(
            "document.querySelector('article').insertAdjacentHTML('beforeend',"
            "'<div class=math><div class=formula><span class=katex-display><span class=katex>'"
            "+ 'x'.repeat(300) + '</span></span></div><span class=eqno>(1)</span></div>')"
        )
        wide, box, page, number = tab.evaluate(
            "(() => { const f = document.querySelector('div.math:last-child > .formula');"
            "const n = f.nextElementSibling.getBoundingClientRect();"
            "const page = document.documentElement.scrollWidth;"
            "return [f.scrollWidth, f.clientWidth, page, n.right] })()"
        )
        assert wide > box
        assert page <= 360
        assert number <= 360


def test_short_lines_of_code_need_no_scrolling(
    browser: Browser, address: str, book_html: Path
) -> None:
    """At 1280 px a block of code whose lines have at most 79 characters is seen whole."""
    with context(browser) as window:
        for name in written(book_html):
            seen = visit(window, address + name)
            lay_out(seen.tab)
            cut = seen.tab.evaluate(
                "[...document.querySelectorAll('.cell_input pre')].filter(pre =>"
                " Math.max(...pre.innerText.split('\\n').map(line => line.length)) <= 79"
                " && pre.scrollWidth > pre.clientWidth).map(pre => pre.innerText.slice(0, 80))"
            )
            assert cut == [], name
            seen.tab.close()


def test_text_is_neither_wide_nor_narrow(browser: Browser, address: str) -> None:
    """A line holds 60 to 80 characters, measured on a paragraph in this machine's fonts."""
    with context(browser) as window:
        tab = visit(window, f"{address}book/intro.html").tab
        per_line = tab.evaluate(
            "(() => { const p = document.createElement('p');"
            "p.textContent = 'The forward pass of a layer multiplies and adds. '.repeat(20);"
            "document.querySelector('article section').append(p);"
            "const lines = p.clientHeight / parseFloat(getComputedStyle(p).lineHeight);"
            "return p.textContent.length / lines })()"
        )
        assert 60 <= per_line <= 82


# ---- what a reader operates ---------------------------------------------------------------------


def test_theme_follows_the_system_and_the_switch(browser: Browser, address: str) -> None:
    for dark in (False, True):
        with context(browser, dark=dark) as window:
            tab = visit(window, f"{address}book/intro.html").tab
            states = [is_dark(tab)]
            for _ in range(3):  # system, then the other one, then the same one
                if states[-1] == dark:
                    tab.locator(".theme-switch-button:visible").first.click()
                    states.append(is_dark(tab))
            assert states[0] == dark, "the page does not follow the system"
            assert states[-1] != dark, "the switch does not change the theme"
            tab.reload()
            assert is_dark(tab) != dark, "the choice is not remembered"


def test_figures_are_legible_in_the_dark(browser: Browser, address: str, book_html: Path) -> None:
    """No figure has a light box, and each has ink as light as text."""
    looked_at = 0
    with context(browser, dark=True) as window:
        for name in written(book_html):
            seen = visit(window, address + name)
            # tall enough for every figure, so that no bar that stays at the top covers one
            seen.tab.set_viewport_size({"width": 1280, "height": 1800})
            frame = grey(seen.tab.screenshot()).histogram()
            background = frame.index(max(frame))
            for figure in seen.tab.locator("article img").all():
                figure.scroll_into_view_if_needed()
                figure.evaluate("img => img.decode()")  # it loads when it comes near
                assert dark_flaws(grey(figure.screenshot()), background) == [], name
                looked_at += 1
            seen.tab.close()
    assert looked_at > 0


def test_search_finds_the_page(browser: Browser, address: str) -> None:
    with context(browser) as window:
        seen = visit(window, f"{address}book/intro.html")
        seen.tab.locator(".search-button__button:visible").first.click()
        seen.tab.keyboard.type("batch-major")
        seen.tab.keyboard.press("Enter")
        found = seen.tab.locator("#search-results li a").first
        found.wait_for(timeout=10_000)
        assert "search.html" in seen.tab.url
        found.click()
        seen.tab.wait_for_url("**/book/notation.html*")
        assert seen.problems == []


def test_solutions_open_by_keyboard(browser: Browser, address: str, book_html: Path) -> None:
    """With JavaScript and without: what is folded opens with Enter and shows its output."""
    opened = 0
    for js in (True, False):
        with context(browser, js=js) as window:
            for name in written(book_html):
                if 'details class="fold' not in (book_html / name).read_text(encoding="utf-8"):
                    continue
                tab = visit(window, address + name).tab
                fold = tab.locator("details.fold").first
                code = fold.locator("pre").first
                assert not code.is_visible()
                fold.locator("summary").focus()
                tab.keyboard.press("Enter")
                code.wait_for(state="visible", timeout=5_000)
                tab.close()
                opened += 1
    assert opened > 0


def test_readable_without_javascript(browser: Browser, address: str, book_html: Path) -> None:
    with context(browser, js=False) as window:
        for name in written(book_html):
            seen = visit(window, address + name)
            assert seen.problems == [], name
            assert seen.tab.locator("article h1").is_visible()
            formulas = seen.tab.locator("article .katex-html")
            if formulas.count():
                assert formulas.first.is_visible()
            seen.tab.close()


def test_navigation_on_a_phone(browser: Browser, address: str) -> None:
    with context(browser, 360) as window:
        tab = visit(window, f"{address}book/intro.html").tab
        link = tab.locator(".bd-links a", has_text="Notation").first
        assert not link.is_visible()
        tab.locator(".primary-toggle:visible").first.click()
        link.wait_for(state="visible", timeout=5_000)
        link.click()
        tab.wait_for_url("**/book/notation.html")


# ---- the pair ------------------------------------------------------------------------------------

CHAPTER = "notebooks/10_the_keras_example.html"
SIDES = "div.pair > div.cell.tag_from-scratch", "div.pair > div.cell.tag_keras"


def seen_sides(tab: Tab) -> list[bool]:
    """Return whether the cells from scratch, and those in Keras, are seen: all or none of them."""
    shown = [{cell.is_visible() for cell in tab.locator(side).all()} for side in SIDES]
    assert all(len(states) == 1 for states in shown), "some of a side are seen, others are not"
    return [states.pop() for states in shown]


def test_pair_control_by_mouse_is_remembered(browser: Browser, address: str) -> None:
    with context(browser) as window:
        tab = visit(window, address + CHAPTER).tab
        assert seen_sides(tab) == [True, True]
        for label, sides in (
            ("only from scratch", [True, False]),
            ("only Keras", [False, True]),
            ("both", [True, True]),
            ("only Keras", [False, True]),
        ):
            tab.get_by_role("group", name="Show").get_by_label(label, exact=True).click()
            assert seen_sides(tab) == sides
            assert tab.get_by_label(label, exact=True).is_checked()
            assert tab.locator("div.cell.tag_same").first.is_visible()
        tab.goto(f"{address}notebooks/08_backward.html")
        assert seen_sides(tab) == [False, True]
        assert tab.get_by_label("only Keras", exact=True).is_checked()
        tab.emulate_media(media="print")
        assert seen_sides(tab) == [True, True]


def test_pair_control_by_keyboard(browser: Browser, address: str) -> None:
    with context(browser) as window:
        tab = visit(window, address + CHAPTER).tab
        tab.get_by_label("both", exact=True).focus()
        tab.keyboard.press("ArrowRight")
        assert seen_sides(tab) == [True, False]
        tab.keyboard.press("ArrowRight")
        assert seen_sides(tab) == [False, True]
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert tab.evaluate(outline) != "none"


def test_no_pair_control_without_javascript(browser: Browser, address: str) -> None:
    with context(browser, js=False) as window:
        tab = visit(window, address + CHAPTER).tab
        assert not tab.locator(".pair-control").is_visible()
        assert seen_sides(tab) == [True, True]


@pytest.mark.parametrize(("width", "beside"), [(1280, False), (1728, True), (1905, True)])
def test_pair_stands_side_by_side_where_there_is_room(
    browser: Browser, address: str, width: int, beside: bool
) -> None:
    with context(browser, width) as window:
        tab = visit(window, address + CHAPTER).tab
        boxes = [tab.locator(side).first.bounding_box() for side in SIDES]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert (boxes[0]["y"] == boxes[1]["y"]) == beside
        lay_out(tab)
        cut = tab.evaluate(
            "[...document.querySelectorAll('.pair .cell_input pre')].filter(pre =>"
            " pre.scrollWidth > pre.clientWidth).length"
        )
        assert cut == 0
        text = tab.locator("article section > p").first.bounding_box()
        assert text is not None
        assert text["width"] <= 44 * 16


# ---- margin notes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "beside"), [(360, False), (1280, False), (1519, False), (1535, True), (1905, True)]
)
def test_margin_notes_stand_beside_their_text_or_after_it(
    browser: Browser, address: str, book_html: Path, width: int, beside: bool
) -> None:
    """And touch nothing: neither the cells nor the list of headings nor the edge of the window."""
    seen = 0
    with context(browser, width) as window:
        for name in written(book_html):
            if "margin-note" not in (book_html / name).read_text(encoding="utf-8"):
                continue
            tab = visit(window, address + name).tab
            lay_out(tab)
            notes = tab.locator("article aside.margin-note")
            for note in notes.all():
                note.scroll_into_view_if_needed()
                text, own, touched, visible = note.evaluate(
                    """note => {
                      const box = e => e.getBoundingClientRect();
                      const own = box(note);
                      const others = [...document.querySelectorAll(
                        "article :is(p, li, div.cell, div.math, figure, table, h2, h3), "
                        + ".bd-sidebar-primary, .bd-sidebar-secondary")];
                      const touched = others.filter(e => !note.contains(e) && e.checkVisibility()
                        && box(e).width && box(e).left < own.right && own.left < box(e).right
                        && box(e).top < own.bottom && own.top < box(e).bottom);
                      return [box(note.previousElementSibling).toJSON(), own.toJSON(),
                        touched.map(e => e.outerHTML.slice(0, 80)), note.checkVisibility()];
                    }"""
                )
                assert visible
                assert touched == [], f"{name} at {width} px"
                assert own["right"] <= width
                assert (own["top"] == text["top"] and own["left"] > text["right"]) == beside
                assert (own["top"] >= text["bottom"]) != beside
                assert not beside or text["width"] == 44 * 16, "the note takes room from its text"
                seen += 1
            widest = tab.evaluate(
                "Math.max(...[...document.querySelectorAll('article section > p')]"
                ".map(p => p.getBoundingClientRect().width))"
            )
            assert widest <= 44 * 16, f"{name}: text has no room for notes"
            tab.close()
    assert seen >= 6


# ---- long outputs --------------------------------------------------------------------------------


@pytest.mark.parametrize("js", [True, False])
@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_long_outputs_open_by_keyboard(
    browser: Browser, address: str, book_html: Path, js: bool, key: str
) -> None:
    opened = 0
    with context(browser, 360 if js else 1280, js=js) as window:
        for name in written(book_html):
            if "long-output" not in (book_html / name).read_text(encoding="utf-8"):
                continue
            tab = visit(window, address + name).tab
            for fold in tab.locator("details.long-output").all():
                output, summary = fold.locator("pre"), fold.locator("summary")
                assert not output.is_visible()
                summary.focus()
                tab.keyboard.press(key)
                output.wait_for(state="visible", timeout=5_000)
                lines = len(output.inner_text().rstrip("\n").splitlines())
                assert summary.inner_text().strip() == f"Hide the output: {lines} lines"
                tab.keyboard.press(key)
                output.wait_for(state="hidden", timeout=5_000)
                assert summary.inner_text().strip() == f"Show the output: {lines} lines"
                opened += 1
            tab.close()
    assert opened > 0


def test_folded_outputs_are_whole_in_print_without_javascript(
    browser: Browser, address: str
) -> None:
    with context(browser, 672, js=False) as window:
        tab = visit(window, f"{address}notebooks/09_gradient_descent.html").tab
        output = tab.locator("details.long-output pre").first
        height = "pre => pre.getBoundingClientRect().height"
        assert not output.is_visible()
        tab.emulate_media(media="print")
        assert output.is_visible()
        assert output.evaluate(height) > 30 * 11  # more than thirty lines of 8.5 points


# ---- copy buttons --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "block"),
    [
        (CHAPTER, "div.cell_input div.highlight"),
        ("book/authoring.html", "div.highlight-bash div.highlight"),
    ],
)
def test_copy_button_copies_the_code_alone(
    browser: Browser, address: str, page: str, block: str
) -> None:
    with context(browser) as window:
        window.grant_permissions(["clipboard-read", "clipboard-write"])
        tab = visit(window, address + page).tab
        code = tab.locator(block).first
        button = code.locator("button.copybtn")
        for by_pointer in (True, False):
            tab.evaluate("navigator.clipboard.writeText('')")
            if by_pointer:
                code.hover()
                button.click()
            else:
                button.focus()
                tab.wait_for_timeout(500)  # it comes up slowly
                assert button.evaluate("b => getComputedStyle(b).opacity") == "1"
                tab.keyboard.press("Enter")
            tab.wait_for_function("navigator.clipboard.readText().then(text => text !== '')")
            copied = str(tab.evaluate("navigator.clipboard.readText()"))
            assert copied.strip() == code.locator("pre").inner_text().strip()
            assert not any(line.startswith(("$ ", ">>> ", "In [")) for line in copied.split("\n"))


# ---- boxes that scroll ---------------------------------------------------------------------------


# How many boxes scroll, how many of these the keyboard does not reach, and how many it reaches
# although they do not scroll.
BOXES = """() => {
  const all = [...document.querySelectorAll("article *")];
  const scrolls = e => e.scrollWidth > e.clientWidth
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const boxes = all.filter(scrolls);
  const stops = "a[href], button, input, select, [tabindex='0']";
  const ours = ":is(pre, .formula, .pst-scrollable-table-container)[tabindex]";
  return [boxes.length, boxes.filter(e => e.tabIndex < 0 && !e.querySelector(stops)).length,
    all.filter(e => e.matches(ours) && !scrolls(e)).length];
}"""


@pytest.mark.parametrize("name", ["notebooks/08_backward.html", "book/notation.html"])
def test_what_scrolls_in_its_own_box_is_a_stop_of_the_keyboard(
    browser: Browser, address: str, name: str
) -> None:
    """Also what a reader has not come near; a window of another width changes it."""
    with context(browser, 360) as window:
        tab = visit(window, address + name).tab
        counted = []
        for width in (360, 1280):
            tab.set_viewport_size({"width": width, "height": 800})
            tab.wait_for_function(f"({BOXES})().slice(1).every(count => count === 0)")
            counted.append(tab.evaluate(BOXES)[0])
    assert counted[0] > 2
    assert counted[0] > counted[1]


# ---- previews of formulas and words --------------------------------------------------------------


@pytest.mark.parametrize("chapter", ["", "09_gradient_descent.html"], ids=["here", "elsewhere"])
def test_formula_is_previewed_under_pointer_and_focus(
    browser: Browser, address: str, chapter: str
) -> None:
    """A formula of this chapter, and one of another."""
    with context(browser) as window:
        tab = visit(window, address + CHAPTER).tab
        link = tab.locator(f'article a.reference[href^="{chapter}#equation-"]').first
        label = str(link.get_attribute("href")).partition("#")[2]
        there = visit(window, str(link.evaluate("link => link.href"))).tab
        formula = there.evaluate(
            "id => document.getElementById(id).querySelector('.katex-html').innerText", label
        )
        there.close()
        box = tab.locator(".preview")
        for by_pointer in (True, False):
            link.hover() if by_pointer else link.focus()
            assert box.locator(".katex-html").inner_text() == formula
            assert link.get_attribute("aria-describedby") == box.get_attribute("id")
            place = box.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= 1280
            tab.mouse.move(0, 0) if by_pointer else tab.keyboard.press("Escape")
            box.wait_for(state="detached", timeout=2_000)


@pytest.mark.parametrize("width", WIDTHS)
def test_word_is_explained_under_pointer_and_focus(
    browser: Browser, address: str, book_html: Path, width: int
) -> None:
    """The pointer may go over to the explanation; Escape ends it, and so does leaving the word."""
    written_link = pages.page(book_html, CHAPTER).article.select("a.term")[0]
    definition = pages.attribute(written_link, "title")
    assert definition
    with context(browser, width) as window:
        tab = visit(window, address + CHAPTER).tab
        link, box = tab.locator("article a.term").first, tab.locator(".preview")
        assert link.get_attribute("title") is None  # or the browser would explain it twice
        link.hover()
        assert box.inner_text() == definition
        place = box.bounding_box()
        assert place is not None
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= width
        box.hover()
        tab.wait_for_timeout(400)
        assert box.is_visible()
        tab.mouse.move(0, 0)
        box.wait_for(state="detached", timeout=2_000)
        for how in ("Escape", "blur"):
            link.focus()
            assert box.inner_text() == definition
            assert box.get_attribute("role") == "tooltip"
            assert link.get_attribute("aria-describedby") == box.get_attribute("id")
            tab.keyboard.press(how) if how == "Escape" else link.blur()
            box.wait_for(state="detached", timeout=2_000)
            assert link.get_attribute("aria-describedby") is None
            link.blur()
    with context(browser, width, js=False) as window:
        tab = visit(window, address + CHAPTER).tab
        assert tab.locator("article a.term").first.get_attribute("title") == definition


# ---- paper ---------------------------------------------------------------------------------------


def test_nothing_is_cut_in_print(browser: Browser, address: str, book_html: Path) -> None:
    """On paper as wide as A4 without its margins: all is opened, and nothing is wider."""
    with context(browser, 672, dark=True) as window:
        for name in written(book_html):
            tab = visit(window, address + name).tab
            tab.emulate_media(media="print")
            tab.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert not is_dark(tab)
            cut = tab.evaluate(
                "[...document.querySelectorAll('article *')].filter(e => e.checkVisibility()"
                " && !e.closest('.katex, svg') && (e.scrollWidth > e.clientWidth + 1"
                " && getComputedStyle(e).overflowX !== 'visible'"
                " || e.getBoundingClientRect().right > innerWidth + 1))"
                ".map(e => e.outerHTML.slice(0, 100))"
            )
            assert cut == [], name
            assert tab.locator("article details:not([open])").count() == 0
            tab.evaluate("dispatchEvent(new Event('afterprint'))")
            assert is_dark(tab)
            tab.close()
