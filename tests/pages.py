"""The book's pages, built once for all tests, and what can be read from them without a browser."""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

REPO = Path(__file__).resolve().parents[1]
BUILD = "import pathlib, sys, make; make.build_book(pathlib.Path(sys.argv[1]))"

EXTERNAL = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
# What is left of Markdown and TeX where it was not understood. Code and formulas are taken out
# before this is searched for.
RAW_MARKUP = re.compile(
    r"\$|\\[([\])]|\\(?:begin|end|frac|sum|partial|mathbb)\b|:::|```"
    r"|\{(?:eq|cite|doc|ref|numref|math|term|glue|download|prf)(?::\w+)?\}|\{[.#][A-Za-z]"
    r"|\*\*|\]\([^)]*\)"
)
# Attributes and the elements on which a browser fetches what they name, without being asked.
FETCHED: dict[str, tuple[str, ...] | None] = {
    "src": None,  # on any element
    "srcset": None,
    "poster": None,
    "background": None,
    "data": ("object",),
    "href": ("link", "use", "image"),
}
WAIT = 600  # seconds for a build, on a busy machine
NOT_FETCHED = {"canonical", "next", "prev", "index", "search", "author", "license", "alternate"}


@dataclass(frozen=True)
class Build:
    """What one run of the builder left."""

    code: int
    log: str
    html: Path


@dataclass(frozen=True)
class Page:
    """One page of the built site."""

    site: Path
    path: Path
    soup: BeautifulSoup

    @property
    def name(self) -> str:
        return self.path.relative_to(self.site).as_posix()

    @property
    def article(self) -> Tag:
        found = self.soup.select_one("article")
        assert found is not None, f"{self.name} has no article"
        return found


# ---- building -----------------------------------------------------------------------------------


def build(output: Path, source: Path = REPO) -> Build:
    """Build the book of a source tree with that tree's own make.py."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(output)],
        cwd=source,
        env={**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return Build(done.returncode, done.stdout, output / "_build" / "html")


def copy_of_sources(folder: Path) -> Path:
    """Copy what a build reads, for a test that changes some of it."""
    for name in ("book", "notebooks", "nnbook", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(REPO / name, folder / name, ignore=ignored)
    for name in ("make.py", "pyproject.toml"):
        shutil.copy(REPO / name, folder / name)
    return folder


def with_repository(source: Path, url: str) -> None:
    """Write the address of the public repository into the configuration of a source tree."""
    path = source / "book" / "_config.yml"
    old = path.read_text(encoding="utf-8")
    new = re.sub(r'(?m)^  url: ".*"$', f'  url: "{url}"', old)
    assert yaml.safe_load(new)["repository"]["url"] == url
    path.write_text(new, encoding="utf-8")


@pytest.fixture(scope="session")
def book_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the book, without any address of a public repository, once for all tests.

    NNBOOK_PAGES names a folder of pages that are built already, to be tested in its place.
    """
    if pages_there := os.environ.get("NNBOOK_PAGES"):
        return Build(0, "", Path(pages_there).resolve())
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return build_once(shared / "book")


@functools.cache  # pytest would build once for each module that imports the fixture
def build_once(folder: Path) -> Build:
    """Build a copy of the sources in a new folder, or wait for the process that does so already."""
    told = folder / "build.json"
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + WAIT
        while not told.exists():
            assert time.monotonic() < until, f"{folder} was begun and never finished"
            time.sleep(0.2)
        code, log = json.loads(told.read_text(encoding="utf-8"))
        return Build(code, log, folder / "build" / "_build" / "html")
    source = copy_of_sources(folder / "source")
    with_repository(source, "")
    built = build(folder / "build", source)
    new = folder / "build.json.new"
    new.write_text(json.dumps([built.code, built.log]), encoding="utf-8")
    new.replace(told)
    return built


@pytest.fixture(scope="session")
def book_html(book_build: Build) -> Path:
    """Return the folder of the built pages."""
    assert book_build.code == 0, f"the book does not build:\n{book_build.log[-4000:]}"
    return book_build.html


# ---- reading ------------------------------------------------------------------------------------


