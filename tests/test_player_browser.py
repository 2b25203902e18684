"""The player in a real browser: its frames are nnbook's, and every way to operate it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator
from playwright.sync_api import Page as Tab

from nnbook.interactive.player import follow, show
from nnbook.optimizers import SGD
from tests.test_browser import browser, context, served, visit
from tests.test_player import (
    RATES,
    RULES,
    bowl,
    curve_figure,
    plane_figure,
    ravine,
    ravine_gradient,
)

__all__ = ["browser"]  # a fixture, found by its name

pytestmark = pytest.mark.browser

STEPS = 8  # of the figures here


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a page with two figures and return its address."""
    folder: Path = tmp_path_factory.mktemp("players")
    (folder / "player.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Player</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"></head><body style="margin: 8px"><h1>Player</h1>\n'
        f"{curve_figure(steps=STEPS).html()}\n{plane_figure(steps=STEPS).html()}</body></html>",
        encoding="utf-8",
    )
    with served(folder) as address:
        yield f"{address}player.html"


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def step(root: Locator) -> str:
    return root.locator(".nn-where").inner_text().split(",")[0]


def values(root: Locator) -> list[str]:
    return root.locator(".nn-values b").all_inner_texts()


def shown(*pieces: Any) -> list[str]:
    """Return what a frame shows of some arrays."""
    texts = []
    for piece in pieces:
        numbers = [show(float(v)) for v in piece]
        texts.append(numbers[0] if len(numbers) == 1 else f"({', '.join(numbers)})")
    return texts


# ---- the numbers --------------------------------------------------------------------------------


def test_every_frame_shows_the_numbers_of_nnbook(browser: Browser, site: str) -> None:
    ways = {
        ("rates", label): follow(SGD(rate), bowl, lambda t: 2 * t, [2.0], STEPS)
        for label, rate in RATES.items()
    } | {
        ("rules", label): follow(rule, ravine, ravine_gradient, [-2.5, 0.9], STEPS)
        for label, rule in RULES.items()
    }
    with context(browser) as window:
        opened = visit(window, site, still=True)
        for (name, label), way in ways.items():
            root = opened.tab.locator(f"#figure-{name}")
            button(root, label).click()
            button(root, "Next").focus()
            opened.tab.keyboard.press("Home")
            for i in range(STEPS + 1):
                if i:
                    button(root, "Next").click()
                assert step(root) == f"Step {i} of {STEPS}"
                assert label in root.locator(".nn-where").inner_text()
                assert values(root) == shown(way.theta[i], [way.loss[i]], way.grad[i], way.step[i])
                others = root.locator(".nn-others").inner_text()
                for (figure, other), their in ways.items():
                    assert (f"{other}: {show(their.loss[i])}" in others) or figure != name
                places = root.locator(".nn-lit .nn-way").get_attribute("points")
                assert places is not None
                assert len(places.split()) == i + 1
        assert opened.problems == []
        assert [url for url in opened.requests if not url.startswith((site, "data:"))] == []


def test_a_ball_that_has_left_is_said_to_have_left(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, f"{site}?rates=1-05.1").tab
        root = tab.locator("#figure-rates")
        gone = []
        for i in range(STEPS + 1):
            if i:
                button(root, "Next").click()
            gone.append("outside of the picture" in root.locator(".nn-others").inner_text())
        way = follow(SGD(1.05), bowl, lambda t: 2 * t, [2.0], STEPS)
        assert gone == [bool(abs(w) > 3) for w in way.theta[:, 0]]
        assert any(gone)
        assert not all(gone)


# ---- ways to operate it -------------------------------------------------------------------------


def test_it_plays_on_request_pauses_and_stops_at_the_end(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, site).tab
        tab.clock.install(time=0)
        tab.reload()
        tab.clock.pause_at(60)  # seconds; else time goes on while a slow machine asks
        root = tab.locator("#figure-rates")
        tab.clock.run_for(5000)
        assert step(root) == f"Step 0 of {STEPS}", "nobody has asked for it"
        button(root, "Play").click()
        tab.clock.run_for(1100)
        assert step(root) == f"Step 2 of {STEPS}"
        said = root.locator("[aria-live=polite]")
        assert said.text_content() == "", "frames that pass are not read out"
        button(root, "Pause").click()
        assert str(said.text_content()).startswith(f"Step 2 of {STEPS}. w: ")
        tab.clock.run_for(2000)
        assert step(root) == f"Step 2 of {STEPS}"
        button(root, "Play").click()
        tab.clock.run_for(20_000)
        assert step(root) == f"Step {STEPS} of {STEPS}"
        button(root, "Play").click()  # again from the start
        assert step(root) == f"Step 0 of {STEPS}"
        tab.clock.run_for(600)
        button(root, "Next").click()  # whoever takes the controls stops the play
        tab.clock.run_for(2000)
        assert step(root) == f"Step 2 of {STEPS}"
        assert button(root, "Play").count() == 1


