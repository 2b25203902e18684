"""Open every built page, measure it, and say whether the book reaches what it wants to reach.

usage: python3 make.py audit [--runs N] [--again] [PAGE ...]

A page is named by a part of its path, such as 08_backward. --runs is how often Lighthouse measures
each page (3; 0 leaves it out); not 404.html, which no search engine is to list. What was measured
is kept in build/audit until the page changes, so an audit that was interrupted goes on where it
stopped; --again measures all afresh. Build the pages first: python3 make.py book.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests import pages
from tests.audit import browser, tools
from tests.audit.findings import Findings
from tests.audit.kept import Kept
from tests.pages import Page, attribute
from tests.test_browser import FLAGS, HOW_TO_INSTALL, chromium, served

SITE = pages.REPO / "build" / "_build" / "html"
ALONE = ("index.html", "404.html")  # one leads on, one is for wrong addresses: neither is listed
PROPERTIES = ("og:title", "og:description", "og:image")


def read(site: Path, chosen: list[Page], found: Findings) -> None:
    """Note what can be seen without a browser."""
    everything = pages.pages(site)
    titles = Counter(p.soup.title.get_text() if p.soup.title else "" for p in everything)
    descriptions = Counter(description(p) for p in everything if p.name not in ALONE)
    reached = reachable(site)
    for p in chosen:
        found.add("links", p.name, pages.broken_links(p))
        found.add("external", p.name, pages.external_addresses(p.soup))
        found.add("orphans", p.name, [] if p.name in reached else ["no page leads here"])
        article = p.soup.select_one("article")
        raw = [] if article is None or is_source(p) else pages.raw_markup(article)
        found.add("markup", p.name, raw + pages.bad_formulas(p.soup))
        found.add("figures", p.name, bad_figures(p))
        found.add("head", p.name, bad_head(p, titles, descriptions))
        sizes = pages.weight(p)
        found.note("bytes", p.name, sum(sizes.values()) / 1000)
        found.note("code bytes", p.name, (sizes.get(".js", 0) + sizes.get(".css", 0)) / 1000)
    files = ("robots.txt", "404.html", "_static/favicon.svg")
    missing = [name for name in files if not (site / name).is_file()]
    if "@media print" not in (site / "_static" / "site.css").read_text(encoding="utf-8"):
        missing.append("a print style")
    found.add("files", "the site", missing)


def addresses(site: Path, chosen: list[Page], found: Findings) -> None:
    """Note the addresses that pages give themselves; where they have none yet, those of a copy."""
    with tempfile.TemporaryDirectory() as folder:
        if not (site / "sitemap.xml").is_file():
            say("The repository has no address yet: a copy of the book with one is built.")
            site = addressed_copy(Path(folder))
        sitemap = (site / "sitemap.xml").read_text(encoding="utf-8")
        for p in chosen:
            found.add("canonical", p.name, bad_address(pages.page(site, p.name), sitemap))


def addressed_copy(folder: Path) -> Path:
    """Build the book as it is once its repository has an address, and return the pages."""
    source = pages.copy_of_sources(folder / "source")
    pages.with_repository(source, "https://github.com/example/nnbook")
    built = pages.build(folder / "build", source)
    if built.code:
        raise SystemExit(f"The book does not build with an address:\n{built.log[-2000:]}")
    return built.html


def is_source(page: Page) -> bool:
    """Whether a page shows source code, in which a ``$`` is no formula that was forgotten."""
    return page.name.startswith("_modules/")


def description(page: Page) -> str:
    """Return what a page says of itself to a search engine."""
    found = page.soup.select_one("meta[name=description]")
    return attribute(found, "content") if found else ""


def bad_head(page: Page, titles: Counter[str], descriptions: Counter[str]) -> list[str]:
    """Return what the head of a page lacks, or shares with another page."""
    title = page.soup.title.get_text() if page.soup.title else ""
    wrong = [] if title and titles[title] == 1 else [f"title {title!r}"]
    if attribute(page.soup.select("html")[0], "lang") != "en":
        wrong.append("no lang")
    if page.name in ALONE:
        return wrong
    if not description(page) or descriptions[description(page)] > 1:
        wrong.append(f"description {description(page)!r}")
    return wrong + [p for p in PROPERTIES if not page.soup.select(f"meta[property='{p}'][content]")]


def bad_address(page: Page, sitemap: str) -> list[str]:
    """Return what is wrong with the one address that a page has for a search engine."""
    canonical = attribute(page.soup.select_one("link[rel=canonical]") or page.soup, "href")
    if page.name in ALONE:
        return []
    if not canonical.startswith("https://") or not canonical.endswith(f"/{page.name}"):
        return [f"canonical address {canonical!r}"]
    generated = is_source(page) or page.name == "search.html"
    return [] if generated or f"<loc>{canonical}</loc>" in sitemap else ["not in sitemap.xml"]


def bad_figures(page: Page) -> list[str]:
    """Return the pictures in the text of a page that lack something."""
    wrong = []
    for count, img in enumerate(page.soup.select("article img")):
        figure = img.find_parent("figure")
        lacks = [name for name in ("width", "height") if not img.has_attr(name)]
        if count and attribute(img, "loading") != "lazy":
            lacks.append("loading=lazy")
        if len(attribute(img, "alt").split()) < 8:
            lacks.append("alt text")
        if figure is None or figure.find("figcaption") is None:
            lacks.append("caption")
        if lacks:
            wrong.append(f"{attribute(img, 'src')}: {', '.join(lacks)}")
    return wrong


def reachable(site: Path) -> set[str]:
    """Return the pages that links lead to, from the first one on; forms lead to the search."""
    names = {p.path.resolve(): p.name for p in pages.pages(site)}
    reached, waiting = {*ALONE, "search.html"}, ["book/intro.html"]
    while waiting:
        here = pages.page(site, waiting.pop())
        reached.add(here.name)
        for link in here.soup.select("a[href]"):
            path = attribute(link, "href").partition("#")[0]
            name = names.get((here.path.parent / path).resolve())
            if name and name not in reached and name not in waiting:
                waiting.append(name)
    return reached


def audit(site: Path, parts: list[str], runs: int, again: bool = False) -> Findings:
    """Measure the pages whose names have one of the parts, or all."""
    chosen = [p for p in pages.pages(site) if not parts or any(x in p.name for x in parts)]
    if not chosen:
        raise SystemExit(f"no page has {' or '.join(parts)} in its name")
    program = chromium()
    if program is None:
        raise SystemExit(HOW_TO_INSTALL)
    folder = pages.REPO / "build" / "audit"
    node = tools.install(folder)
    axe = (node / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = Findings()
    read(site, chosen, found)
    addresses(site, chosen, found)
    errors = tools.html_errors(node, [p.path for p in chosen])
    for path, wrong in (errors or {}).items():
        found.add("html", path.relative_to(site).as_posix(), wrong)
    if errors is None:
        say("There is no Java here, so the Nu checker was not asked.")
    opened = [p for p in chosen if p.name != "index.html"]  # that one only leads on
    scored = [p for p in opened if p.name not in ALONE]
    kept = Kept(folder / "found.json", site)

    def once(page: Page, part: str, measure: Callable[[Findings], None]) -> None:
        """Measure one page, unless that was done since it changed."""
        before = None if again else kept.find(page, part)
        if before is None:
            start = time.monotonic()
            before = Findings()
            measure(before)
            kept.keep(page, part, before)
            say(f"  {page.name}: {part}, {time.monotonic() - start:.0f} s")
        else:
            say(f"  {page.name}: {part}, as measured before")
        found.take(before)

    with served(site, browser.ZippingHandler) as address:
        with sync_playwright() as playwright:
            window = playwright.chromium.launch(executable_path=program, args=FLAGS)
            for p in opened:
                once(p, "looks", functools.partial(look_at, window, address, p, axe))
            if not parts or "search.html" in {p.name for p in chosen}:
                browser.search(window, address, found)
            window.close()
        for p in scored if runs else []:
            once(
                p, f"Lighthouse x {runs}", functools.partial(score, node, program, address, p, runs)
            )
    report = folder / "report.txt"
    report.write_text(found.table([p.name for p in opened], told=None), encoding="utf-8")
    say(f"{found.table([p.name for p in opened])}\n\nAll of it: {report}")
    return found


def look_at(window: Browser, address: str, page: Page, axe: str, found: Findings) -> None:
    """Note what is seen in the browser, served and from disk."""
    browser.measure(window, address, page.name, axe, found)
    browser.disk(window, page.path, page.name, found)


def score(node: Path, program: str, address: str, page: Page, runs: int, found: Findings) -> None:
    """Note what Lighthouse says."""
    for name, value in tools.lighthouse(node, program, address + page.name, runs).items():
        found.note(name, page.name, value)


def say(text: str) -> None:
    """Print at once: an audit takes a while."""
    print(text, flush=True)


def main(arguments: list[str]) -> int:
    """Audit what the command line names; 1 where something is not met."""
    parser = argparse.ArgumentParser(
        prog="make.py audit", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--runs", type=int, default=3, help="of Lighthouse on each page; 0: none")
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="a part of a page's path")
    chosen = parser.parse_args(arguments)
    if not (SITE / "index.html").is_file():
        raise SystemExit("There are no pages yet: python3 make.py book builds them.")
    return 1 if audit(SITE, chosen.pages, chosen.runs, chosen.again).missed() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
