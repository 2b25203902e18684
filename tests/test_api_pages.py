"""The pages of the library: every public piece is there, with its source and its formula."""

from __future__ import annotations

import importlib
import inspect
import operator
import pkgutil
import re
from pathlib import Path

import pytest
import yaml

import nnbook
from tests import pages
from tests.pages import book_build, book_html

__all__ = ["book_build", "book_html"]  # fixtures, found by their names

MODULES = sorted(module.name for module in pkgutil.iter_modules(nnbook.__path__))


def own_names(module: str) -> set[str]:
    """Return the public classes and functions of a module, and the methods they document."""
    found = set()
    home = importlib.import_module(f"nnbook.{module}")
    for name, thing in vars(home).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != home.__name__:
            continue
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        found.add(name)
        if inspect.isclass(thing):
            found |= {
                f"{name}.{member}"
                for member, value in vars(thing).items()
                if not member.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, property))
                and value.__doc__
            }
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_public_piece_is_on_its_page_with_a_link_to_its_source(
    book_html: Path, module: str
) -> None:
    here = pages.page(book_html, f"book/api/{module}.html")
    names = own_names(module)
    assert len(names) >= 2, "the search for the public finds it"
    for name in names:
        anchor = here.soup.find(id=f"nnbook.{module}.{name}")
        assert anchor is not None, f"{name} is not on the page"
        source = anchor.select_one("a.viewcode-link, a:has(.viewcode-link)")
        if anchor.find(string=re.compile("property")) is None:
            assert source is not None, f"{name} has no link to its source"
            assert str(source["href"]).endswith(f"_modules/nnbook/{module}.html#{name}")


def test_every_page_of_the_library_is_in_the_contents_and_in_its_index(book_html: Path) -> None:
    toc = yaml.safe_load((pages.REPO / "book" / "_toc.yml").read_text(encoding="utf-8"))
    (library,) = (part for part in toc["parts"] if part["caption"] == "The library")
    (index,) = library["chapters"]
    assert sorted(section["file"] for section in index["sections"]) == [
        f"book/api/{module}" for module in MODULES
    ]
    links = pages.page(book_html, "book/api/index.html").soup.select("article table a[href]")
    assert sorted(str(a["href"]) for a in links) == [f"{module}.html" for module in MODULES]


def test_every_label_of_a_formula_in_a_docstring_leads_to_the_formula(book_html: Path) -> None:
    chapters = [path.read_text(encoding="utf-8") for path in pages.notebooks()]
    labelled = {label for text in chapters for label in re.findall(r"\$\$ \((eq-[\w-]+)\)", text)}
    linked: set[str] = set()
    for module in MODULES:
        home = importlib.import_module(f"nnbook.{module}")
        pieces = [operator.attrgetter(name)(home) for name in own_names(module)]
        text = " ".join(str(thing.__doc__) for thing in [home, *pieces])
        wanted = set(re.findall(r"\beq-[a-z0-9-]*[a-z0-9]\b", text)) & labelled
        here = pages.page(book_html, f"book/api/{module}.html")
        found = {
            str(a["href"]).rpartition("#equation-")[2]
            for a in here.soup.select("a[href*=equation-]")
        }
        assert found == wanted, module
        linked |= found
        article = here.soup.find("article")
        assert article is not None
        assert "eq-" not in article.get_text(), "a label is left in the text"
    assert {"eq-dense", "eq-hidden-delta", "eq-adam"} <= linked
