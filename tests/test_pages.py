"""The built pages, read without a browser: whole, self-contained, and nothing left raw."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image
from sphinxcontrib import katex  # type: ignore[import-untyped]

from tests import pages
from tests.pages import REPO, Build, Page, book_build, book_html
from tests.picture import PREVIEW, README, SHOTS

__all__ = ["book_build", "book_html"]  # fixtures, found by their names

EXAMPLE = "https://github.com/example/nnbook"
COLAB = "https://colab.research.google.com/github/example/nnbook/blob/main"


# ---- the build ----------------------------------------------------------------------------------


def test_builds_without_any_warning(book_build: Build) -> None:
    assert book_build.code == 0, book_build.log[-4000:]
    assert not re.findall(r"(?m)^.*(?:WARNING|ERROR).*$", book_build.log)


def test_has_a_page_for_every_chapter(book_html: Path) -> None:
    built = {path.stem for path in (book_html / "notebooks").glob("*.html")}
    assert built == {path.stem for path in pages.notebooks()}


def test_build_fails_on_what_is_wrong(tmp_path: Path) -> None:
    flaws = {
        "frac{1}": r"A formula $\frac{1}$ that is wrong.",
        "eq-nowhere": "A reference {eq}`eq-nowhere` to nothing.",
        "nobody1900": "A citation {cite:p}`nobody1900` of nobody.",
        "nowhere.md": "A [link](nowhere.md) to nothing.",
        "picture.svg": "![A picture that is described in eight words but missing](picture.svg)",
    }
    source = pages.copy_of_sources(tmp_path / "source")
    with (source / "book" / "intro.md").open("a", encoding="utf-8") as intro:
        intro.write("\n" + "\n\n".join(flaws.values()) + "\n")
    keep_few_pages(source)
    built = pages.build(tmp_path / "build", source)
    assert built.code != 0
    warnings = [line for line in built.log.splitlines() if "WARNING" in line and "intro.md" in line]
    for sign in flaws:
        assert any(sign in line for line in warnings), (sign, built.log[-4000:])


def keep_few_pages(source: Path) -> None:
    """Leave of a book the first page, what its extensions need, and the chapter of its picture."""
    kept = {"intro", "glossary", "references", "07_forward"}
    for path in [*source.glob("book/*.md"), *source.glob("notebooks/*.ipynb")]:
        if path.stem not in kept:
            path.unlink()
    shutil.rmtree(source / "book" / "api")
    toc = {
        "format": "jb-book",
        "root": "book/intro",
        "chapters": [{"file": f"book/{name}"} for name in ("glossary", "references")]
        + [{"file": "notebooks/07_forward"}],
    }
    (source / "book" / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")


# ---- every page ---------------------------------------------------------------------------------


def test_loads_nothing_from_elsewhere(book_html: Path) -> None:
    assert {p.name: bad for p in pages.pages(book_html) if (bad := external(p))} == {}
    for style in book_html.rglob("*.css"):
        for address in pages.css_addresses(style.read_text(encoding="utf-8")):
            assert not pages.EXTERNAL.match(address), (style.name, address)
            path = (style.parent / address.partition("#")[0].partition("?")[0]).resolve()
            assert path.is_file(), f"{style.name} loads {address}, which is not there"


def test_no_raw_markup_is_left(book_html: Path) -> None:
    assert {p.name: bad for p in pages.content_pages(book_html) if (bad := raw(p))} == {}


def test_formulas_are_set(book_html: Path) -> None:
    assert {p.name: bad for p in pages.pages(book_html) if (bad := formulas(p))} == {}
    for p in pages.content_pages(book_html):
        without = p.name == "notebooks/01_background.html"  # needs no mathematics
        if p.name == "book/notation.html" or (p.name.startswith("notebooks/") and not without):
            assert p.soup.select(".math .katex-html"), f"{p.name} has no formula"


def test_style_and_renderer_of_formulas_are_of_one_version(book_html: Path) -> None:
    style = pages.REPO / "book" / "static" / "katex" / "katex.min.css"
    assert f'content:"{katex.katex_version}"' in style.read_text(encoding="utf-8")
    assert "KaTeX_Math-Italic.woff2" in (book_html / "_static" / "site.css").read_text("utf-8")


def test_equations_are_numbered_by_chapter_and_linked(book_html: Path) -> None:
    for p in pages.content_pages(book_html):
        chapter = re.match(r"notebooks/(\d+)_", p.name)
        if not chapter:
            continue
        texts = [tag.get_text().strip("#()") for tag in p.soup.select("div.math > .eqno")]
        assert texts == [f"{int(chapter[1])}.{number + 1}" for number in range(len(texts))]
        if int(chapter[1]) > 1:  # the first needs no mathematics
            assert texts, f"{p.name} has no numbered equation"


def test_formula_that_a_link_shows_is_on_the_page_once(book_html: Path) -> None:
    """In its place, or in a template at the end; links in a list stand beside their formulas."""
    shown = 0
    for p in pages.content_pages(book_html):
        here = {pages.attribute(tag, "id") for tag in p.article.select("div.math[id]")}
        waiting = [pages.attribute(tag, "data-equation") for tag in p.soup.select("template")]
        linked = {
            pages.attribute(link, "href").partition("#")[2]
            for link in p.article.select("a[href*='#equation-']:not(.headerlink, dt > a)")
        }
        assert sorted(linked - here) == waiting, p.name
        shown += len(linked)
    assert shown > 100


def test_pictures_say_what_they_show(book_html: Path) -> None:
    assert {p.name: bad for p in pages.pages(book_html) if (bad := alternatives(p))} == {}


def test_links_and_anchors_lead_somewhere(book_html: Path) -> None:
    broken = {p.name: bad for p in pages.pages(book_html) if (bad := pages.broken_links(p))}
    assert broken == {}


def test_titles_descriptions_and_language(book_html: Path) -> None:
    everything = pages.pages(book_html)
    titles = Counter(p.soup.title.get_text() if p.soup.title else "" for p in everything)
    assert "" not in titles
    assert [title for title, times in titles.items() if times > 1] == []
    assert {pages.attribute(p.soup.select("html")[0], "lang") for p in everything} == {"en"}
    written = pages.content_pages(book_html)
    described = [p.soup.select("meta[name=description]") for p in written]
    assert [len(found) for found in described] == [1] * len(written)
    texts = [pages.attribute(found[0], "content") for found in described]
    assert len(set(texts)) == len(texts)
    assert all(40 <= len(text) <= 160 for text in texts), texts
    assert all(len(p.article.select("h1")) == 1 for p in written)


def test_a_shared_link_has_a_preview(book_html: Path) -> None:
    for p in pages.content_pages(book_html):
        said = {
            pages.attribute(tag, "property"): pages.attribute(tag, "content")
            for tag in p.soup.select("meta[property^='og:']")
        }
        described = p.soup.select("meta[name=description]")[0]
        assert said["og:description"] == pages.attribute(described, "content")
        assert said["og:title"]
        assert (p.path.parent / said["og:image"]).resolve().is_file(), p.name
        assert "og:url" not in said  # nobody knows yet where the pages will stand
        assert not p.soup.select("link[rel=canonical]")


def test_pictures_of_the_readme_are_described_sharp_and_small() -> None:
    shown = BeautifulSoup((REPO / "README.md").read_text("utf-8"), "html.parser").select("img")
    paths = [REPO / pages.attribute(img, "src") for img in shown]
    assert sorted(paths) == sorted(README.glob("*.png"))
    assert {*paths, PREVIEW} == {shot.path for shot in SHOTS}
    for img, path in zip(shown, paths, strict=True):
        assert len(pages.attribute(img, "alt").split()) >= 8, path.name
        assert path.stat().st_size < 150_000, path.name
        with Image.open(path) as picture:
            assert picture.width >= 2 * int(pages.attribute(img, "width")), path.name


def test_pictures_of_the_readme_are_not_among_the_pages(book_html: Path) -> None:
    """Nor under another name; the one for shared links is, and shows that the check can see one."""
    shipped = {path.read_bytes() for path in book_html.rglob("*.png")}
    assert {shot.path for shot in SHOTS if shot.path.read_bytes() in shipped} == {PREVIEW}


def test_files_for_robots_and_wrong_addresses(book_html: Path) -> None:
    assert (book_html / "robots.txt").read_text("utf-8") == "User-agent: *\nAllow: /\n"
    assert not (book_html / "sitemap.xml").exists()
    assert pages.broken_links(pages.page(book_html, "404.html")) == []


def test_weight_of_a_page(book_html: Path) -> None:
    for p in pages.content_pages(book_html):
        sizes = pages.weight(p)
        assert sizes[".css"] + sizes[".js"] <= 120_000, (p.name, sizes)
        assert sum(sizes.values()) <= 600_000, (p.name, sizes)


def test_nothing_of_the_icon_font_is_shipped(book_html: Path) -> None:
    assert not [path for path in book_html.rglob("*") if "fontawesome" in path.name.lower()]
    style = (book_html / "_static" / "site.css").read_text("utf-8")
    assert ".fa-rocket" not in style
    assert ".bd-sidebar-primary" in style  # and the theme itself is still there


def test_a_page_loads_one_style_and_one_script(book_html: Path) -> None:
    for p in pages.content_pages(book_html):
        assert len(p.soup.select("link[rel=stylesheet]")) == 1, p.name
        scripts = p.soup.select("script[src]")
        assert len(scripts) == 1, p.name
        assert scripts[0].has_attr("defer")
    assert len(pages.page(book_html, "search.html").soup.select("script[src]")) == 5


def test_styles_of_figures_stand_with_the_others(book_html: Path) -> None:
    with_figures = [p for p in pages.pages(book_html) if p.soup.select(".nn-figure")]
    assert with_figures
    assert [p.name for p in with_figures if p.soup.select("body style")] == []
    assert ".nn-figure" in (book_html / "_static" / "site.css").read_text("utf-8")


def test_rules_that_no_page_needs_are_dropped_and_others_kept(book_html: Path) -> None:
    style = (book_html / "_static" / "site.css").read_text("utf-8")
    assert ".sd-tab-set" not in style
    for needed in ("dialog", "details.fold", ".admonition", "@media print", ".katex", ".copybtn"):
        assert needed in style
    # classes that a script inside a page gives to a figure
    assert ".nn-ready:not(.nn-open) .nn-tables" in style


def test_pictures_have_their_size_and_later_ones_wait(book_html: Path) -> None:
    for p in pages.content_pages(book_html):
        pictures = p.article.select("img")
        assert all(img.has_attr("width") and img.has_attr("height") for img in pictures), p.name
        assert all(pages.attribute(img, "loading") == "lazy" for img in pictures[1:]), p.name


def test_first_page_lists_every_chapter_with_a_line(book_html: Path) -> None:
    article = pages.page(book_html, "book/intro.html").article
    listed = {
        pages.attribute(link, "href").rpartition("/")[2]: entry.find_next_sibling("dd")
        for entry in article.select("dl > dt")
        for link in entry.select("a[href*='notebooks/']")
    }
    assert set(listed) == {f"{path.stem}.html" for path in pages.notebooks()}
    for name, line in listed.items():
        assert line is not None, name
        text = " ".join(line.get_text().split())
        assert len(text) >= 20, name
        assert text[-1] in ".?!", name
        there = " ".join(pages.page(book_html, f"notebooks/{name}").article.get_text().split())
        assert text in there, f"{name} does not begin like that"
    (picture,) = article.select("figure img")
    assert (book_html / "book" / pages.attribute(picture, "src")).is_file()


def test_search_knows_sections_words_and_pieces_of_the_library(book_html: Path) -> None:
    text = (book_html / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    pages_of = [index["pages"][page][0] for page, *_ in index["sections"]]
    found = {(pages_of[i], title) for i, (_, _, title, _) in enumerate(index["sections"])}
    assert ("book/glossary", "overfitting") in found
    assert ("book/api/callbacks", "EarlyStopping") in {(p, t.rpartition(".")[2]) for p, t in found}
    for i, (_, anchor, _, _) in enumerate(index["sections"]):
        soup = pages.page(book_html, f"{pages_of[i]}.html").soup
        assert soup.find(id=anchor) is not None, (pages_of[i], anchor)


# ---- chapters -----------------------------------------------------------------------------------


def test_marked_cells_reach_the_page(book_html: Path) -> None:
    style = (book_html / "_static" / "site.css").read_text(encoding="utf-8")
    for notebook in pages.notebooks():
        soup = pages.page(book_html, f"notebooks/{notebook.stem}.html").soup
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        wanted = Counter(tag for cell in cells for tag in cell["metadata"].get("tags", []))
        for tag in ("from-scratch", "keras", "same"):
            assert len(soup.select(f"div.cell.tag_{tag}")) == wanted[tag], (notebook.name, tag)
            assert f"div.cell.tag_{tag}::before" in style
        assert wanted["remove-cell"] == 1  # what only Colab needs
        assert "google.colab" not in soup.get_text(), notebook.name
        for keras in soup.select("div.cell.tag_from-scratch + div.cell.tag_keras"):
            assert keras.parent is not None
            assert "pair" in keras.parent["class"], notebook.name
        assert bool(soup.select(".pair-control")) == bool(soup.select("div.pair")), notebook.name
        assert re.fullmatch(r"\d+ minutes to read", soup.select(".chapter-bar p")[0].get_text())
        (download,) = soup.select(".chapter-bar a[download]")
        offered = book_html / "notebooks" / pages.attribute(download, "href")
        assert offered.read_bytes() == notebook.read_bytes(), notebook.name
        folded = soup.select("div.cell.tag_hide-cell > details.fold > summary")
        assert len(folded) == wanted["hide-cell"], notebook.name
        assert all("solution" in summary.get_text() for summary in folded), notebook.name


def test_long_outputs_are_folded_and_no_others(book_html: Path) -> None:
    """Outputs of more than thirty lines; those of a folded cell are folded with it."""
    folded = 0
    for notebook in pages.notebooks():
        soup = pages.page(book_html, f"notebooks/{notebook.stem}.html").soup
        for output in soup.select("div.cell_output pre"):
            lines = len(output.get_text().rstrip("\n").splitlines())
            fold = output.find_parent("details", class_="long-output")
            in_cell = output.find_parent("details", class_="hide-cell") is not None
            hidden = output.find_parent(class_="tag_hide-cell") is not None or in_cell
            assert (fold is not None) == (lines > 30 and not hidden), (notebook.name, lines)
            if fold is not None:
                shown = fold.select("summary > .collapsed")[0].get_text()
                assert shown == f"Show the output: {lines} lines"
                folded += 1
    assert folded > 0


def test_margin_notes_follow_their_text(book_html: Path) -> None:
    for notebook in pages.notebooks():
        soup = pages.page(book_html, f"notebooks/{notebook.stem}.html").soup
        notes = soup.select("div.noted > p + aside.margin-note > p")
        assert len(notes) == notebook.read_text(encoding="utf-8").count(":::{margin}")
        assert not soup.select("aside.sidebar")  # the theme's, which hides the list of headings


def test_next_and_previous_lead_through_the_book(book_html: Path) -> None:
    order = pages.content_pages(book_html)
    for here, there in pairwise(order):
        for p, wanted, side in ((here, there, "right-next"), (there, here, "left-prev")):
            (link,) = p.soup.select(f".prev-next-area a.{side}")
            found = (p.path.parent / pages.attribute(link, "href").partition("#")[0]).resolve()
            assert found == wanted.path.resolve(), (p.name, side)


def test_colours_of_text_have_contrast(book_html: Path) -> None:
    style = (pages.REPO / "book" / "static" / "book.css").read_text(encoding="utf-8")
    for theme in ("light", "dark"):
        blocks = re.findall(rf'html\[data-theme="{theme}"\] \{{\n(.*?)\n\}}', style, re.DOTALL)
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0]))
        pairs = [(f"book-{mark}", f"book-{mark}-bg") for mark in ("scratch", "keras", "same")]
        for text in ("text-base", "text-muted", "heading", "link", "link-hover", "inline-code"):
            pairs += [(f"pst-color-{text}", f"pst-color-{bg}") for bg in ("background", "surface")]
        for text, background in pairs:
            ratio = contrast(colour[text], colour[background])
            assert ratio >= 7, f"{theme}: {text} on {background} has only {ratio:.1f}"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


# ---- the one setting of the repository's address ------------------------------------------------


def repository_links(p: Page) -> set[str]:
    """Return the links in the frame of a page, outside its text, that lead off the site."""
    header = p.soup.select(".bd-header-article a[href], .bd-sidebar-secondary a[href]")
    addresses = {pages.attribute(tag, "href") for tag in header}
    return {a for a in addresses if pages.EXTERNAL.match(a) or "_sources/" in a}


def test_without_repository_nothing_points_at_one(book_html: Path) -> None:
    assert {p.name: found for p in pages.pages(book_html) if (found := repository_links(p))} == {}


@pytest.fixture(scope="module")
def other_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build with the address of a repository, a PDF, and marked labels of formulas."""
    folder = tmp_path_factory.mktemp("other")
    source = pages.copy_of_sources(folder / "source")
    pages.with_repository(source, EXAMPLE)
    pdf = source / "build" / "nnbook.pdf"
    pdf.parent.mkdir()
    pdf.write_bytes(b"%PDF")
    marked = "".join(f'<span data-equation="{e}">{e}</span>' for e in ("eq-dense", "eq-nowhere"))
    with (source / "book" / "intro.md").open("a", encoding="utf-8") as intro:
        intro.write(f"\n```{{raw}} html\n<p>{marked}</p>\n```\n")
    built = pages.build(folder / "build", source)
    assert built.code == 0, built.log[-4000:]
    return built