@functools.cache
def page(site: Path, name: str) -> Page:
    """Read one page."""
    path = site / name
    return Page(site, path, BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser"))


def pages(site: Path) -> list[Page]:
    """Read every page of the site."""
    return [page(site, path.relative_to(site).as_posix()) for path in sorted(site.rglob("*.html"))]


def content_pages(site: Path) -> list[Page]:
    """Read the pages that somebody wrote: those of the table of contents."""
    toc = yaml.safe_load((REPO / "book" / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(item["file"] for part in toc["parts"] for item in part["chapters"])]
    return [page(site, f"{name}.html") for name in files]


def notebooks() -> list[Path]:
    """Return the notebooks that are chapters."""
    return sorted((REPO / "notebooks").glob("*.ipynb"))


def attribute(tag: Tag, name: str) -> str:
    """Return an attribute as one string, empty where it is absent."""
    value = tag.get(name, "")
    return " ".join(value) if isinstance(value, list) else str(value or "")


def fetched(soup: BeautifulSoup) -> Iterator[str]:
    """Yield every address that a browser loads by itself when it opens a page."""
    for tag in soup.find_all(True):
        for name, where in FETCHED.items():
            value = attribute(tag, name)
            if not value or (where is not None and tag.name not in where):
                continue
            if tag.name == "link" and set(attribute(tag, "rel").lower().split()) <= NOT_FETCHED:
                continue
            if name == "srcset":
                yield from (part.split()[0] for part in value.split(",") if part.split())
            else:
                yield value
        yield from css_addresses(attribute(tag, "style"))
        if tag.name == "style":
            yield from css_addresses(tag.get_text())


def css_addresses(css: str) -> list[str]:
    """Return what a style sheet loads, apart from pictures that it carries in itself."""
    found = [first or second for first, second in CSS_ADDRESS.findall(css)]
    return [address for address in found if not address.startswith("data:")]


# ---- the checks: each returns what is wrong ------------------------------------------------------


def external_addresses(soup: BeautifulSoup) -> list[str]:
    """Return what a page would load from elsewhere, its inline scripts included."""
    wrong = [address for address in fetched(soup) if EXTERNAL.match(address)]
    for script in soup.find_all("script"):
        wrong += re.findall(r"""["'](?:https?:)?//[^"']+""", script.get_text())
    return wrong


def raw_markup(article: Tag) -> list[str]:
    """Return pieces of Markdown or TeX that a reader would see."""
    copy = BeautifulSoup(str(article), "html.parser")
    for tag in copy.select("script, style, pre, code, .katex, .sig"):
        tag.decompose()
    text = " ".join(copy.get_text(" ").split())
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in RAW_MARKUP.finditer(text)]


def bad_formulas(soup: BeautifulSoup) -> list[str]:
    """Return formulas that are not set: for the eye (HTML) and for a screen reader (MathML)."""
    return [
        str(tag)[:120]
        for tag in soup.select(".math")
        if not any(base.get_text().strip() for base in tag.select(".katex-html > .base"))
        or not tag.select_one(".katex-mathml math")
        or tag.select_one(".katex-error")
    ]


def bad_alternatives(soup: BeautifulSoup) -> list[str]:
    """Return pictures without a text of at least eight words; the logo stands beside its words."""
    return [
        str(tag)[:120]
        for tag in soup.find_all("img")
        if "logo__image" not in attribute(tag, "class").split()
        and len(attribute(tag, "alt").split()) < 8
    ]


def broken_links(here: Page) -> list[str]:
    """Return the links of a page, and what it loads, that lead nowhere within the site."""
    wrong = []
    addresses = {attribute(tag, "href") for tag in here.soup.find_all("a", href=True)}
    for address in sorted(addresses | set(fetched(here.soup))):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (here.path.parent / unquote(parts.path)).resolve() if parts.path else here.path
        if not target.is_file():
            wrong.append(address)
        elif parts.fragment and target.suffix == ".html" and target.is_relative_to(here.site):
            there = page(here.site, target.relative_to(here.site.resolve()).as_posix())
            if there.soup.find(id=unquote(parts.fragment)) is None:
                wrong.append(address)
    return wrong


def weight(here: Page) -> dict[str, int]:
    """Return the bytes, compressed, of a page and of what it names, by kind."""
    sizes = {".html": len(gzip.compress(here.path.read_bytes()))}
    for address in set(fetched(here.soup)):
        if address.startswith("data:"):
            continue  # counted with the page
        path = here.path.parent / unquote(urlsplit(address).path)
        sizes[path.suffix] = sizes.get(path.suffix, 0) + len(gzip.compress(path.read_bytes()))
    return sizes
