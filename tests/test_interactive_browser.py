"""The figure of the steps in a real browser: its numbers, and every way to operate it.

On a small page with two figures, and on each page of the book that has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator
from playwright.sync_api import Page as Tab

from nnbook.interactive.steps import EQUATIONS
from nnbook.interactive.walk import Step, show, walk
from tests import pages
from tests.pages import book_build, book_html
from tests.steps_figure import ACTIVATIONS, INPUTS, TARGET, figure, network
from tests.test_browser import FLAGS, Visit, browser, context, served, visit

__all__ = ["FLAGS", "book_build", "book_html", "browser"]  # fixtures, found by their names

pytestmark = pytest.mark.browser

LAST = len(EQUATIONS)
SLUGS = {label.lower(): activation for label, activation in ACTIVATIONS.items()}
STATES = [f"{a}.{x.lower()}" for a, x in product(SLUGS, INPUTS)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a page with two figures and return its address; beside it lies another page."""
    folder = tmp_path_factory.mktemp("figures")
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Steps</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"></head>'
    )
    (folder / "steps.html").write_text(
        f'{head}<body style="margin: 8px"><h1>Steps</h1>\n{figure("steps").html()}\n'
        f'<p id="anchor">Between</p>\n{figure("other").html()}</body></html>',
        encoding="utf-8",
    )
    (folder / "before.html").write_text(
        f'{head}<body><a href="steps.html">Steps</a></body></html>', encoding="utf-8"
    )
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def chapters(book_html: Path) -> Iterator[list[str]]:
    """Serve the book and return the addresses of the pages with the figure."""
    calling = [p.stem for p in pages.notebooks() if "step_through(" in p.read_text("utf-8")]
    having = [p.name for p in pages.content_pages(book_html) if p.soup.select(".nn-steps")]
    assert having == [f"notebooks/{name}.html" for name in calling]
    if not having:
        pytest.skip("no chapter has the figure of the steps yet")
    with served(book_html) as address:
        yield [address + name for name in having]


def open_figure(tab: Tab, name: str = "steps") -> Locator:
    return tab.locator(f"#figure-{name}")


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def where(root: Locator) -> str:
    return root.locator(".nn-where").inner_text()


def state(tab: Tab, name: str = "steps") -> str | None:
    found = re.search(rf"[?&]{name}=([^&#]*)", tab.url)
    return found[1] if found else None


# ---- the numbers --------------------------------------------------------------------------------

READ = """root => ({
  where: root.querySelector('.nn-where').innerText,
  title: root.querySelector('.nn-title').innerText,
  lines: [...root.querySelectorAll('.nn-formulas > div')].map(line => line.textContent),
  labels: [...root.querySelectorAll('.nn-equations [data-equation]')]
    .map(label => label.dataset.equation),
  code: [...root.querySelectorAll('.nn-code div')].map(code => code.textContent),
  slots: Object.fromEntries([...root.querySelectorAll('svg [data-slot]')]
    .map(slot => [slot.dataset.slot, slot.textContent.replace(/^[b∂] /, '')])),
  fresh: [...root.querySelectorAll('svg .nn-fresh')].map(slot => slot.dataset.slot),
  lit: [...new Set([...root.querySelectorAll('svg .nn-lit')].map(part => part.dataset.part))],
  said: root.querySelector('.nn-said').textContent,
})"""


def check_step(seen: dict[str, Any], steps: list[Step], number: int, start: dict[str, str]) -> None:
    """Compare what a figure shows in a step with what nnbook computes."""
    step = steps[number]
    assert seen["where"] == f"Step {number + 1} of {LAST}, {step.phase}"
    assert seen["title"] == step.title
    assert seen["labels"] == list(EQUATIONS[step.key])
    assert seen["code"] == [step.nnbook, step.keras]
    assert len(seen["lines"]) == len(step.lines)
    for line, text in zip(step.lines, seen["lines"], strict=True):
        symbols = re.sub(r"[\^_]", "", line.symbols)
        numbers = re.sub(r"e\^\(([^)]*)\)", r"e\1", line.numbers)
        pieces = [re.escape(piece) for piece in (symbols, numbers, show(line.value)) if piece]
        assert re.fullmatch(" [=≈] ".join(pieces), text), (step.key, text)
        assert f"{line.words}: {show(line.value)}" in seen["said"]
    known = start | {
        line.slot: show(line.value) for past in steps[: number + 1] for line in past.lines
    }
    assert {slot: text for slot, text in seen["slots"].items() if text} == known
    assert sorted(seen["fresh"]) == sorted(line.slot for line in step.lines)
    assert sorted(seen["lit"]) == sorted(step.lit.split())