def test_labels_in_figures_become_links(other_build: Build) -> None:
    here = pages.page(other_build.html, "book/intro.html")
    (link,) = here.soup.select("a[data-equation]")
    (text,) = here.soup.select("span[data-equation]")
    assert link["href"] == "../notebooks/10_the_keras_example.html#equation-eq-dense"
    assert link.get_text() == "(10.1)"
    assert text.get_text() == "eq-nowhere"
    assert pages.broken_links(here) == []


def test_with_repository_and_pdf_their_links_appear(other_build: Build) -> None:
    built = other_build
    site = "https://example.github.io/nnbook/"
    listed = re.findall("<loc>(.*)</loc>", (built.html / "sitemap.xml").read_text("utf-8"))
    assert f"Sitemap: {site}sitemap.xml" in (built.html / "robots.txt").read_text("utf-8")
    for p in pages.content_pages(built.html):
        (canonical,) = p.soup.select("link[rel=canonical]")
        (url,) = p.soup.select("meta[property='og:url']")
        assert canonical["href"] == url["content"] == f"{site}{p.name}"
        assert f"{site}{p.name}" in listed
        links = repository_links(p)
        is_chapter = p.name.startswith("notebooks/")
        path = p.name.replace(".html", ".ipynb" if is_chapter else ".md")
        assert EXAMPLE in links
        assert f"{EXAMPLE}/edit/main/{path}" in links
        assert (f"{COLAB}/{path}" in links) == is_chapter
        assert any(link.endswith(f"_sources/{path}") for link in links)
        assert any(link.startswith(f"{EXAMPLE}/issues/new") for link in links)
        assert pages.broken_links(p) == []
        assert external(p) == []
    assert (built.html / "nnbook.pdf").read_bytes() == b"%PDF"
    assert links_the_pdf(built.html)