def test_keyboard_alone(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, site).tab
        tab.clock.install()
        tab.reload()
        root = tab.locator("#figure-rules")
        slider = root.get_by_role("slider", name="step")
        for control in (slider, button(root, "Next"), button(root, "Play")):
            control.focus()
            outline = control.evaluate("e => getComputedStyle(e).outlineWidth")
            assert outline == "3px"
            for key, number in (("End", STEPS), ("ArrowLeft", STEPS - 1), ("Home", 0)):
                tab.keyboard.press(key)
                assert step(root) == f"Step {number} of {STEPS}", key
        slider.focus()
        tab.keyboard.press("Space")
        tab.clock.run_for(1100)
        assert step(root) == f"Step 2 of {STEPS}"
        tab.keyboard.press("ArrowRight")
        tab.clock.run_for(1100)
        assert step(root) == f"Step 3 of {STEPS}"
        button(root, "Play").focus()
        tab.keyboard.press("Space")
        tab.clock.run_for(600)
        tab.keyboard.press("Space")
        tab.clock.run_for(1100)
        assert step(root) == f"Step 4 of {STEPS}"
        button(root, "Adam").focus()
        tab.keyboard.press("Space")
        assert "Adam" in root.locator(".nn-where").inner_text()
        assert "rules=adam.5" in tab.url
        tab.reload()
        assert step(root) == f"Step 4 of {STEPS}"


def test_slider_and_screen_readers(browser: Browser, site: str) -> None:
    with context(browser) as window:
        tab = visit(window, site).tab
        root = tab.locator("#figure-rates")
        slider = root.get_by_role("slider", name="step")
        said = root.locator("[aria-live=polite]")
        assert said.text_content() == ""
        box = slider.bounding_box()
        assert box is not None
        tab.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
        assert step(root) == f"Step {STEPS} of {STEPS}"
        assert slider.get_attribute("aria-valuetext") == said.text_content()
        for value in values(root):
            assert value in str(said.text_content())
        button(root, "All steps as tables").click()
        assert root.locator("table:visible").count() == 1 + len(RATES)


# ---- looks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
def test_it_follows_light_and_dark(browser: Browser, site: str, dark: bool) -> None:
    with context(browser, dark=dark) as window:
        tab = visit(window, site).tab
        root = tab.locator("#figure-rules")
        colours = root.evaluate(
            """root => {
              const light = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(c => c / 255)
                  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const style = (what) => getComputedStyle(root.querySelector(what));
              return [light(getComputedStyle(root).backgroundColor), light(style('text').fill),
                light(style('.nn-lit .nn-way').stroke), light(style('.nn-lit .nn-hand').stroke),
                light(style('.nn-others').color)];
            }"""
        )
        paper, *inks = colours
        assert (paper < 0.2) == dark
        for ink in inks:
            low, high = sorted((paper, ink))
            assert (high + 0.05) / (low + 0.05) > 4.5
        widths = root.evaluate(
            "root => ['.nn-lit .nn-way', 'g:not(.nn-lit) > .nn-way'].map(what =>"
            " parseFloat(getComputedStyle(root.querySelector(what)).strokeWidth))"
        )
        assert widths[0] >= 2 * widths[1], "not in colour alone"


def test_it_fits_a_phone_and_a_finger(browser: Browser, site: str) -> None:
    with context(browser, 360) as window:
        tab: Tab = visit(window, site).tab
        sizes = tab.locator("button, input").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"
        )
        assert len(sizes) > 10
        assert min(min(size) for size in sizes) >= 44
        for name in ("rates", "rules"):
            root = tab.locator(f"#figure-{name}")
            button(root, "All steps as tables").click()
            button(root, "Next").focus()
            for key in ("End", "ArrowLeft", "Home"):
                tab.keyboard.press(key)
                inner, outer = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
                assert inner <= outer
            heights = root.locator("svg text:not([transform])").evaluate_all(
                "all => all.map(e => e.getBoundingClientRect().height)"
            )
            assert min(heights) >= 11


def test_reduced_motion(browser: Browser, site: str) -> None:
    """Nothing moves by itself, and nothing glides."""
    motions: tuple[Literal["reduce", "no-preference"], ...] = ("reduce", "no-preference")
    for motion in motions:
        with browser.new_context(reduced_motion=motion) as window:
            tab = visit(window, site).tab
            root = tab.locator("#figure-rates")
            tab.wait_for_timeout(700)
            assert step(root) == f"Step 0 of {STEPS}"
            button(root, "Next").click()
            assert tab.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("paper", [False, True])
def test_without_javascript(browser: Browser, site: str, paper: bool) -> None:
    with context(browser, js=False) as window:
        opened = visit(window, site)
        if paper:
            opened.tab.emulate_media(media="print")
        root = opened.tab.locator("#figure-rates")
        assert root.locator("svg").is_visible()
        assert root.locator("button:visible, input:visible, .nn-now:visible").count() == 0
        first = root.locator("table").first
        assert first.is_visible()
        way = follow(SGD(1.05), bowl, lambda t: 2 * t, [2.0], STEPS)
        last = first.locator("tbody tr").last.inner_text()
        assert show(way.theta[-1, 0]) in last
        assert show(way.loss[-1]) in last
        if not paper:
            root.locator("summary").last.click()
            rows = root.locator("[data-run='1-05'] tbody tr:visible")
            assert rows.count() == STEPS + 1
        assert opened.problems == []
