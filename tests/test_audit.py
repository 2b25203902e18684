"""The audit itself: what is wrong on a page is seen, and what is not met is said."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import pages
from tests.audit import browser as measures
from tests.audit.__main__ import addresses
from tests.audit.findings import ROWS, Findings
from tests.audit.kept import Kept
from tests.pages import book_build, book_html
from tests.test_browser import browser, served

__all__ = ["book_build", "book_html", "browser"]  # fixtures, found by their names

HERE = Path(measures.__file__).parent
GOOD = """<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width">
<title>Good</title><style>body { background: #fff; color: #000; } .red { color: #f00; }
.cell { content-visibility: auto; }
:focus-visible { outline: 3px solid; }</style></head><body>
<nav aria-label="Skip"><a href="#text">Skip</a></nav>
<main id="text"><h1>Good</h1><article><p>Text</p>FLAW</article></main></body></html>"""
NEEDS_JAVASCRIPT = """<main><h1 hidden>Bad</h1></main>
<script>document.querySelector("h1").hidden = false</script>"""
ROWS_IN_BROWSER = {"external", "errors", "axe", "axe, lesser", "keyboard", "sideways", "code"} | {
    "contrast",
    "covered",
    "drawn",
    "pixels",
    "shift",
}


@pytest.mark.parametrize(
    ("row", "good", "bad"),
    [("axe", 0, 1), ("contrast", 7, 6.9), ("performance", 90, 89), ("bytes", 600, 601)],
)
def test_what_is_not_met_is_said(row: str, good: float, bad: float) -> None:
    found = Findings()
    found.note(row, "a.html", good)
    assert found.missed() == []
    found.note(row, "b.html", bad)
    assert found.missed() == [row]
    line = next(x for x in found.table(["a.html"]).splitlines() if x.startswith(ROWS[row].what))
    assert line.split()[-2:] == ["MET", "b.html"]


def test_worst_value_of_a_page_counts() -> None:
    found = Findings()
    for value in (8, 3, 12):
        found.note("contrast", "a.html", value)
        found.note("bytes", "a.html", value)
    assert (found.result("contrast"), found.result("bytes")) == (3, 12)


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    found = Findings()
    assert found.missed() == []
    assert "not measured" in found.table(["a.html"])
    assert " met" not in found.table(["a.html"])


def test_there_are_twenty_questions_about_pages_that_exist() -> None:
    text = (HERE / "questions.toml").read_text(encoding="utf-8")
    questions = tomllib.loads(text)["questions"]
    assert len(questions) == 20
    for page in questions.values():
        assert any((pages.REPO / page).with_suffix(end).is_file() for end in (".md", ".ipynb"))


def test_tools_have_exact_versions() -> None:
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    assert {"axe-core", "lighthouse", "vnu-jar"} == set(package["dependencies"])
    assert all(v.replace(".", "").isdigit() for v in package["dependencies"].values())


@pytest.mark.browser
@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        ("", ""),
        ("contrast drawn", '<p class="red">faint</p>'),
        ("contrast drawn", '<p style="opacity: 0.4">faint</p>'),
        ("drawn", '<p style="filter: opacity(0.4)">faint</p>'),
        ("covered", '<p>one</p><p style="margin-top: -3em; background: #fff">two<br>two</p>'),
        (
            "drawn pixels",
            '<div style="position: fixed; inset: 0; background: #000c; pointer-events: none">'
            "</div>",
        ),
        ("sideways", '<div style="width: 2000px">wide</div>'),
        ("sideways", '<div class="cell"><div style="width: 2000px">wide</div></div>'),
        ("code", f'<div class="highlight"><pre style="overflow: auto">{"x" * 400}</pre></div>'),
        ("keyboard", '<a href="#text" style="outline: none">unseen</a>'),
        ("errors", "<script>throw new Error('broken')</script>"),
        ("errors", '<img src="nowhere.png" alt="">'),
        (
            "shift",
            "<script>setTimeout(() => document.querySelector('h1').style.marginTop = '300px', 300)"
            "</script>",
        ),
    ],
)
def test_flaw_is_seen(browser: Browser, tmp_path: Path, row: str, flaw: str) -> None:
    (tmp_path / "page.html").write_text(GOOD.replace("FLAW", flaw), encoding="utf-8")
    (tmp_path / "favicon.ico").write_bytes(b"")
    no_axe = "window.axe = { run: async () => ({ violations: [] }) }"
    found = Findings()
    with served(tmp_path, measures.ZippingHandler) as site:
        measures.measure(browser, site, "page.html", no_axe, found)
    assert set(found.values) == ROWS_IN_BROWSER
    assert found.missed() == row.split(), found.problems


@pytest.mark.browser
def test_page_that_needs_javascript_is_seen(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    for html, flaws in (("<main><h1>Good</h1></main>", 0), (NEEDS_JAVASCRIPT, 1)):
        path.write_text(html, encoding="utf-8")
        found = Findings()
        measures.disk(browser, path, "page.html", found)
        assert found.result("disk") == flaws


@pytest.mark.parametrize(
    ("head", "flaws"),
    [
        ('<link rel="canonical" href="https://example.org/page.html">', 0),
        ('<link rel="canonical" href="https://example.org/other.html">', 1),
        ('<link rel="canonical" href="https://example.com/page.html">', 1),
        ("", 1),
    ],
    ids=["good", "another page", "not in the map", "none"],
)
def test_page_without_its_address_is_seen(tmp_path: Path, head: str, flaws: int) -> None:
    (tmp_path / "page.html").write_text(head, encoding="utf-8")
    (tmp_path / "sitemap.xml").write_text(
        "<loc>https://example.org/page.html</loc>", encoding="utf-8"
    )
    found = Findings()
    addresses(tmp_path, [pages.page(tmp_path, "page.html")], found)
    assert found.result("canonical") == flaws


@pytest.mark.browser
def test_search_answers_what_learners_ask(browser: Browser, book_html: Path) -> None:
    found = Findings()
    with served(book_html, measures.ZippingHandler) as site:
        measures.search(browser, site, found)
    assert found.result("search") == 0, list(found.problems["search"])


def test_what_was_found_is_kept_until_the_page_changes(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>One</h1>", encoding="utf-8")
    found = Findings()
    found.add("axe", "page.html", ["a flaw"])
    Kept(tmp_path / "found.json", tmp_path).keep(pages.page(tmp_path, "page.html"), "looks", found)
    again = Kept(tmp_path / "found.json", tmp_path)
    page = pages.page(tmp_path, "page.html")
    assert again.find(page, "looks") == found
    assert again.find(page, "Lighthouse x 3") is None
    (tmp_path / "page.html").write_text("<h1>Two</h1>", encoding="utf-8")
    assert again.find(page, "looks") is None