def links_the_pdf(site: Path) -> bool:
    return bool(pages.page(site, "book/intro.html").article.select('a[href="../nnbook.pdf"]'))


def test_pdf_is_linked_only_where_it_is(book_html: Path) -> None:
    assert links_the_pdf(book_html) == (book_html / "nnbook.pdf").is_file()
    if not os.environ.get("NNBOOK_PAGES"):  # built from sources without a PDF
        assert not links_the_pdf(book_html)


# ---- the checks themselves ----------------------------------------------------------------------


def external(p: Page) -> list[str]:
    return pages.external_addresses(p.soup)


def raw(p: Page) -> list[str]:
    return pages.raw_markup(p.article)


def formulas(p: Page) -> list[str]:
    return pages.bad_formulas(p.soup)


def alternatives(p: Page) -> list[str]:
    return pages.bad_alternatives(p.soup)


@pytest.mark.parametrize(
    ("check", "flaw"),
    [
        (external, '<img src="https://example.org/a.png" alt="">'),
        (external, '<img srcset="a.png 1x, //example.org/b.png 2x" alt="">'),
        (external, '<script src="//example.org/a.js"></script>'),
        (external, '<script>const URL = "https://example.org/a.js";</script>'),
        (external, '<link rel="preconnect" href="https://example.org">'),
        (external, '<link rel="stylesheet" href="https://example.org/a.css">'),
        (external, '<p style="background: url(https://example.org/a.png)">text</p>'),
        (external, '<style>@import "https://example.org/a.css";</style>'),
        (external, '<iframe src="https://example.org/"></iframe>'),
        (raw, "<p>$$ a = b $$</p>"),
        (raw, r"<p>\(a = b\)</p>"),
        (raw, r"<p>\begin{aligned} a</p>"),
        (raw, "<p>see {eq}`eq-a`</p>"),
        (raw, "<p>see {cite:t}`somebody`</p>"),
        (raw, "<p>[mark]{.label}</p>"),
        (raw, "<p>::: note</p>"),
        (raw, "<p>**bold**</p>"),
        (formulas, '<span class="math">a = b</span>'),
        (formulas, '<span class="math"><span class="katex-error">a</span></span>'),
        (alternatives, '<img src="a.svg">'),
        (alternatives, '<img src="a.svg" alt="a plot">'),
        (pages.broken_links, '<a href="nowhere.html">link</a>'),
        (pages.broken_links, '<a href="#nowhere">link</a>'),
        (pages.broken_links, '<a href="notation.html#nowhere">link</a>'),
        (pages.broken_links, '<img src="nowhere.svg" alt="">'),
    ],
)
def test_check_sees(book_html: Path, check: Callable[[Page], list[str]], flaw: str) -> None:
    """Each check is silent on a page of the book and speaks on the same page with one flaw."""
    good = pages.page(book_html, "book/intro.html")
    assert check(good) == []
    html = good.path.read_text(encoding="utf-8").replace("</article>", f"{flaw}</article>")
    assert check(Page(good.site, good.path, BeautifulSoup(html, "html.parser"))) != []