def walk_through(tab: Tab, name: str = "steps") -> int:
    """Go through all runs and steps of a figure by its buttons; return how many were seen."""
    root = open_figure(tab, name)
    seen = 0
    model = network("relu")
    start: dict[str, str] = {}
    for layer, (w, b) in enumerate((d.get_weights() for d in model.layers), start=1):
        start |= {
            f"w{layer}{k + 1}{j + 1}": show(float(w[k, j]))
            for k in range(w.shape[0])
            for j in range(w.shape[1])
        }
        start |= {f"b{layer}{j + 1}": show(float(b[j])) for j in range(len(b))}
    for activation, x in product(ACTIVATIONS, INPUTS):
        root.locator(f".nn-choice button[value={activation.lower()}]").click()
        root.locator(f".nn-choice button[value={x.lower()}]").click()
        root.locator(".nn-next").focus()
        tab.keyboard.press("Home")
        steps = walk(network(ACTIVATIONS[activation]), INPUTS[x], TARGET)
        for number in range(LAST):
            if number:
                root.locator(".nn-next").click()
            check_step(root.evaluate(READ), steps, number, start)
            seen += 1
    return seen


def test_every_step_shows_the_numbers_of_nnbook(browser: Browser, site: str) -> None:
    with context(browser) as window:
        opened = visit(window, f"{site}steps.html", still=True)
        assert walk_through(opened.tab) == len(STATES) * LAST
        assert_clean(opened, site)


def test_every_step_on_the_pages_of_the_book(browser: Browser, chapters: list[str]) -> None:
    with context(browser) as window:
        for address in chapters:
            opened = visit(window, address, still=True)
            root = opened.tab.locator(".nn-steps").first
            name = root.get_attribute("data-name")
            assert name is not None
            assert not root.locator(".nn-tables").is_visible(), "the tables wait for their button"
            assert walk_through(opened.tab, name) == len(STATES) * LAST
            links = opened.tab.locator(".nn-steps-table a[data-equation]")
            assert links.count() > 0, "no label of an equation is a link"
            assert_clean(opened, address.rsplit("/notebooks/")[0])


def assert_clean(opened: Visit, address: str) -> None:
    assert opened.problems == []
    assert [url for url in opened.requests if not url.startswith((address, "data:"))] == []


# ---- ways to operate it -------------------------------------------------------------------------


def test_mouse(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        assert where(root) == f"Step 1 of {LAST}, forward"
        button(root, "Next").click()
        button(root, "Next").click()
        assert where(root).startswith("Step 3 ")
        button(root, "Previous").click()
        assert where(root).startswith("Step 2 ")
        slider = root.get_by_role("slider", name="step")
        box = slider.bounding_box()
        assert box is not None
        tab.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
        assert where(root).startswith(f"Step {LAST} ")
        assert button(root, "Next").get_attribute("aria-disabled") == "true"
        button(root, "Next").click(force=True)  # there is nothing after the last
        assert where(root).startswith(f"Step {LAST} ")
        button(root, "sigmoid").click()
        pressed = root.locator(".nn-choice button[aria-pressed=true]")
        assert pressed.all_inner_texts() == ["sigmoid", "A (1, 2)"]
        assert not root.locator(".nn-tables").is_visible()
        button(root, "All steps as tables").click()
        shown = root.locator("table:visible caption").all_inner_texts()
        assert shown[1:] == ["sigmoid, input A (1, 2)"]
        assert shown[0] == "The steps"


def test_keyboard_alone(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        reached = []
        for _ in range(9):
            tab.keyboard.press("Tab")
            now = tab.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e); "
                "return [e.innerText || e.ariaLabel, parseFloat(s.outlineWidth), "
                "s.outlineStyle] })()"
            )
            assert now[1] >= 2, f"the focus cannot be seen on {now[0]}"
            assert now[2] != "none"
            reached.append(now[0].strip("← →"))
        assert reached == [
            *("ReLU", "sigmoid", "A (1, 2)", "B (2, 1)", "C (−1, 0.5)"),
            *("Previous", "step", "Next", "All steps as tables"),
        ]
        for place in (".nn-next", ".nn-slider", "button[value=a]"):
            control = root.locator(place)
            control.focus()
            for key, number in (
                ("ArrowRight", 2),
                ("ArrowRight", 3),
                ("ArrowLeft", 2),
                ("End", LAST),
                ("ArrowRight", LAST),
                ("Home", 1),
                ("ArrowLeft", 1),
            ):
                tab.keyboard.press(key)
                assert where(root).startswith(f"Step {number} "), (key, place)
                assert control.evaluate("e => e === document.activeElement"), "the focus moved"
        button(root, "sigmoid").focus()
        tab.keyboard.press("Enter")
        button(root, "C (−1, 0.5)").focus()
        tab.keyboard.press("Space")
        button(root, "Next").focus()
        tab.keyboard.press("Enter")
        assert state(tab) == "sigmoid.c.2"
        tab.keyboard.press("Alt+ArrowRight")  # the browser's own keys are left to it
        tab.keyboard.press("Shift+End")
        assert state(tab) == "sigmoid.c.2"


def test_touch(browser: Browser, site: str) -> None:
    phone: Any = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    with phone as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        button(root, "Next").tap()
        button(root, "B (2, 1)").tap()
        button(root, "sigmoid").tap()
        assert state(tab) == "sigmoid.b.2"
        sizes = root.locator("button, input").evaluate_all(
            "all => all.map(e => [e.innerText || e.ariaLabel, e.clientWidth ? "
            "e.getBoundingClientRect().width : 0, e.getBoundingClientRect().height])"
        )
        assert len(sizes) == 9
        assert [size for size in sizes if size[1] < 44 or size[2] < 44] == []
        assert not root.locator(".nn-hint").is_visible()  # it speaks of keys


def test_screen_readers_are_told(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        said = root.locator("[aria-live=polite]")
        assert said.inner_text() == "", "a page that has just opened says nothing"
        heard = set()
        for _ in range(LAST - 1):
            button(root, "Next").click()
            heard.add(said.text_content())
        assert len(heard) == LAST - 1
        assert "Step 9 of 15, backward. Output delta. delta of the output neuron: −2." in heard, (
            heard
        )
        button(root, "C (−1, 0.5)").click()
        assert said.text_content() not in heard
        assert root.get_by_role("slider").get_attribute("aria-valuetext") == f"{LAST} of {LAST}"
        assert root.get_by_role("group", name="Input").count() == 1
        assert root.get_by_role("img").count() == 1


# ---- the address --------------------------------------------------------------------------------


def test_state_stands_in_the_address(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}steps.html?highlight=delta#anchor").tab
        assert state(tab) is None
        root = open_figure(tab)
        button(root, "sigmoid").click()
        button(root, "B (2, 1)").click()
        for _ in range(6):
            button(root, "Next").click()
        assert tab.url == f"{site}steps.html?highlight=delta&steps=sigmoid.b.7#anchor"
        shown = root.evaluate(READ)
        tab.reload()
        assert root.evaluate(READ) == shown | {"said": ""}
        # the other figure has a state of its own
        other = open_figure(tab, "other")
        assert where(other).startswith("Step 1 ")
        button(other, "Next").click()
        assert (state(tab), state(tab, "other")) == ("sigmoid.b.7", "relu.a.2")
        tab.reload()
        assert (where(root)[:7], where(other)[:7]) == ("Step 7 ", "Step 2 ")


@pytest.mark.parametrize(
    "wrong",
    ["", "relu", "relu.a", "relu.a.0", "relu.a.16", "relu.a.x", "relu.z.3", "tanh.a.3", "..3"],
)
def test_addresses_of_nothing_lead_to_the_start(browser: Browser, site: str, wrong: str) -> None:
    with context(browser) as window:
        opened = visit(window, f"{site}steps.html?steps={wrong}")
        assert where(open_figure(opened.tab)) == f"Step 1 of {LAST}, forward"
        assert opened.problems == []


def test_back_leads_to_the_page_before(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}before.html").tab
        tab.get_by_role("link").click()
        root = open_figure(tab)
        for _ in range(4):
            button(root, "Next").click()
        assert state(tab) == "relu.a.5"
        # an anchor of the page is a place of its own, and the figure goes back with the address
        tab.evaluate("location.hash = 'anchor'")
        button(root, "Next").click()
        assert tab.url.endswith("?steps=relu.a.6#anchor")
        tab.go_back()
        tab.wait_for_function("!location.hash")
        assert where(root).startswith("Step 5 ")
        tab.go_back()
        assert tab.url.endswith("before.html")


# ---- looks --------------------------------------------------------------------------------------

# The contrast of every text with what lies behind it, as far as it is seen.
CONTRASTS = """root => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = rgb(colour).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (element.matches('svg g:has(rect) text')) return getComputedStyle(
      element.parentElement.querySelector('rect')).fill;
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (rgb(colour)[3] !== 0) return colour;
    }
  };
  return [...root.querySelectorAll('*')].filter(e => e.checkVisibility()
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest('svg') ? style.fill : style.color), light(behind(e))].sort();
    return [e.textContent.slice(0, 30), (b + 0.05) / (a + 0.05)];
  });
}"""


def is_dark_figure(root: Locator) -> bool:
    rgb = root.evaluate("e => getComputedStyle(e).backgroundColor.match(/\\d+/g).map(Number)")
    return bool(sum(rgb[:3]) < 3 * 128)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast(browser: Browser, site: str, dark: bool) -> None:
    with context(browser, dark=dark) as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        assert is_dark_figure(root) == dark
        button(root, "All steps as tables").click()
        for key in ("Home", "ArrowRight", "End", "ArrowLeft", "ArrowLeft"):
            root.locator(".nn-next").focus()
            tab.keyboard.press(key)
            found = root.evaluate(CONTRASTS)
            assert len(found) > 150
            assert [(text, ratio) for text, ratio in found if ratio < 7] == []


@pytest.mark.parametrize("dark", [False, True])
def test_theme_follows_the_page_and_jupyter(browser: Browser, site: str, dark: bool) -> None:
    """Whatever the system prefers, the book's switch and Jupyter's theme win."""
    with context(browser, dark=not dark) as window:
        tab = visit(window, f"{site}steps.html").tab
        root = open_figure(tab)
        assert is_dark_figure(root) != dark
        tab.evaluate(f"document.documentElement.dataset.theme = '{'dark' if dark else 'light'}'")
        assert is_dark_figure(root) == dark
        tab.evaluate("delete document.documentElement.dataset.theme")
        assert is_dark_figure(root) != dark
        tab.evaluate(f"document.body.dataset.jpThemeLight = {json.dumps(str(not dark).lower())}")
        assert is_dark_figure(root) == dark


def test_what_is_lit_differs_in_width_and_direction(browser: Browser, site: str) -> None:
    """Not in colour alone."""
    with context(browser, dark=False) as window:
        tab = visit(window, f"{site}steps.html?steps=relu.a.2").tab
        widths = (
            "part => [...document.querySelectorAll(`#figure-steps svg ${part}`)]"
            ".map(e => parseFloat(getComputedStyle(e).strokeWidth))"
        )
        for part in (".nn-edge", "rect"):
            lit = tab.evaluate(widths, f".nn-lit {part}")
            unlit = tab.evaluate(widths, f"g:not(.nn-lit) > {part}")
            assert lit, part
            assert unlit, part
            assert min(lit) >= 2 * max(unlit)
        filled = (
            "kind => [...document.querySelectorAll(`#figure-steps .nn-lit .nn-${kind}`)]"
            ".filter(e => getComputedStyle(e).fill !== 'none').length"
        )
        arrows = {}
        for step in (2, 11):
            tab.goto(f"{site}steps.html?steps=relu.a.{step}")
            arrows[step] = (tab.evaluate(filled, "ahead"), tab.evaluate(filled, "astern"))
        assert arrows == {2: (2, 0), 11: (0, 2)}


def test_texts_of_the_drawing_do_not_overlap(browser: Browser, site: str) -> None:
    overlapping = """all => {
      const boxes = all.filter(e => e.textContent).map(e => [e, e.getBBox()]);
      return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
        .filter(([b, q]) => p.x < q.x + q.width && q.x < p.x + p.width
          && p.y + 4 < q.y + q.height - 4 && q.y + 4 < p.y + p.height - 4)
        .map(([b]) => `${a.textContent} and ${b.textContent}`));
    }"""
    with context(browser) as window:
        tab = window.new_page()
        for run, step in product(STATES, (1, 13, 14, 15)):
            tab.goto(f"{site}steps.html?steps={run}.{step}")
            texts = open_figure(tab).locator("svg text")
            assert len([text for text in texts.all_text_contents() if text]) > 25
            assert texts.evaluate_all(overlapping) == [], (run, step)


def test_fits_a_phone(browser: Browser, site: str, chapters_or_none: list[str]) -> None:
    with context(browser, 360) as window:
        for address in [f"{site}steps.html", *chapters_or_none]:
            tab = visit(window, address).tab
            root = tab.locator(".nn-steps").first
            button(root, "sigmoid").click()
            button(root, "All steps as tables").click()
            for number in range(1, LAST + 1):
                assert where(root).startswith(f"Step {number} ")
                inner, outer = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
                assert inner <= outer, where(root)
                cut = root.locator(
                    "button, input, .nn-formulas > div, .nn-code, svg, p:not(td p)"
                ).evaluate_all(
                    "all => all.filter(e => e.checkVisibility() && !e.matches('.nn-said')"
                    " && (e.scrollWidth > e.clientWidth + 1 && e.tagName !== 'svg'"
                    " || e.getBoundingClientRect().right > innerWidth)).map(e => e.outerHTML)"
                )
                assert cut == [], where(root)
                button(root, "Next").click(force=True)
            texts = root.locator("svg text").evaluate_all(
                "all => all.map(e => e.getBoundingClientRect().height)"
            )
            assert min(text for text in texts if text) >= 11, "too small to read"


@pytest.fixture(scope="module")
def chapters_or_none(request: pytest.FixtureRequest) -> list[str]:
    """Return the pages of the book with the figure; none of them is no reason to skip."""
    try:
        found: list[str] = request.getfixturevalue("chapters")
    except pytest.skip.Exception:
        return []
    return found


def test_reduced_motion(browser: Browser, site: str) -> None:
    durations = {}
    motions: tuple[Literal["reduce", "no-preference"], ...] = ("reduce", "no-preference")
    for motion in motions:
        with browser.new_context(reduced_motion=motion) as window:
            tab = visit(window, f"{site}steps.html").tab
            root = open_figure(tab)
            found = root.locator("*").evaluate_all(
                "all => all.flatMap(e => [getComputedStyle(e).transitionDuration,"
                " getComputedStyle(e).animationDuration])"
            )
            durations[motion] = {time for times in found for time in times.split(", ")}
            button(root, "Next").click()
            if motion == "reduce":
                assert tab.evaluate("document.getAnimations().length") == 0
    assert durations == {"reduce": {"0s"}, "no-preference": {"0s", "0.2s"}}


# ---- without JavaScript, on paper, in Jupyter ---------------------------------------------------


@pytest.mark.parametrize("paper", [False, True])
def test_without_javascript_there_are_tables(browser: Browser, site: str, paper: bool) -> None:
    with context(browser, js=False) as window:
        opened = visit(window, f"{site}steps.html")
        if paper:
            opened.tab.emulate_media(media="print")
        root = open_figure(opened.tab)
        assert root.locator("table:visible").count() == 1 + len(STATES)
        assert root.locator("svg").is_visible()
        assert root.locator("button:visible, input:visible, .nn-now:visible").count() == 0
        rows = root.locator("div[data-run='sigmoid.c'] tbody tr").all_inner_texts()
        steps = walk(network("sigmoid"), INPUTS["C"], TARGET)
        for step, row in zip(steps, rows, strict=True):
            for line in step.lines:
                assert show(line.value) in row
        assert opened.problems == []


def test_on_paper_the_tables_of_the_run_are_printed(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}steps.html?steps=sigmoid.b.4").tab
        tab.emulate_media(media="print")
        root = open_figure(tab)
        captions = root.locator("table:visible caption").all_inner_texts()
        assert captions[1:] == ["sigmoid, input B (2, 1)"]
        assert root.locator("button:visible, input:visible").count() == 0


def test_in_jupyterlab(browser: Browser, site: str) -> None:
    """There the output is put into a page that is open already, whose address is not ours."""
    page = (
        '<!DOCTYPE html><title>Lab</title><body data-jp-theme-light="false">'
        '<div class="jp-LabShell"><div id="output"></div></div></body>'
    )
    with context(browser) as window:
        opened = visit(window, f"{site}before.html")
        tab = opened.tab
        tab.set_content(page)
        for _ in range(2):  # the cell is run again
            tab.evaluate(
                """html => {
                  const output = document.createElement('div');
                  output.innerHTML = html;
                  for (const script of output.querySelectorAll('script')) {
                    const live = document.createElement('script');
                    live.textContent = script.textContent;
                    script.replaceWith(live);
                  }
                  document.getElementById('output').replaceChildren(output);
                }""",
                figure().html(),
            )
            root = open_figure(tab)
            assert is_dark_figure(root)
            button(root, "Next").click()
            assert where(root) == f"Step 2 of {LAST}, forward"
            assert tab.url == f"{site}before.html"
        assert opened.problems == []
